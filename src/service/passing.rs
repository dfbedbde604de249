//! Passes sockets to a new process, as systemd does: from descriptor 3 on, with their names in `LISTEN_FDNAMES` and the process's own
//! PID in `LISTEN_PID`.
//!
//! Libraries use the sockets only if `LISTEN_PID` is their own PID, which is not known before the fork. A shell or a small program in
//! between could set it, but that takes half a millisecond or more. So the forked child writes the digits into an environment that
//! was prepared for it, and executes the program itself. `std` still does the rest (streams, group, directory, and reporting a
//! failed exec through its pipe). A `vfork` of our own would be a quarter of a millisecond faster, but would have to do all that.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::fcntl_dupfd_cloexec;

use crate::listen::Passed;

/// The first descriptor of the sockets.
const FIRST: RawFd = 3;

/// The variables about sockets, which only we may set.
const WORDS: [&str; 4] = ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID"];

/// Room for `LISTEN_PID=`, the digits of a PID, and the final NUL.
const PID_WORD: &[u8] = b"LISTEN_PID=";
const DIGITS: usize = 10;

/// Everything that the child needs to execute its program with sockets, made before the fork: the child itself may not
/// allocate.
#[derive(Debug)]
pub(super) struct Execution {
    program: CString,
    _texts: Vec<CString>,
    /// The last variable of the environment, which the child fills in.
    pid: Vec<u8>,
    /// The addresses of the arguments and of the environment, each list with a null at its end. They are numbers, so that this can be
    /// passed to the child; nothing that they point to moves or is freed before `self`.
    arguments: Vec<usize>,
    environment: Vec<usize>,
    sockets: Vec<OwnedFd>,
    /// Occupies the descriptors that the sockets will get, so that no other descriptor that the child needs has one of them; above
    /// all `std`'s pipe for the error of a failed exec.
    _reserved: Vec<OwnedFd>,
}

impl Execution {
    /// Prepares this program with these arguments, these variables, and these sockets in this order.
    ///
    /// # Errors
    /// A NUL in an argument or variable, or no more descriptors.
    pub(super) fn prepare<'a>(
        program: &Path,
        words: impl IntoIterator<Item = &'a OsStr>,
        variables: &[(OsString, OsString)],
        passed: &[Passed],
    ) -> io::Result<Self> {
        let above = FIRST + RawFd::try_from(passed.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // Above all target descriptors, so that none is overwritten when another is moved to its place.
        let copies = passed.iter().map(|passed| Ok(fcntl_dupfd_cloexec(&passed.socket, above)?));
        let sockets: Vec<OwnedFd> = copies.collect::<io::Result<_>>()?;
        let reserved = reserved(&sockets, above)?;

        let words = words.into_iter().map(|word| Ok(CString::new(word.as_bytes())?)).collect::<io::Result<Vec<_>>>()?;
        let names: Vec<_> = passed.iter().map(|passed| passed.name.as_str()).collect();
        let told = [format!("LISTEN_FDS={}", passed.len()), format!("LISTEN_FDNAMES={}", names.join(":"))];
        let told = told.into_iter().map(|word| Ok(CString::new(word)?));
        let others = variables.iter().filter(|(name, _)| !WORDS.iter().any(|word| name == word)).map(variable);
        let variables = others.chain(told).collect::<io::Result<Vec<_>>>()?;

        let mut pid = PID_WORD.to_vec();
        pid.resize(PID_WORD.len() + DIGITS + 1, 0);
        let address = |text: &CString| text.as_ptr() as usize;
        let arguments = words.iter().map(address).chain([0]).collect();
        let environment = variables.iter().map(address).chain([pid.as_ptr() as usize, 0]).collect();
        let program = CString::new(program.as_os_str().as_bytes())?;
        let texts = words.into_iter().chain(variables).collect();
        Ok(Self { program, _texts: texts, pid, arguments, environment, sockets, _reserved: reserved })
    }

    /// Executes the program: the last step of the forked child. It returns only if that fails.
    #[expect(unsafe_code, reason = "std cannot put the child's own number into its environment")]
    pub(super) fn execute(&mut self) -> io::Error {
        self.write_pid();
        for (target, socket) in (FIRST..).zip(&self.sockets) {
            // SAFETY: a plain system call. What the child had under the target's number is either one of `_reserved` or
            // would be closed by the exec anyway, and nothing uses it in between.
            if unsafe { libc::dup2(socket.as_fd().as_raw_fd(), target) } < 0 {
                return io::Error::last_os_error();
            }
        }
        // SAFETY: each list holds the addresses of texts that end with a NUL, which `self` keeps, and ends with a null.
        // With a path for a program it neither searches nor allocates; a script without a first line gets its shell, as
        // from `std`.
        unsafe {
            libc::execvpe(self.program.as_ptr(), self.arguments.as_ptr().cast(), self.environment.as_ptr().cast());
        }
        io::Error::last_os_error()
    }

    fn write_pid(&mut self) {
        let mut number = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
        let (mut digits, mut count) = ([0_u8; DIGITS], 0);
        while number > 0 && count < DIGITS {
            digits[count] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            (number, count) = (number / 10, count + 1);
        }
        for (place, digit) in self.pid[PID_WORD.len()..].iter_mut().zip(digits[..count].iter().rev()) {
            *place = *digit;
        }
    }
}

/// Occupies every free descriptor between the first one and `above`.
fn reserved(sockets: &[OwnedFd], above: RawFd) -> io::Result<Vec<OwnedFd>> {
    let mut reserved = Vec::new();
    let Some(any) = sockets.first() else { return Ok(reserved) };
    loop {
        let lowest = fcntl_dupfd_cloexec(any, FIRST)?;
        if lowest.as_raw_fd() >= above {
            return Ok(reserved);
        }
        reserved.push(lowest);
    }
}

fn variable((name, value): &(OsString, OsString)) -> io::Result<CString> {
    Ok(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?)
}
