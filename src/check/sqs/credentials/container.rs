//! The role of a container (ECS, EKS Pod Identity): a URL in the environment, and perhaps a token to show there.

use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::{Keys, Origin, Variables, handed_out};
use crate::check::file;

/// Where ECS answers.
const ECS: &str = "http://169.254.170.2";

/// More than any token. In bytes.
const TOKEN: u64 = 16 * 1024;

/// The keys of the container's role, if there is one.
pub(super) async fn find(client: &reqwest::Client, variables: &Variables<'_>) -> Result<Option<Keys>, String> {
    let Some(url) = url(variables)? else { return Ok(None) };
    let mut request = client.get(url);
    if let Some(token) = token(variables).await? {
        let mut value = HeaderValue::from_bytes(&token)
            .map_err(|_| "the token of the container's role cannot be sent as it is".to_owned())?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let failed = |why: String| format!("the container's role cannot be read: {why}");
    let body = handed_out::fetch(request).await.map_err(failed)?;
    handed_out::parse(&body, Origin::Container).map(Some).ok_or_else(|| failed("no keys in the answer".to_owned()))
}

/// Where to ask. Keys are only fetched from where nobody else listens in, as AWS's own clients have it.
fn url(variables: &Variables<'_>) -> Result<Option<Url>, String> {
    if let Some(path) = variables.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        let url = path.starts_with('/').then(|| Url::parse(&format!("{ECS}{path}")).ok()).flatten();
        return url.map(Some).ok_or_else(|| "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path".to_owned());
    }
    let Some(text) = variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return Ok(None) };
    let url = Url::parse(&text).ok().filter(|url| url.scheme() == "https" || url.host_str().is_some_and(is_near));
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

async fn token(variables: &Variables<'_>) -> Result<Option<Vec<u8>>, String> {
    if let Some(path) = variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        let token = file::read("the token of the container's role", &PathBuf::from(path), TOKEN).await?;
        return Ok(Some(token.trim_ascii().to_vec()));
    }
    Ok(variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(String::into_bytes))
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn keys_are_not_fetched_from_afar() {
        for near in ["127.0.0.1", "169.254.170.2", "169.254.170.23", "[::1]", "[fd00:ec2::23]", "localhost"] {
            assert!(is_near(near), "{near}");
        }
        for far in ["169.254.169.254", "10.0.0.1", "example.com", "[::2]", "localhost.example"] {
            assert!(!is_near(far), "{far}");
        }
    }
}
