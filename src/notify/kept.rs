//! Descriptors that systemd keeps for this unit while no process of it runs, and gives to the next one.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::Manager;

/// Where they begin.
const FIRST: RawFd = 3;

/// No unit has more: a wrong number must not make us claim what is ours by other means.
const MOST: RawFd = 1024;

/// Takes what systemd has passed to this process (`LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`), with its names. Nothing
/// that lictor starts inherits it. Call it once, before anything else opens descriptors by number; `pid` is our own.
pub fn kept(lookup: impl Fn(&str) -> Option<OsString>, pid: u32) -> Vec<(String, OwnedFd)> {
    let number = |name| lookup(name)?.to_str()?.parse::<RawFd>().ok();
    if number("LISTEN_PID").is_none_or(|meant| u32::try_from(meant) != Ok(pid)) {
        return Vec::new();
    }
    let names = lookup("LISTEN_FDNAMES").and_then(|names| names.into_string().ok()).unwrap_or_default();
    let mut names = names.split(':');
    let count = number("LISTEN_FDS").unwrap_or(0).clamp(0, MOST);
    (FIRST..FIRST + count)
        .filter_map(|number| {
            let name = names.next().unwrap_or_default().to_owned();
            claimed(number).map(|descriptor| (name, descriptor))
        })
        .collect()
}

#[expect(unsafe_code, reason = "a descriptor that was passed by number has no owner yet")]
fn claimed(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: it is only asked for its flags, which an error answers if it is not open.
    let passed = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfd(passed).ok()?;
    fcntl_setfd(passed, flags | FdFlags::CLOEXEC).ok()?;
    // SAFETY: it is open, systemd has said that it is passed to us, and this is the only place that takes it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

impl Manager {
    /// Asks it to keep these, each under its name. Without `FileDescriptorStoreMax=` in the unit it does not.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn keep(&self, descriptors: &[(String, BorrowedFd<'_>)]) -> io::Result<()> {
        for (name, descriptor) in descriptors {
            self.send_with(&format!("FDSTORE=1\nFDNAME={name}\n"), &[*descriptor])?;
        }
        Ok(())
    }

    /// Asks it to let these go.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn forget(&self, names: &[String]) -> io::Result<()> {
        names.iter().try_for_each(|name| self.send_with(&format!("FDSTOREREMOVE=1\nFDNAME={name}\n"), &[]))
    }

    /// It does not wait: the loop may be turning.
    fn send_with(&self, message: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let socket = self.connected()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let sent = sendmsg(socket.as_fd(), &[IoSlice::new(message.as_bytes())], &mut control, SendFlags::NOSIGNAL);
        match sent {
            Err(Errno::AGAIN) => Err(io::Error::other("systemd is too busy to take it")),
            sent => Ok(sent.map(drop)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

    use super::kept;
    use crate::notify::Manager;

    #[test]
    fn what_is_meant_for_another_process_is_left_alone() {
        let lookup = |name: &str| match name {
            "LISTEN_PID" => Some(OsString::from("4711")),
            "LISTEN_FDS" => Some(OsString::from("2")),
            _ => None,
        };
        assert!(kept(lookup, 42).is_empty());
        assert!(kept(|_| None, 42).is_empty());
    }

    #[test]
    fn a_descriptor_goes_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        let lookup = |name: &str| (name == "NOTIFY_SOCKET").then(|| path.clone().into_os_string());
        let manager = Manager::find(lookup, 1).unwrap().unwrap();
        let file = tempfile::tempfile().unwrap();
        manager.keep(&[("listen-http.0".to_owned(), file.as_fd())]).unwrap();
        manager.forget(&["listen-old.1".to_owned()]).unwrap();

        let mut text = [0; 128];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let iov = &mut [std::io::IoSliceMut::new(&mut text)];
        let got = recvmsg(&systemd, iov, &mut control, RecvFlags::empty()).unwrap().bytes;
        assert_eq!(&text[..got], b"FDSTORE=1\nFDNAME=listen-http.0\n");
        let passed = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => Some(rights.count()),
            _ => None,
        });
        assert_eq!(passed.sum::<usize>(), 1);
        let got = systemd.recv(&mut text).unwrap();
        assert_eq!(&text[..got], b"FDSTOREREMOVE=1\nFDNAME=listen-old.1\n");
    }
}
