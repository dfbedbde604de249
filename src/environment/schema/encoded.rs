//! `bool`, `json`, `base64`: what stands for something else.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;

/// The words of Go's `strconv.ParseBool`.
pub(super) fn is_bool(value: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"].contains(&value)
}

/// One JSON value and nothing after it.
pub(super) fn is_json(value: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(value).is_ok()
}

/// Either alphabet, with or without padding. Line ends do not count, as in Go.
pub(super) fn is_base64(value: &str) -> bool {
    let value: String = value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().any(|engine| engine.decode(&value).is_ok())
}
