//! `http {}`: what is asked, and what the answer must be like.

use std::fmt;
use std::ops::RangeInclusive;

use regex_lite::{Regex, RegexBuilder};
use reqwest::Method;

use super::Tls;
use crate::check::text::Text;

/// What a compiled expression may take, in bytes.
const LARGEST: usize = 1 << 20;

/// One request, and what its answer must be like. What is not said is not asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// What is asked for; `http` or `https`.
    pub url: String,
    /// How.
    pub method: Method,
    /// The name in the `Host` field, and in TLS if `tls` names no other; `None`: the URL's.
    pub host: Option<String>,
    /// Further fields of the request's head. A value may be a token.
    pub headers: Vec<(String, Text)>,
    /// The codes that are good.
    pub statuses: Statuses,
    /// Text that must occur in the body.
    pub contains: Option<String>,
    /// An expression that must match somewhere in the body.
    pub pattern: Option<Expression>,
    /// A field of the JSON in the body.
    pub json: Option<Field>,
    /// Certificates of its own.
    pub tls: Tls,
}

impl Http {
    /// A plain GET that must be answered with 2xx.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: Method::GET,
            host: None,
            headers: Vec::new(),
            statuses: Statuses::default(),
            contains: None,
            pattern: None,
            json: None,
            tls: Tls::default(),
        }
    }
}

/// The codes that are good: 2xx unless others are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl Statuses {
    /// Reads `204`, `200-299` or `3xx`, each of them one of the good ones.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, &'static str> {
        let ranges: Option<Vec<_>> = words.into_iter().map(range).collect();
        match ranges {
            Some(ranges) if !ranges.is_empty() => Ok(Self(ranges)),
            _ => Err("expected codes from 100 to 599, as in [\"200\", \"300-399\", \"5xx\"]"),
        }
    }

    /// Whether this code is good.
    pub fn has(&self, code: u16) -> bool {
        self.0.iter().any(|range| range.contains(&code))
    }
}

fn range(word: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|code| plain && (100..600).contains(code))
    };
    if let Some(class) = word.strip_suffix("xx") {
        let first = number(&format!("{class}00"))?;
        return Some(first..=first + 99);
    }
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    (first <= last).then_some(first..=last)
}

/// A regular expression that compiles; it matches in linear time.
#[derive(Clone)]
pub struct Expression(Regex);

impl Expression {
    /// Compiles it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let compiled = RegexBuilder::new(text).size_limit(LARGEST).build();
        compiled.map(Self).map_err(|error| format!("is no regular expression: {error}"))
    }

    /// Whether it matches somewhere in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.0.as_str())
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Expression {}

/// A field of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As it is written: names (or places in a list) with dots between them, or a JSON pointer, which begins with `/`.
    pub path: String,
    /// What it must be; `None`: be there, and neither null nor false.
    pub equals: Option<Scalar>,
}

/// A value without parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Bool(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Expression, Statuses};

    #[test]
    fn codes_as_people_write_them() {
        let statuses = Statuses::parse(["204", "300-399", "5xx"]).unwrap();
        let good: Vec<u16> = [199, 200, 204, 299, 300, 302, 399, 400, 499, 500, 599].into_iter().collect();
        let good: Vec<u16> = good.into_iter().filter(|code| statuses.has(*code)).collect();
        assert_eq!(good, [204, 300, 302, 399, 500, 599]);
        assert!(Statuses::default().has(200) && !Statuses::default().has(302));
        for wrong in ["", "20", "2000", "99", "600", "6xx", "xx", "300-200", "200-", "-200", "+20", "2 0"] {
            assert!(Statuses::parse([wrong]).is_err(), "{wrong}");
        }
        assert!(Statuses::parse([]).is_err());
    }

    #[test]
    fn expressions_match_anywhere_and_are_compared_by_their_text() {
        let expression = Expression::parse("v[0-9]+").unwrap();
        assert!(expression.is_in("it is v12 now") && !expression.is_in("vx"));
        assert_eq!(expression, Expression::parse("v[0-9]+").unwrap());
        assert!(Expression::parse("(").is_err());
        assert!(Expression::parse("(((x{1000}){1000}){1000})").is_err(), "too large");
    }
}
