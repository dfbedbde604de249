//! `http`: a request with an expected answer.

mod expected;

use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};

pub use expected::{Expression, Field, Scalar, Statuses};

use crate::check::net::Access;
use crate::check::net::web::{Answer, Question};
use crate::check::round::Finding;
use crate::check::{Text, Tls, reason};
use expected::Interest;

/// How much of a body must arrive, if it is that long, in bytes; the rest is not waited for.
const ARRIVAL: usize = 4096;
/// How much of a body is read, if something is expected of it, in bytes.
const CONTENT: usize = 64 * 1024;

/// A request, and what is expected of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The URL; `http` or `https`.
    pub url: String,
    /// The method.
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

/// Asks once.
pub(in crate::check) async fn probe(http: &Http, access: &Access) -> Finding {
    match ask(http, access).await {
        Ok(()) => Finding::Good,
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

async fn ask(http: &Http, access: &Access) -> Result<(), String> {
    let url = Url::parse(&http.url).map_err(|_| "not a URL that can be asked for".to_owned())?;
    let question = Question {
        method: http.method.clone(),
        fields: fields(http, access).await?,
        name: http.host.as_deref().map(without_port),
        ..Question::get(url, &http.tls)
    };
    let mut answer = question.ask(access).await?;
    let status = answer.status;
    if !http.statuses.has(status.as_u16()) {
        return Err(if status.is_redirection() { redirect(&answer) } else { answer.shown() });
    }
    let interest = Interest::of(http);
    let limit = match interest {
        Interest::Arrival => ARRIVAL,
        Interest::Content => CONTENT,
    };
    let shown = answer.shown();
    let body = answer.first(limit).await.map_err(|_| format!("{shown}, but its body was cut short"))?;
    let fault = match interest {
        Interest::Arrival => None,
        Interest::Content if body.len() >= CONTENT && http.json.is_some() => {
            Some(format!("its body is not JSON of less than {} KiB", CONTENT / 1024))
        }
        Interest::Content => expected::fault(http, &body),
    };
    fault.map_or(Ok(()), |fault| Err(format!("{shown}, but {fault}")))
}

async fn fields(http: &Http, access: &Access) -> Result<HeaderMap, String> {
    let mut fields = HeaderMap::new();
    for (name, value) in &http.headers {
        let unfit = || format!("the header {name:?} cannot be sent as it is");
        let field = HeaderName::try_from(name.as_str()).map_err(|_| unfit())?;
        let mut value = HeaderValue::try_from(access.text(value).await?).map_err(|_| unfit())?;
        value.set_sensitive(true);
        fields.append(field, value);
    }
    if let Some(host) = &http.host {
        fields.insert(HOST, HeaderValue::try_from(host).map_err(|_| "`host` cannot be sent as it is".to_owned())?);
    }
    Ok(fields)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A redirect is a failure. Only the path of its target is shown: the rest may hold a password or a token.
fn redirect(answer: &Answer) -> String {
    let location = answer.fields.get(LOCATION).and_then(|location| location.to_str().ok());
    match location.and_then(|location| answer.url.join(location).ok()) {
        Some(target) => reason::brief(&format!("{} to {}", answer.shown(), target.path())),
        None => answer.shown(),
    }
}

#[cfg(test)]
mod tests;
