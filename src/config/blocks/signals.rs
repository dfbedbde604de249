//! Signals by their names, as a configuration writes them.

use crate::signal;

/// A signal's number by its name, such as `SIGTERM` or `term`.
pub(crate) fn parse(name: &str) -> Result<i32, &'static str> {
    signal::number(name.trim()).ok_or("expected the name of a signal, such as \"SIGTERM\"")
}

/// As [`parse`]; envconsul's `SIGNULL` and empty text mean no signal.
pub(crate) fn parse_or_none(name: &str) -> Result<Option<i32>, &'static str> {
    match name.trim() {
        "" => Ok(None),
        null if null.eq_ignore_ascii_case("SIGNULL") => Ok(None),
        name => parse(name).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use super::parse_or_none;

    #[test]
    fn names_in_any_case_with_or_without_sig() {
        for name in ["SIGTERM", "sigterm", "TERM", "term", " SIGTERM "] {
            assert_eq!(parse(name), Ok(15), "{name}");
        }
        for name in ["", "15", "SIGNOPE", "SIG"] {
            assert!(parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn no_signal_has_two_names() {
        assert_eq!((parse_or_none("SIGNULL"), parse_or_none("")), (Ok(None), Ok(None)));
        assert_eq!(parse_or_none("HUP"), Ok(Some(1)));
    }
}
