//! Two socket options that rustix has no call for.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use super::program::Instruction;

/// How full the queue of a listening socket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    /// Connections that have not been accepted yet.
    pub(super) waiting: u32,
    /// How many may wait: the backlog, limited by the kernel (`net.core.somaxconn`).
    pub(super) limit: u32,
}

/// Attaches this program to the socket's group, in place of any other.
///
/// # Errors
/// The kernel, or a filter of system calls, does not allow it.
#[expect(unsafe_code, reason = "rustix has no call for SO_ATTACH_REUSEPORT_CBPF")]
pub(super) fn attach(socket: impl AsFd, program: &[Instruction]) -> io::Result<()> {
    let mut filter: Vec<libc::sock_filter> = program
        .iter()
        .map(|it| libc::sock_filter { code: it.code, jt: it.jump_true, jf: it.jump_false, k: it.operand })
        .collect();
    let length = u16::try_from(filter.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the option takes one sock_fprog, which lives, with the instructions that it points to, until the call
    // returns; the kernel copies both.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            std::ptr::from_ref(&program).cast(),
            size,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How full the queue of a listening TCP socket is. It costs a microsecond.
///
/// # Errors
/// The socket is not a TCP socket.
#[expect(unsafe_code, reason = "rustix has no call for TCP_INFO")]
pub(super) fn queue(socket: impl AsFd) -> io::Result<Queue> {
    let mut info = std::mem::MaybeUninit::<libc::tcp_info>::zeroed();
    let mut size = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel writes at most `size` bytes of numbers into `info`, which is that large; zero is a value of
    // each of them, so what an older kernel leaves out is initialised as well.
    let (result, info) = unsafe {
        let result = libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut size,
        );
        (result, info.assume_init())
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // For a listening socket, the two fields mean this.
    Ok(Queue { waiting: info.tcpi_unacked, limit: info.tcpi_sacked })
}
