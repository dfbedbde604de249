//! Keys with an end: those of the container's role (ECS, EKS Pod Identity) and of the instance's (EC2, by the second
//! version of its metadata service).

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::{Chain, Keys, Origin, Variables};
use crate::check::net::Access;
use crate::check::net::web::Question;
use crate::check::{Tls, reason};

/// More than any such answer. In bytes.
const LONGEST: usize = 16 * 1024;
/// They are on this host, or next to it. An address that does not answer must not use up the time of the probe.
const SOON: Duration = Duration::from_millis(800);

/// The keys of the role that this container has, or else this instance.
pub(super) async fn of_this_host(chain: &Chain<'_>) -> Result<Option<Keys>, String> {
    match of_container(chain).await? {
        Some(keys) => Ok(Some(keys)),
        None => of_instance(chain).await,
    }
}

/// The keys of the container's role, if there is one: a URL in the environment, and perhaps a token to show there.
pub(super) async fn of_container(chain: &Chain<'_>) -> Result<Option<Keys>, String> {
    let Some(url) = container(chain.variables)? else { return Ok(None) };
    let failed = |why: String| format!("the container's role cannot be read: {why}");
    let from = format!("container {url}");
    let keys = chain.kept.or(&from, async || {
        let mut fields = HeaderMap::new();
        if let Some(token) = token(chain).await? {
            let mut value = HeaderValue::from_bytes(&token)
                .map_err(|_| "the token of the container's role cannot be sent as it is".to_owned())?;
            value.set_sensitive(true);
            fields.insert(AUTHORIZATION, value);
        }
        let body = fetch(chain.access, Method::GET, url.clone(), fields).await.map_err(failed)?;
        parse(&body, Origin::Container).ok_or_else(|| failed("there are no keys in the answer".to_owned()))
    });
    keys.await.map(Some)
}

/// Where to ask. As with AWS's own clients, keys are only fetched over a connection that cannot be overheard.
fn container(variables: &Variables) -> Result<Option<Url>, String> {
    /// Where ECS answers.
    const ECS: &str = "http://169.254.170.2";
    if let Some(path) = variables.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        let url = path.starts_with('/').then(|| Url::parse(&format!("{ECS}{path}")).ok()).flatten();
        return url.map(Some).ok_or_else(|| "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path".to_owned());
    }
    let Some(text) = variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return Ok(None) };
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" || url.host_str().is_some_and(is_near));
    url.map(Some)
        .ok_or_else(|| "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this host".to_owned())
}

fn is_near(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || matches!(address.octets(), [169, 254, 170, 2 | 23]),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
        Err(_) => host == "localhost",
    }
}

async fn token(chain: &Chain<'_>) -> Result<Option<Vec<u8>>, String> {
    if let Some(file) = chain.variables.file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let token = chain.access.files.read("the token of the container's role", &file, LONGEST as u64).await?;
        return Ok(Some(token.trim_ascii().to_vec()));
    }
    Ok(chain.variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| token.as_bytes().to_vec()))
}

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const SHOWN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

/// The keys of the instance's role: a token first, then the role's name, then its keys. `None` where there is no such
/// service, or no role.
pub(super) async fn of_instance(chain: &Chain<'_>) -> Result<Option<Keys>, String> {
    if chain.variables.get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let base = chain.variables.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or("http://169.254.169.254");
    let base = base.trim_end_matches('/');
    let from = format!("instance {base}");
    let keys = chain.kept.or(&from, async || {
        let url = |path: &str| {
            let unfit = |_| "AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL".to_owned();
            Url::parse(&format!("{base}{path}")).map_err(unfit)
        };
        let life = HeaderMap::from_iter([(TTL, HeaderValue::from_static("60"))]);
        // Whatever does not answer here is not an instance of EC2.
        let token = fetch(chain.access, Method::PUT, url("/latest/api/token")?, life).await;
        let token = token.ok().and_then(|token| HeaderValue::from_bytes(&token).ok()).ok_or(NOT_AN_INSTANCE)?;
        let fields = HeaderMap::from_iter([(SHOWN, token)]);
        let failed = |why: String| format!("the instance's role cannot be read: {why}");
        let ask = async |path: String| fetch(chain.access, Method::GET, url(&path)?, fields.clone()).await;
        let role = match ask(ROLES.to_owned()).await {
            Ok(names) => first_line(&names).ok_or(NOT_AN_INSTANCE)?,
            Err(status) if status == "404" => return Err(NOT_AN_INSTANCE.to_owned()),
            Err(why) => return Err(failed(why)),
        };
        let body = ask(format!("{ROLES}{role}")).await.map_err(failed)?;
        parse(&body, Origin::Instance(role)).ok_or_else(|| failed("there are no keys in the answer".to_owned()))
    });
    match keys.await {
        Err(why) if why == NOT_AN_INSTANCE => Ok(None),
        found => found.map(Some),
    }
}

/// It has no role, or is not on EC2: other keys must be found.
const NOT_AN_INSTANCE: &str = "this host has no role";

/// The name of the role, if it is one.
fn first_line(names: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(names).ok()?.lines().next()?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    (!name.is_empty() && name.len() <= 128 && name.chars().all(plain)).then(|| name.to_owned())
}

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
fn parse(body: &[u8], origin: Origin) -> Option<Keys> {
    let Given { id, secret, token, expires } = serde_json::from_slice(body).ok()?;
    let expires: Option<SystemTime> = match expires {
        Some(text) => Some(humantime::parse_rfc3339(&text).ok()?),
        None => None,
    };
    let token = token.filter(|token| !token.is_empty()).map(Into::into);
    (!id.is_empty() && !secret.is_empty()).then(|| Keys { id, secret: secret.into(), token, expires, origin })
}

/// The body of a good answer, or why there is none.
async fn fetch(access: &Access, method: Method, url: Url, fields: HeaderMap) -> Result<Vec<u8>, String> {
    let tls = Tls::default();
    let asked = async {
        let mut answer = Question { method, fields, ..Question::get(url, &tls) }.ask(access).await?;
        if !answer.status.is_success() {
            return Err(answer.status.as_u16().to_string());
        }
        answer.whole(LONGEST).await
    };
    tokio::time::timeout(SOON, asked).await.unwrap_or_else(|_| Err(reason::no_answer(SOON)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Origin, first_line, is_near, parse};

    #[test]
    fn keys_are_not_fetched_from_afar() {
        for near in ["127.0.0.1", "169.254.170.2", "169.254.170.23", "[::1]", "[fd00:ec2::23]", "localhost"] {
            assert!(is_near(near), "{near}");
        }
        for far in ["169.254.169.254", "10.0.0.1", "example.com", "[::2]", "localhost.example"] {
            assert!(!is_near(far), "{far}");
        }
    }

    #[test]
    fn a_role_has_a_plain_name() {
        assert_eq!(first_line(b"billing-role\nother\n").as_deref(), Some("billing-role"));
        for odd in [&b""[..], b"\n", b"../../token", b"a b", b"\xff", &[b'x'; 129]] {
            assert_eq!(first_line(odd), None);
        }
    }

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
