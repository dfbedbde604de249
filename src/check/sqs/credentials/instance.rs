//! The role of an EC2 instance, from its metadata service, version 2: a token first, then the role's name, then its keys.

use std::time::Duration;

use super::{Keys, Origin, Variables, handed_out};

const DEFAULT: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const SHOW: &str = "x-aws-ec2-metadata-token";

/// How long the token has to live: for the two questions that follow.
const LIFE: Duration = Duration::from_mins(1);

/// The keys of the instance's role; `None` where there is no such service, or no role.
pub(super) async fn find(client: &reqwest::Client, variables: &Variables<'_>) -> Result<Option<Keys>, String> {
    if variables.get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let base = variables.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| DEFAULT.to_owned());
    let base = base.trim_end_matches('/');
    let life = LIFE.as_secs().to_string();
    let token = client.put(format!("{base}/latest/api/token")).header("x-aws-ec2-metadata-token-ttl-seconds", life);
    // Whatever does not answer here is no instance of EC2.
    let Ok(token) = handed_out::fetch(token).await else { return Ok(None) };
    let failed = |why: String| format!("the instance's role cannot be read: {why}");
    let ask = |path: String| handed_out::fetch(client.get(format!("{base}{path}")).header(SHOW, token.as_slice()));
    let role = match ask(ROLES.to_owned()).await {
        Ok(names) => first_line(&names),
        Err(status) if status == "404" => None,
        Err(why) => return Err(failed(why)),
    };
    let Some(role) = role else { return Ok(None) };
    let body = ask(format!("{ROLES}{role}")).await.map_err(failed)?;
    handed_out::parse(&body, Origin::Instance(role)).map(Some).ok_or_else(|| failed("no keys in the answer".to_owned()))
}

/// The name of the role, if it is one.
fn first_line(names: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(names).ok()?.lines().next()?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    (!name.is_empty() && name.len() <= 128 && name.chars().all(plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::first_line;

    #[test]
    fn a_role_has_a_plain_name() {
        assert_eq!(first_line(b"billing-role\nother\n").as_deref(), Some("billing-role"));
        for odd in [&b""[..], b"\n", b"../../token", b"a b", b"\xff", &[b'x'; 129]] {
            assert_eq!(first_line(odd), None);
        }
    }
}
