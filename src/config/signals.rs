//! Signals by their names.

use rustix::process::Signal;

/// The names without `SIG`, as envconsul knows them.
const NAMES: &[(&str, Signal)] = &[
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("BUS", Signal::BUS),
    ("CHLD", Signal::CHILD),
    ("CONT", Signal::CONT),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("IO", Signal::IO),
    ("IOT", Signal::ABORT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("PROF", Signal::PROF),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("STOP", Signal::STOP),
    ("SYS", Signal::SYS),
    ("TERM", Signal::TERM),
    ("TRAP", Signal::TRAP),
    ("TSTP", Signal::TSTP),
    ("TTIN", Signal::TTIN),
    ("TTOU", Signal::TTOU),
    ("URG", Signal::URG),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("VTALRM", Signal::VTALARM),
    ("WINCH", Signal::WINCH),
    ("XCPU", Signal::XCPU),
    ("XFSZ", Signal::XFSZ),
];

/// A signal's number by its name, such as `SIGTERM` or `term`.
pub fn parse(name: &str) -> Result<i32, &'static str> {
    let upper = name.trim().to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    NAMES
        .iter()
        .find(|(known, _)| *known == short)
        .map(|(_, signal)| signal.as_raw())
        .ok_or("expected the name of a signal, such as \"SIGTERM\"")
}

/// As [`parse`]; envconsul's `SIGNULL` and empty text are no signal.
pub(crate) fn parse_or_none(name: &str) -> Result<Option<i32>, &'static str> {
    match name.trim() {
        "" => Ok(None),
        null if null.eq_ignore_ascii_case("SIGNULL") => Ok(None),
        name => parse(name).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_or_none};

    #[test]
    fn names_in_any_case_with_or_without_sig() {
        for name in ["SIGTERM", "sigterm", "TERM", "term"] {
            assert_eq!(parse(name), Ok(15), "{name}");
        }
        assert!(parse("15").is_err());
        assert!(parse("").is_err());
        assert_eq!(parse_or_none("SIGNULL"), Ok(None));
        assert_eq!(parse_or_none("HUP"), Ok(Some(1)));
    }
}
