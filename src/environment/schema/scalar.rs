//! Numbers, truth values and encoded texts, as Go's `strconv` and `encoding` read them: the service will read them that way.

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet::Alphabet};
use serde::de::IgnoredAny;

/// As deep as Go's own parser of JSON goes.
const DEEPEST: usize = 10_000;

/// A whole number that fits 64 bits: signed, or without a sign.
#[expect(clippy::cast_precision_loss, reason = "only bounds are compared with it, and those are floats")]
pub(super) fn int(value: &str) -> Option<f64> {
    let number: i128 = value.parse().ok()?;
    let greatest = if value.starts_with('+') { i128::from(i64::MAX) } else { i128::from(u64::MAX) };
    (i128::from(i64::MIN)..=greatest).contains(&number).then_some(number as f64)
}

/// A finite number: decimal or hexadecimal, perhaps with underscores between digits.
pub(super) fn float(value: &str) -> Option<f64> {
    let plain = if value.contains('_') { without_underscores(value)? } else { value.to_owned() };
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let number = match hex {
        Some(hex) => sign * hexadecimal(hex)?,
        None => plain.parse().ok()?,
    };
    number.is_finite().then_some(number)
}

/// An underscore stands between two digits, or between the `0x` and a digit.
fn without_underscores(value: &str) -> Option<String> {
    let number = value.trim_start_matches(['+', '-']);
    let is_hex = number.starts_with("0x") || number.starts_with("0X");
    let digit =
        |byte: &u8| byte.is_ascii_digit() || (is_hex && (byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X')));
    let bytes = number.as_bytes();
    let between = |at: usize| at > 0 && digit(&bytes[at - 1]) && bytes.get(at + 1).is_some_and(&digit);
    let all = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').all(|(at, _)| between(at));
    all.then(|| value.replace('_', ""))
}

/// `1.8p3`: digits, and a power of two that must be there.
#[expect(clippy::cast_precision_loss, reason = "as in any number with a fraction")]
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.parse::<i32>().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    // More digits than a number can tell apart only move its point.
    let significant: Vec<u8> = digits.iter().copied().skip_while(|digit| *digit == b'0').collect();
    let kept = significant.len().min(16);
    let mantissa = std::str::from_utf8(&significant[..kept]).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    let moved = i32::try_from(significant.len() - kept).ok()? - i32::try_from(fraction.len()).ok()?;
    let power = exponent.saturating_add(moved.saturating_mul(4)).clamp(-10_000, 10_000);
    // In two steps: one alone could leave the range that both together keep to.
    let mantissa = mantissa.unwrap_or(0) as f64;
    Some(mantissa * 2_f64.powi(power / 2) * 2_f64.powi(power - power / 2))
}

/// A port that can be connected to: digits only.
pub(super) fn port(value: &str) -> Option<u16> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|port| digits && *port > 0)
}

/// The words of `strconv.ParseBool`.
pub(super) fn is_bool(value: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"].contains(&value)
}

/// One JSON value and nothing after it.
pub(super) fn is_json(value: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(value).is_ok() && depth(value) <= DEEPEST
}

/// How deep a JSON text nests.
fn depth(value: &str) -> usize {
    let (mut now, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in value.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => now += 1,
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(now);
    }
    deepest
}

/// Either alphabet, with or without padding. Line ends do not count, and neither do bits that are too many.
pub(super) fn is_base64(value: &str) -> bool {
    let value: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let reads = |alphabet: &Alphabet, padding: DecodePaddingMode| {
        let config =
            GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(padding);
        GeneralPurpose::new(alphabet, config).decode(&value).is_ok()
    };
    [STANDARD, URL_SAFE].iter().any(|alphabet| {
        reads(alphabet, DecodePaddingMode::RequireCanonical) || reads(alphabet, DecodePaddingMode::RequireNone)
    })
}
