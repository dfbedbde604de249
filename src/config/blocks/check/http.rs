//! `http {}` in a check.

use crate::config::reference::{Block, Type, attribute};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};

use super::tls;
use crate::check::{Expression, Field, Http, Scalar, Statuses, Text};
use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::{Node, Value};
use crate::config::read::{address, value};

pub(super) static BLOCK: Block = Block::new("http", "Asks for a page.")
    .attributes(&[
        attribute("url", Type::Url, "https://127.0.0.1:8443/healthz", "The page.").needed(),
        attribute(
            "method",
            Type::OneOf(&["GET", "HEAD", "POST", "PUT", "OPTIONS"]),
            "HEAD",
            "The method of the request, which has no body.",
        )
        .default("GET"),
        attribute("host", Type::Text, "billing.example", "The `Host` of the request.").otherwise("the host of `url`"),
        attribute(
            "headers",
            Type::Pairs,
            "{ Authorization = env_of_service(\"HEALTH_TOKEN\") }",
            "More headers. Each value is text, env_of_service(\"NAME\") or file(\"PATH\").",
        ),
        attribute("status", Type::Statuses, "[\"2xx\", 304]", "Which statuses are good.").default("\"2xx\""),
        attribute("contains", Type::Text, "ok", "A text that must be in the answer's body."),
        attribute(
            "pattern",
            Type::Text,
            "^(ok|ready)$",
            "A regular expression that must match somewhere in the body; a backslash is doubled.",
        ),
        tls::CA,
        tls::CERT,
        tls::KEY,
        tls::SERVER_NAME,
    ])
    .holding(&[&JSON]);

static JSON: Block = Block::new("json", "Looks at one field of an answer in JSON.").attributes(&[
    attribute("field", Type::Text, "state.db", "The way to the field, with dots; a number is a place in a list.")
        .needed(),
    attribute("equals", Type::Scalar, "\"up\"", "What it must be.").otherwise("the field must be there"),
]);

/// The methods that a check may use, by name.
const METHODS: &[(&str, How)] =
    &[("GET", How::Get), ("HEAD", How::Head), ("POST", How::Post), ("PUT", How::Put), ("OPTIONS", How::Options)];

#[derive(Clone, Copy)]
enum How {
    Get,
    Head,
    Post,
    Put,
    Options,
}

impl From<How> for Method {
    fn from(how: How) -> Self {
        match how {
            How::Get => Self::GET,
            How::Head => Self::HEAD,
            How::Post => Self::POST,
            How::Put => Self::PUT,
            How::Options => Self::OPTIONS,
        }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Http> {
    let url = section.needed("url", value::parsed(address::http));
    let http = Http {
        method: section.read("method", value::one_of(METHODS)).map_or(Method::GET, Method::from),
        host: section.read("host", value::parsed(host)),
        headers: headers(section),
        statuses: section.read("status", statuses).unwrap_or_default(),
        contains: section.read("contains", value::some_text),
        pattern: section.read("pattern", value::parsed(Expression::parse)),
        json: section.within("json", json).flatten(),
        tls: tls::certificates(section),
        ..Http::get(url?)
    };
    let looks = http.contains.is_some() || http.pattern.is_some() || http.json.is_some();
    if http.method == Method::HEAD && looks {
        section.wrong("an answer to HEAD has no body to look into: leave out `method`");
    }
    if !http.tls.is_default() && !http.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")) {
        section.wrong("`ca`, `cert`, `key` and `server_name` are for a `url` that begins with https://");
    }
    Some(http)
}

fn host(text: &str) -> Result<String, &'static str> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !text.is_empty() && text.len() <= 255 && text.chars().all(fine) {
        Ok(text.to_owned())
    } else {
        Err("expected a host name, as in \"billing.example\"")
    }
}

fn headers(section: &mut Section<'_>) -> Vec<(String, Text)> {
    let mut headers = Vec::new();
    for (name, node) in section.pairs("headers") {
        let place = section.name("headers");
        if HeaderName::try_from(name.as_str()).is_err() {
            section.error(&node.place, format!("{place}: this is not the name of a header"));
        } else if name.eq_ignore_ascii_case("host") {
            section.error(&node.place, format!("{place}: write `host` beside `url` instead"));
        } else {
            match value::anew(sendable)(&node) {
                Ok(value) => headers.push((name, value)),
                Err(finding) => section.error(&finding.place, format!("{place}.{name}: {}", finding.sentence)),
            }
        }
    }
    headers
}

fn sendable(text: &str) -> Result<(), &'static str> {
    HeaderValue::from_str(text).map(drop).map_err(|_| "expected one line without control characters")
}

/// One status code or several, as texts or numbers.
fn statuses(node: &Node) -> Result<Statuses, Finding> {
    let word = |node: &Node| match &node.value {
        Value::Integer(code) => Ok(code.to_string()),
        _ => value::text(node),
    };
    let words = match &node.value {
        Value::List(nodes) => nodes.iter().map(word).collect::<Result<Vec<_>, _>>()?,
        _ => vec![word(node)?],
    };
    Statuses::parse(words.iter().map(String::as_str)).map_err(|sentence| node.wrong(sentence))
}

fn json(section: &mut Section<'_>) -> Option<Field> {
    let equals = section.read("equals", scalar);
    Some(Field { path: section.needed("field", value::some_text)?, equals })
}

fn scalar(node: &Node) -> Result<Scalar, Finding> {
    match &node.value {
        Value::Text(text) => Ok(Scalar::Text(text.clone())),
        Value::Integer(number) => Ok(Scalar::Integer(*number)),
        Value::Bool(value) => Ok(Scalar::Bool(*value)),
        _ => Err(node.unlike("text, a whole number, true or false")),
    }
}
