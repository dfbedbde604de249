//! Decodes the query of a request line. Pure and total: any text gives a query or an error.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// More parameters than this are not read.
const MOST: usize = 32;

/// The decoded parameters, in their order. Unknown parameters are ignored, as everywhere on the web.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query<'a>(Vec<Parameter<'a>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter<'a> {
    name: Cow<'a, str>,
    /// Decoded with `+` as a space.
    value: Cow<'a, str>,
    /// Decoded with `+` as itself.
    literal: Cow<'a, str>,
}

/// The query cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too many parameters.
    #[error("the query has more than {MOST} parameters")]
    TooMany,
    /// Not UTF-8 after decoding.
    #[error("the query is not UTF-8 after percent-decoding")]
    NotUtf8,
    /// One name is there twice with different values.
    #[error("the query has {0} twice")]
    Twice(String),
}

impl<'a> Query<'a> {
    /// Reads what follows the `?`; `None` is an empty query.
    pub fn parse(raw: Option<&'a str>) -> Result<Self, Malformed> {
        let mut parameters: Vec<Parameter<'a>> = Vec::new();
        for part in raw.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            if parameters.len() == MOST {
                return Err(Malformed::TooMany);
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, literal) = (decode_with_spaces(name)?, decode(value)?);
            match parameters.iter().find(|known| known.name == name) {
                Some(known) if known.literal == literal => {}
                Some(_) => return Err(Malformed::Twice(name.chars().take(40).collect())),
                None => parameters.push(Parameter { name, value: decode_with_spaces(value)?, literal }),
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, in which `+` is a space; empty if the parameter has no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| found.value.as_ref())
    }

    /// The same with `+` as itself, as in `version=1.214+7`: `curl` sends it like that, and no version has a space.
    pub fn get_literal(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| found.literal.as_ref())
    }

    fn find(&self, name: &str) -> Option<&Parameter<'a>> {
        self.0.iter().find(|known| known.name == name)
    }
}

/// `+` is a space and `%XX` a byte.
fn decode_with_spaces(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains('+') {
        return decode(text);
    }
    decode(&text.replace('+', " ")).map(|decoded| Cow::Owned(decoded.into_owned()))
}

/// `%XX` is a byte; any other `%` stands for itself.
fn decode(text: &str) -> Result<Cow<'_, str>, Malformed> {
    percent_decode_str(text).decode_utf8().map_err(|_| Malformed::NotUtf8)
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
    fn a_plus_stands_for_itself_where_that_is_asked_for() {
        for (raw, expected) in
            [("version=1.214+7", "1.214+7"), ("version=1.214%2B7", "1.214+7"), ("version=1%20+", "1 +")]
        {
            assert_eq!(Query::parse(Some(raw)).unwrap().get_literal("version"), Some(expected), "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(Query::parse(Some("a=%ff")), Err(Malformed::NotUtf8));
        assert_eq!(Query::parse(Some("a=1&a=2")), Err(Malformed::Twice("a".to_owned())));
        assert_eq!(Query::parse(Some("a=1+2&a=1%202")), Err(Malformed::Twice("a".to_owned())));
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
