//! The exit codes, each written once. They are sysexits' (`man 3 sysexits`) where sysexits has one.

use std::io;

/// Done, healthy, yes.
pub const OK: u8 = 0;
/// No: unhealthy, not valid, refused.
pub const NO: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// `plan --exit-code`: there are changes.
pub const CHANGES: u8 = 3;
/// No lictor answered, or no source did: `EX_UNAVAILABLE`.
pub const UNAVAILABLE: u8 = 69;
/// A bug of ours: `EX_SOFTWARE`.
pub const BUG: u8 = 70;
/// The answer could not be written: `EX_IOERR`.
pub const OUTPUT: u8 = 74;
/// Something is taken or not there yet, and another attempt may succeed: `EX_TEMPFAIL`.
pub const TRY_AGAIN: u8 = 75;
/// The configuration is wrong, and a person has to mend it: `EX_CONFIG`.
pub const CONFIGURATION: u8 = 78;

/// Whether the kernel may grant a moment later what it refused at a start, without anybody's help: when a host
/// boots, lictor may be earlier than an interface, a directory, a mount or a certificate. What a path or an address can
/// never be, and what this user may not do, waits for a person.
pub fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory, NotADirectory, PermissionDenied, Unsupported};
    !matches!(
        error.kind(),
        InvalidFilename | InvalidInput | IsADirectory | NotADirectory | PermissionDenied | Unsupported
    )
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::may_pass;

    #[test]
    fn only_what_a_person_must_mend_ends_for_good() {
        use ErrorKind::{
            AddrInUse, AddrNotAvailable, NotFound, ReadOnlyFilesystem, ResourceBusy, StorageFull, TimedOut,
        };
        for passing in [AddrInUse, AddrNotAvailable, NotFound, ReadOnlyFilesystem, ResourceBusy, StorageFull, TimedOut]
        {
            assert!(may_pass(&passing.into()), "{passing}");
        }
        // EMFILE, ENFILE, EIO, ESTALE: std has no name for some of them.
        for number in [libc::EMFILE, libc::ENFILE, libc::EIO, libc::ESTALE, libc::ENOMEM] {
            let error = std::io::Error::from_raw_os_error(number);
            assert!(may_pass(&error), "{error}");
        }
        for lasting in [ErrorKind::PermissionDenied, ErrorKind::InvalidInput, ErrorKind::NotADirectory] {
            assert!(!may_pass(&lasting.into()), "{lasting}");
        }
    }
}
