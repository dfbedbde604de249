//! The query of a request line, decoded. Pure, and total: any bytes give a query or a sentence.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// More parameters than this are not read.
const MOST: usize = 32;

/// The decoded parameters, in their order. What nobody asks for is ignored, as everywhere on the web.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// The query cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too many parameters.
    #[error("the query has more than {MOST} parameters")]
    TooMany,
    /// Not UTF-8 after decoding.
    #[error("the query is not UTF-8 after percent-decoding")]
    NotUtf8,
    /// One name twice with different values: nobody can tell which is meant.
    #[error("the query has {0} twice")]
    Twice(String),
}

impl<'a> Query<'a> {
    /// Reads what stands behind the `?`; `None` is an empty query.
    pub fn parse(raw: Option<&'a str>) -> Result<Self, Malformed> {
        let mut parameters: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for part in raw.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            if parameters.len() == MOST {
                return Err(Malformed::TooMany);
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            match parameters.iter().find(|(known, _)| *known == name) {
                Some((_, same)) if *same == value => {}
                Some(_) => return Err(Malformed::Twice(name.chars().take(40).collect())),
                None => parameters.push((name, value)),
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter; empty if it stands there without one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }
}

/// `+` is a space and `%XX` a byte; a `%` that begins no such thing stands for itself.
fn decode(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains(['+', '%']) {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(Malformed::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Malformed, Query};

    #[test]
    fn a_table_of_queries() {
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("version=1.214", "version", Some("1.214")),
            ("version=1.214&wait=2m", "wait", Some("2m")),
            ("warn", "warn", Some("")),
            ("warn=", "warn", Some("")),
            ("a=b=c", "a", Some("b=c")),
            ("a=x+y", "a", Some("x y")),
            ("a=x%2By%20z", "a", Some("x+y z")),
            ("ver%73ion=1", "version", Some("1")),
            ("a=100%", "a", Some("100%")),
            ("a=%zz", "a", Some("%zz")),
            ("&&a=1&&", "a", Some("1")),
            ("a=1&a=1", "a", Some("1")),
            ("=1", "", Some("1")),
            ("a=1", "b", None),
            ("", "a", None),
        ];
        for (raw, name, expected) in cases {
            let query = Query::parse(Some(raw)).unwrap();
            assert_eq!(query.get(name), *expected, "{raw}");
        }
        assert_eq!(Query::parse(None), Ok(Query::default()));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(Query::parse(Some("a=%ff")), Err(Malformed::NotUtf8));
        assert_eq!(Query::parse(Some("a=1&a=2")), Err(Malformed::Twice("a".to_owned())));
        let many: Vec<String> = (0..33).map(|number| format!("p{number}")).collect();
        assert_eq!(Query::parse(Some(&many.join("&"))), Err(Malformed::TooMany));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(raw in "\\PC{0,200}") {
            let _ = Query::parse(Some(&raw));
        }

        #[test]
        fn what_is_encoded_comes_back(value in "\\PC{0,40}") {
            let raw = format!("v={}", percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC));
            let query = Query::parse(Some(&raw)).unwrap();
            prop_assert_eq!(query.get("v"), Some(value.as_str()));
        }
    }
}
