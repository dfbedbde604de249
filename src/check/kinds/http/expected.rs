//! What is expected of an answer, and whether it is so. Pure.

use std::fmt;
use std::ops::RangeInclusive;

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

use super::Http;

/// What a compiled expression may take, in bytes.
const LARGEST: usize = 1 << 20;

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
        compiled.map(Self).map_err(|error| format!("is not a regular expression: {error}"))
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

/// How much of a body is needed to judge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Only that it arrives.
    Arrival,
    /// Its contents.
    Content,
}

impl Interest {
    pub(super) fn of(http: &Http) -> Self {
        let content = http.contains.is_some() || http.pattern.is_some() || http.json.is_some();
        if content { Self::Content } else { Self::Arrival }
    }
}

/// What is wrong with the body, if anything is. The text has what was expected, never what was found, which may be secret.
pub(super) fn fault(http: &Http, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    if let Some(wanted) = &http.contains
        && !text.contains(wanted.as_str())
    {
        return Some(format!("its body does not contain {wanted:?}"));
    }
    if http.pattern.as_ref().is_some_and(|pattern| !pattern.is_in(&text)) {
        return Some("its body does not match `pattern`".to_owned());
    }
    http.json.as_ref().and_then(|field| fault_of_field(field, body))
}

fn fault_of_field(field: &Field, body: &[u8]) -> Option<String> {
    let Ok(document) = serde_json::from_slice::<Value>(body) else { return Some("its body is not JSON".to_owned()) };
    let path = &field.path;
    let Some(found) = document.pointer(&pointer(path)) else { return Some(format!("its JSON has no field {path}")) };
    match &field.equals {
        None => match found {
            Value::Null => Some(format!("its field {path} is null")),
            Value::Bool(false) => Some(format!("its field {path} is false")),
            _ => None,
        },
        Some(wanted) => (!is(found, wanted)).then(|| format!("its field {path} is not {wanted}")),
    }
}

fn is(found: &Value, wanted: &Scalar) -> bool {
    match (found, wanted) {
        (Value::String(found), Scalar::Text(wanted)) => found == wanted,
        (Value::Bool(found), Scalar::Bool(wanted)) => found == wanted,
        #[expect(clippy::cast_precision_loss, reason = "1.0 is 1 in JSON")]
        (Value::Number(found), Scalar::Integer(wanted)) => {
            found.as_i64() == Some(*wanted) || found.as_f64() == Some(*wanted as f64)
        }
        _ => false,
    }
}

/// `a.0.b` as a JSON pointer; what is one already stays as it is.
fn pointer(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    path.split('.').flat_map(|part| ["/".to_owned(), part.replace('~', "~0").replace('/', "~1")]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Expression, Field, Interest, Scalar, Statuses, fault};
    use crate::check::Http;

    fn http() -> Http {
        Http::get("http://h/")
    }

    fn field(path: &str, equals: Option<Scalar>) -> Http {
        Http { json: Some(Field { path: path.to_owned(), equals }), ..http() }
    }

    #[test]
    fn text_and_patterns() {
        assert_eq!(Interest::of(&http()), Interest::Arrival);
        let wants = Http { contains: Some("ready".to_owned()), ..http() };
        assert_eq!(Interest::of(&wants), Interest::Content);
        assert_eq!(fault(&wants, b"all ready"), None);
        assert_eq!(fault(&wants, b"\xff hunter2").as_deref(), Some("its body does not contain \"ready\""));
        let wants = Http { pattern: Some(Expression::parse("^v[0-9]+$").unwrap()), ..http() };
        assert_eq!(fault(&wants, b"v7"), None);
        assert_eq!(fault(&wants, b"hunter2").as_deref(), Some("its body does not match `pattern`"));
    }

    #[test]
    fn fields_of_json() {
        let text = |text: &str| Some(Scalar::Text(text.to_owned()));
        let body = br#"{"db":{"state":"up","replicas":[3,1.0],"a/b":null},"ok":true,"no":false}"#;
        for (path, equals) in [
            ("db.state", text("up")),
            ("/db/state", text("up")),
            ("db.replicas.0", Some(Scalar::Integer(3))),
            ("db.replicas.1", Some(Scalar::Integer(1))),
            ("ok", Some(Scalar::Bool(true))),
            ("ok", None),
            ("db", None),
        ] {
            assert_eq!(fault(&field(path, equals.clone()), body), None, "{path} {equals:?}");
        }
        for (path, equals, said) in [
            ("db.state", text("down"), "its field db.state is not \"down\""),
            ("ok", text("true"), "its field ok is not true".replace("true", "\"true\"").as_str()),
            ("db.a/b", None, "its field db.a/b is null"),
            ("no", None, "its field no is false"),
            ("db.x", None, "its JSON has no field db.x"),
        ] {
            assert_eq!(fault(&field(path, equals), body).as_deref(), Some(said));
        }
        for broken in [&b"{"[..], b"", b"hunter2", &[b'['; 10_000]] {
            assert_eq!(fault(&field("x", None), broken).as_deref(), Some("its body is not JSON"));
        }
    }

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
