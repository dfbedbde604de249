//! One HTTP request over a connection of its own, without proxies, without following redirects. An old connection would
//! say nothing about whether the service still accepts any; this one is closed from our side, since the side that closes
//! first keeps the port busy for a minute, and a service that restarts needs its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, USER_AGENT};
use tokio::task::JoinSet;

use super::Access;
use super::dial::{self, Place};
use crate::check::reason;
use crate::check::tls::{Tls, encrypt, fault};

const AGENT: &str = concat!("lictor/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer, in bytes.
const HEAD: usize = 64 * 1024;

/// What is asked.
#[derive(Debug)]
pub(in crate::check) struct Question<'a> {
    pub(in crate::check) url: Url,
    pub(in crate::check) method: Method,
    /// Further fields of the head; they win over those that every request has.
    pub(in crate::check) fields: HeaderMap,
    pub(in crate::check) body: Vec<u8>,
    pub(in crate::check) tls: &'a Tls,
    /// The name for TLS if `tls` has none; `None`: the URL's host.
    pub(in crate::check) name: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// A GET with nothing more to it.
    pub(in crate::check) fn get(url: Url, tls: &'a Tls) -> Self {
        Self { url, method: Method::GET, fields: HeaderMap::new(), body: Vec::new(), tls, name: None }
    }

    /// Asks. The errors do not repeat the URL, of which anything but the host may be a secret.
    pub(in crate::check) async fn ask(self, access: &Access) -> Result<Answer, String> {
        let unfit = || "not a URL that can be asked for".to_owned();
        let host = self.url.host_str().ok_or_else(unfit)?.trim_matches(['[', ']']).to_owned();
        let port = self.url.port_or_known_default().ok_or_else(unfit)?;
        let request = self.request().ok_or_else(unfit)?;
        let mut wire = dial::tcp(Place { host: &host, port }, access).await?;
        match self.url.scheme() {
            "http" => {}
            "https" => {
                let demand = self.tls.demand(self.name.unwrap_or(&host));
                wire = encrypt(wire, demand, access).await?;
            }
            _ => return Err(unfit()),
        }
        let handshake = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(wire)).await;
        let (mut sender, connection) = handshake.map_err(|error| why(&error))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What goes wrong on the connection is the answer's error.
            let _ = connection.await;
        });
        let answer = sender.send_request(request).await.map_err(|error| why(&error))?;
        let (head, body) = answer.into_parts();
        Ok(Answer { status: head.status, fields: head.headers, url: self.url, body, _driver: driver })
    }

    fn request(&self) -> Option<Request<Full<Bytes>>> {
        let target = match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        };
        let mut head = HeaderMap::new();
        head.insert(HOST, HeaderValue::from_str(&authority(&self.url)?).ok()?);
        head.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        head.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if let Some(credentials) = basic(&self.url) {
            head.insert(AUTHORIZATION, credentials);
        }
        for name in self.fields.keys() {
            head.remove(name);
        }
        let builder: Builder = Request::builder().method(self.method.clone()).uri(target);
        let mut request = builder.body(Full::new(Bytes::from(self.body.clone()))).ok()?;
        head.extend(self.fields.clone());
        *request.headers_mut() = head;
        Some(request)
    }
}

/// `host` or `host:port`, as it is written in a URL.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

/// The user and password of a URL, as a field of the head.
fn basic(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let plain = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [plain(url.username()), b":".to_vec(), plain(url.password().unwrap_or_default())].concat();
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An answer whose head has come. When it is dropped the connection is closed.
#[derive(Debug)]
pub(in crate::check) struct Answer {
    pub(in crate::check) status: StatusCode,
    pub(in crate::check) fields: HeaderMap,
    /// What was asked for.
    pub(in crate::check) url: Url,
    body: Incoming,
    /// Carries the connection on; held only to be dropped.
    _driver: JoinSet<()>,
}

impl Answer {
    /// As much of the body as comes, up to this many bytes; the rest is not waited for.
    pub(in crate::check) async fn first(&mut self, limit: usize) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    bytes.extend_from_slice(&data[..data.len().min(limit - bytes.len())]);
                }
                Some(Err(error)) => return Err(why(&error)),
                None => break,
            }
        }
        Ok(bytes)
    }

    /// The whole body, which must be shorter than this many bytes.
    pub(in crate::check) async fn whole(&mut self, limit: usize) -> Result<Vec<u8>, String> {
        let bytes = self.first(limit).await?;
        if bytes.len() < limit { Ok(bytes) } else { Err("the answer is far too long".to_owned()) }
    }

    /// `503 Service Unavailable`
    pub(in crate::check) fn shown(&self) -> String {
        match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}

/// Why there was no answer.
fn why(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "connection closed before an answer".to_owned();
    }
    fault::of_chain(error).unwrap_or_else(|| reason::brief(&error.to_string()))
}
