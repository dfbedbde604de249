//! Durations as they are written: `250ms`, `1m30s`.

use std::time::Duration;

/// The longest duration that makes sense anywhere, far below those that overflow clocks.
const MAX: Duration = Duration::from_hours(30 * 24);

/// The message for a number without a unit.
pub(crate) const NO_UNIT: &str = "a duration needs a unit, as in \"5s\", \"250ms\" or \"1m30s\"";

/// A duration such as `250ms` or `1m30s`, of at most 30 days. The error says what to write and does not repeat the
/// text.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') && text != "0" {
        return Err(NO_UNIT.to_owned());
    }
    if text.split(|c: char| !c.is_alphabetic()).any(is_calendar_unit) {
        return Err("months and years are not units here: write hours or days, as in \"720h\"".to_owned());
    }
    let duration = humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as \"250ms\", \"5s\" or \"1m30s\"".to_owned())?;
    if duration > MAX { Err("a duration is at most 30 days (\"720h\")".to_owned()) } else { Ok(duration) }
}

/// In humantime `M` is a month, but a person who writes it means minutes.
fn is_calendar_unit(unit: &str) -> bool {
    matches!(unit, "M" | "month" | "months" | "y" | "yr" | "yrs" | "year" | "years")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn what_people_write() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("1m30s", 90_000),
            ("0s", 0),
            ("0", 0),
            ("1.5h", 5_400_000),
            ("1h2m3s500ms", 3_723_500),
            ("720h", 2_592_000_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(parse("100µs"), Ok(Duration::from_micros(100)));
    }

    #[test]
    fn what_is_refused_says_what_to_write() {
        for (text, part) in [
            ("5", "needs a unit"),
            ("1.5", "needs a unit"),
            ("1M", "months"),
            ("1y", "months"),
            ("2years", "months"),
            ("721h", "30 days"),
            ("31d", "30 days"),
            ("9999999999999h", "30 days"),
            ("99999999999999999999999h", "expected"),
            ("", "expected"),
            ("-5s", "expected"),
            ("+5s", "expected"),
            ("soon", "expected"),
        ] {
            let sentence = parse(text).expect_err(text);
            assert!(sentence.contains(part), "{text}: {sentence}");
        }
    }
}
