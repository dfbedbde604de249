//! `duration`, as Go's `time.ParseDuration` reads it: the service will read it that way.

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// More digits than this change nothing in 64 bits, or do not fit.
const DIGITS: usize = 19;

/// The duration; it fits 64 bits, as Go wants it.
pub(super) fn nanoseconds(value: &str) -> Option<i128> {
    let (negative, mut rest) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    // As in Go, the least of all has no positive counterpart.
    let greatest = i128::from(i64::MAX) + i128::from(negative);
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let (one, after) = part(rest)?;
        sum = sum.checked_add(one).filter(|sum| *sum <= greatest)?;
        rest = after;
    }
    Some(if negative { -sum } else { sum })
}

/// One number with its unit, and what comes after it.
fn part(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(end);
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole = whole.trim_start_matches('0');
    let whole: i128 =
        if whole.is_empty() { 0 } else { Some(whole).filter(|whole| whole.len() <= DIGITS)?.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(DIGITS - 1)];
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    Some((whole * unit + part * unit / scale, after))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}
