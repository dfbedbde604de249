//! What SQS says, and what it means. Pure.

use reqwest::StatusCode;
use serde::Deserialize;

use super::credentials::Origin;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// About so many messages wait.
    Waiting(u64),
    /// AWS's code for why not.
    Refused(String),
    /// Not an answer of SQS.
    Nothing,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Attributes")]
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "ApproximateNumberOfMessages")]
    waiting: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
}

/// Reads an answer.
pub(super) fn read(status: StatusCode, body: &[u8]) -> Meaning {
    if status.is_success() {
        let answer = serde_json::from_slice::<Answer>(body).ok();
        return answer
            .and_then(|answer| answer.attributes.waiting.parse().ok())
            .map_or(Meaning::Nothing, Meaning::Waiting);
    }
    let text = String::from_utf8_lossy(body);
    let code = serde_json::from_str(&text).map(|Refusal { code }| code).ok().or_else(|| in_xml(&text));
    // `com.amazonaws.sqs#QueueDoesNotExist`
    let Some(code) = code.as_deref().and_then(|code| code.rsplit('#').next()) else { return Meaning::Nothing };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = !code.is_empty() && code.len() <= 64 && code.chars().all(plain);
    if fits { Meaning::Refused(code.to_owned()) } else { Meaning::Nothing }
}

/// The code where the question was not understood as one in JSON: by a gateway, or by what only answers like SQS.
fn in_xml(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code.to_owned())
}

/// What to do about a refusal. AWS's own message is not shown: it can repeat what was signed.
pub(super) fn sentence(status: &str, code: &str, origin: &Origin, region: &str) -> String {
    let word = code.strip_suffix("Exception").unwrap_or(code).rsplit('.').next().unwrap_or(code);
    match word {
        "AccessDenied" | "UnauthorizedOperation" | "KmsAccessDenied" => {
            format!("access denied: allow sqs:GetQueueAttributes on this queue to the credentials from {origin}")
        }
        "InvalidClientTokenId" | "UnrecognizedClient" | "InvalidAccessKeyId" | "InvalidSecurity" => {
            format!("the access key from {origin} is not known to AWS")
        }
        "SignatureDoesNotMatch" | "InvalidSignature" => {
            format!("the secret key from {origin} is wrong, or the clock of this host is")
        }
        "RequestExpired" | "RequestTimeTooSkewed" => "the clock of this host is wrong".to_owned(),
        "ExpiredToken" => format!("the session token from {origin} has expired"),
        "QueueDoesNotExist" | "NonExistentQueue" => format!("there is no such queue in {region}"),
        "InvalidAddress" => "`queue_url` is not the URL of a queue".to_owned(),
        "Throttling" | "ThrottledException" | "RequestThrottled" | "TooManyRequests" => {
            format!("SQS throttles these requests ({code}): make `interval` longer")
        }
        _ => format!("{status}: {code}"),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::{Meaning, read, sentence};
    use crate::check::kinds::sqs::credentials::Origin;

    #[test]
    fn answers_and_refusals() {
        let ok = |body: &str| read(StatusCode::OK, body.as_bytes());
        assert_eq!(ok(r#"{"Attributes":{"ApproximateNumberOfMessages":"12","Other":"x"}}"#), Meaning::Waiting(12));
        for odd in ["", "{}", "[]", r#"{"Attributes":{}}"#, r#"{"Attributes":{"ApproximateNumberOfMessages":"-1"}}"#] {
            assert_eq!(ok(odd), Meaning::Nothing, "{odd}");
        }
        let no = |body: &str| read(StatusCode::BAD_REQUEST, body.as_bytes());
        let refused = no(r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"x"}"#);
        assert_eq!(refused, Meaning::Refused("QueueDoesNotExist".to_owned()));
        let refused = no(r#"{"__type":"ThrottlingException"}"#);
        assert_eq!(refused, Meaning::Refused("ThrottlingException".to_owned()));
        let refused = no("<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>");
        assert_eq!(refused, Meaning::Refused("InvalidClientTokenId".to_owned()));
        for odd in
            ["<html>", "<Code>", "<Code>a b</Code>", r#"{"__type":"a b"}"#, r#"{"__type":""}"#, r#"{"__type":7}"#]
        {
            assert_eq!(no(odd), Meaning::Nothing, "{odd}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let of = |code: &str| sentence("400 Bad Request", code, &Origin::Service, "eu-west-1");
        for (code, said) in [
            ("AccessDeniedException", "allow sqs:GetQueueAttributes"),
            ("AccessDenied", "the service's environment"),
            ("UnrecognizedClientException", "is not known to AWS"),
            ("SignatureDoesNotMatch", "the secret key"),
            ("ExpiredTokenException", "has expired"),
            ("AWS.SimpleQueueService.NonExistentQueue", "no such queue in eu-west-1"),
            ("ThrottlingException", "throttles"),
            ("InternalFailure", "400 Bad Request: InternalFailure"),
        ] {
            assert!(of(code).contains(said), "{code}: {}", of(code));
        }
    }
}
