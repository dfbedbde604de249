//! The exit codes, each written once. They are sysexits' (`man 3 sysexits`) where sysexits has one.

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
