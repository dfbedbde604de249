//! `int`, `float`, `port`: numbers as Go's `strconv` reads them in base ten.

/// A whole number that fits 64 bits, with or without a sign.
#[expect(clippy::cast_precision_loss, reason = "only bounds are compared with it, and those are floats")]
pub(super) fn int(value: &str) -> Option<f64> {
    let number: i128 = value.parse().ok()?;
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number).then_some(number as f64)
}

/// A finite number.
pub(super) fn float(value: &str) -> Option<f64> {
    value.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A port that can be connected to: digits only.
pub(super) fn port(value: &str) -> Option<u16> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|port| digits && *port > 0)
}
