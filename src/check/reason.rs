//! Why a probe failed: one short line without control characters or secrets.

use std::io;
use std::time::Duration;

use crate::line::one_line;

/// The longest reason, in characters.
const LONGEST: usize = 200;

/// The text as one short line.
pub(super) fn brief(text: &str) -> String {
    one_line(text.trim(), LONGEST).trim().to_owned()
}

/// The reason for a probe that timed out.
pub(super) fn no_answer(timeout: Duration) -> String {
    format!("no answer within {}", humantime::format_duration(timeout))
}

/// The usual words for an error of the kernel.
pub(super) fn of_io(error: &io::Error) -> String {
    let known = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset",
        io::ErrorKind::TimedOut => "connection timed out",
        io::ErrorKind::HostUnreachable => "host unreachable",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::NotFound => "no such file or directory",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::UnexpectedEof => "connection closed",
        _ => {
            let text = error.to_string();
            return brief(text.split(" (os error").next().unwrap_or_default());
        }
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::{LONGEST, brief, no_answer, of_io};

    #[test]
    fn a_line_is_short_and_plain() {
        assert_eq!(brief("  disk\tfull \u{1b}[31mnow\r\n"), "disk full  [31mnow");
        let long = brief(&"é".repeat(LONGEST + 1));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with("..."));
        assert_eq!(brief(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
    }

    #[test]
    fn failures_of_the_kernel_are_said_plainly() {
        assert_eq!(of_io(&io::Error::from_raw_os_error(111)), "connection refused");
        assert_eq!(of_io(&io::Error::from_raw_os_error(24)), "Too many open files");
        assert_eq!(no_answer(Duration::from_millis(2500)), "no answer within 2s 500ms");
    }
}
