//! Keys of a role, handed out by AWS's Security Token Service for other keys or for a token.

use std::collections::BTreeMap;
use std::time::SystemTime;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::{Chain, Keys, Origin};
use crate::check::Tls;
use crate::check::kinds::sqs::sign::Request;
use crate::check::net::file::FileName;
use crate::check::net::web::Question;

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// More than any such answer, and more than any token. In bytes.
const LONGEST: usize = 64 * 1024;

/// The role that the environment names, by the token in a file (EKS).
pub(super) async fn by_environment(chain: &Chain<'_>) -> Result<Option<Keys>, String> {
    let Some(file) = chain.variables.file("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
    let role =
        chain.variables.get("AWS_ROLE_ARN").ok_or("AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not")?;
    by_token(chain, role, chain.variables.get("AWS_ROLE_SESSION_NAME"), &file).await.map(Some)
}

/// A role for a token of somebody whom AWS trusts.
pub(super) async fn by_token(
    chain: &Chain<'_>,
    role: &str,
    session: Option<&str>,
    file: &FileName,
) -> Result<Keys, String> {
    let key = format!("web identity {role}");
    chain
        .kept
        .or(&key, async || {
            let token = chain.access.files.read("the token of the web identity", file, LONGEST as u64).await?;
            let token = String::from_utf8(token).map_err(|_| "the token of the web identity is not text".to_owned())?;
            let words = [
                ("Action", "AssumeRoleWithWebIdentity"),
                ("RoleArn", role),
                ("RoleSessionName", session.unwrap_or("lictor")),
                ("WebIdentityToken", token.trim()),
            ];
            ask(chain, role, &words, None, Origin::WebIdentity(role.to_owned())).await
        })
        .await
}

/// A role for these keys, with what its profile says of it.
pub(super) async fn role(
    chain: &Chain<'_>,
    role: &str,
    profile: &BTreeMap<String, String>,
    base: &Keys,
) -> Result<Keys, String> {
    let key = format!("role {role} {} {}", base.id, profile.get("external_id").map_or("", String::as_str));
    chain
        .kept
        .or(&key, async || {
            let session = profile.get("role_session_name").map_or("lictor", String::as_str);
            let mut words = vec![("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", session)];
            let more = [("external_id", "ExternalId"), ("duration_seconds", "DurationSeconds")];
            words.extend(more.iter().filter_map(|(word, name)| Some((*name, profile.get(*word)?.as_str()))));
            ask(chain, role, &words, Some(base), Origin::Role(role.to_owned())).await
        })
        .await
}

async fn ask(
    chain: &Chain<'_>,
    role: &str,
    words: &[(&str, &str)],
    base: Option<&Keys>,
    origin: Origin,
) -> Result<Keys, String> {
    let failed = |why: String| format!("the role {role} cannot be assumed: {why}");
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = words.iter().map(|(name, value)| format!("&{name}={}", encoded(value)));
    let body = format!("Version=2011-06-15{}", pairs.collect::<String>());
    let url = endpoint(chain)?;
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    if let Some(keys) = base {
        let request = Request {
            url: &url,
            service: "sts",
            region: chain.region,
            fields: &[("content-type", FORM)],
            body: body.as_bytes(),
        };
        for (name, value) in request.headers(keys, SystemTime::now())? {
            let unfit = || failed("the request cannot be signed".to_owned());
            let name = HeaderName::try_from(name).map_err(|_| unfit())?;
            fields.insert(name, HeaderValue::try_from(value).map_err(|_| unfit())?);
        }
    }
    let tls = Tls::default();
    let question = Question { method: Method::POST, fields, body: body.into_bytes(), ..Question::get(url, &tls) };
    let mut answer = question.ask(chain.access).await.map_err(failed)?;
    let text = answer.whole(LONGEST).await.map_err(failed)?;
    let text = String::from_utf8_lossy(&text);
    if !answer.status.is_success() {
        // Its message may repeat what was signed.
        let code = within(&text, "Code").filter(|code| code.len() <= 64).unwrap_or("no reason is given");
        return Err(failed(format!("{}: {code}", answer.shown())));
    }
    keys(&text, origin).ok_or_else(|| failed("there are no keys in the answer".to_owned()))
}

/// Where STS answers.
fn endpoint(chain: &Chain<'_>) -> Result<Url, String> {
    let named = chain.variables.get("AWS_ENDPOINT_URL_STS").or_else(|| chain.variables.get("AWS_ENDPOINT_URL"));
    let suffix = if chain.region.starts_with("cn-") { ".com.cn" } else { ".com" };
    let own = || format!("https://sts.{}.amazonaws{suffix}", chain.region);
    let mut url = Url::parse(&named.map_or_else(own, str::to_owned))
        .map_err(|_| "AWS_ENDPOINT_URL_STS, or AWS_ENDPOINT_URL, is not a URL".to_owned())?;
    url.set_path("/");
    Ok(url)
}

fn keys(text: &str, origin: Origin) -> Option<Keys> {
    let (id, secret) = (within(text, "AccessKeyId")?, within(text, "SecretAccessKey")?);
    let expires = humantime::parse_rfc3339(within(text, "Expiration")?).ok()?;
    let token = within(text, "SessionToken").map(Into::into);
    Some(Keys { id: id.to_owned(), secret: secret.into(), token, expires: Some(expires), origin })
}

/// What an element holds; nothing in these answers is escaped.
fn within<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(value, _)| value.trim()).filter(|value| !value.is_empty())
}
