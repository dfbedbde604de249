//! Keys as containers and instances hand them out: JSON over HTTP, with an end.

use std::time::{Duration, SystemTime};

use reqwest::RequestBuilder;
use serde::Deserialize;

use super::{Keys, Origin};
use crate::check::http::why;
use crate::check::reason;

/// More than any such answer. In bytes.
const LONGEST: usize = 16 * 1024;

/// They are on this host, or next to it. An address that nobody answers must not use up the time of the probe.
const SOON: Duration = Duration::from_millis(800);

#[derive(Deserialize)]
struct Given {
    #[serde(rename = "AccessKeyId")]
    id: String,
    #[serde(rename = "SecretAccessKey")]
    secret: String,
    #[serde(rename = "Token")]
    token: Option<String>,
    #[serde(rename = "Expiration")]
    expires: Option<String>,
}

/// Reads what was handed out.
pub(super) fn parse(body: &[u8], origin: Origin) -> Option<Keys> {
    let Given { id, secret, token, expires } = serde_json::from_slice(body).ok()?;
    let expires: Option<SystemTime> = match expires {
        Some(text) => Some(humantime::parse_rfc3339(&text).ok()?),
        None => None,
    };
    let token = token.filter(|token| !token.is_empty()).map(Into::into);
    (!id.is_empty() && !secret.is_empty()).then(|| Keys { id, secret: secret.into(), token, expires, origin })
}

/// The body of a good answer, or why there is none.
pub(super) async fn fetch(request: RequestBuilder) -> Result<Vec<u8>, String> {
    let asked = async {
        let mut response = request.send().await.map_err(|error| why(&error))?;
        if !response.status().is_success() {
            return Err(response.status().as_u16().to_string());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
            if body.len() + chunk.len() > LONGEST {
                return Err("the answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(SOON, asked).await.unwrap_or_else(|_| Err(reason::no_answer(SOON)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Origin, parse};

    #[test]
    fn keys_with_an_end() {
        let body = br#"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"1970-01-01T01:00:00Z"}"#;
        let keys = parse(body, Origin::Container).unwrap();
        assert_eq!(keys.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_hours(1)));
        assert_eq!((keys.id.as_str(), keys.secret, keys.token), ("A", "S".into(), Some("T".into())));
        for wrong in [
            &b""[..],
            b"{}",
            br#"{"AccessKeyId":"A"}"#,
            br#"{"AccessKeyId":"","SecretAccessKey":"S"}"#,
            br#"{"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"soon"}"#,
        ] {
            assert!(parse(wrong, Origin::Container).is_none());
        }
    }
}
