//! In which region a queue is. Pure.

use reqwest::Url;

use super::credentials::Variables;

/// When nothing tells.
pub(super) const UNKNOWN: &str = "the region is not in `queue_url`: set `region`, or AWS_REGION";

/// As it is set, else as the queue's URL tells, else as the environment does.
pub(super) fn of(set: Option<&str>, queue: &Url, variables: &Variables) -> Option<String> {
    let environment = || variables.get("AWS_REGION").or_else(|| variables.get("AWS_DEFAULT_REGION")).map(str::to_owned);
    let found = set.map(str::to_owned).or_else(|| in_host(queue.host_str()?)).or_else(environment)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (!found.is_empty() && found.len() <= 64 && found.chars().all(plain)).then_some(found)
}

/// `sqs.REGION.amazonaws.com`, `REGION.queue.amazonaws.com`, and the same elsewhere (`.com.cn`, `.api.aws`, `-fips`).
fn in_host(host: &str) -> Option<String> {
    if !["amazonaws.com", "amazonaws.com.cn", "api.aws"].iter().any(|end| host.ends_with(end)) {
        return None;
    }
    let mut labels = host.split('.');
    let (first, second) = (labels.next()?, labels.next()?);
    match (first, second) {
        ("sqs" | "sqs-fips", "amazonaws") => None,
        ("sqs" | "sqs-fips", region) | (region, "queue") => Some(region.to_owned()),
        ("queue", "amazonaws") => Some("us-east-1".to_owned()),
        // A private endpoint: `vpce-..sqs.REGION.vpce.amazonaws.com`.
        _ => labels.next().filter(|_| second == "sqs").map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{in_host, of};
    use crate::check::kinds::sqs::credentials::Variables;

    #[test]
    fn hosts_of_aws_name_their_region() {
        for (host, region) in [
            ("sqs.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("sqs-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("sqs.eu-west-1.api.aws", Some("eu-west-1")),
            ("eu-central-1.queue.amazonaws.com", Some("eu-central-1")),
            ("sqs.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("queue.amazonaws.com", Some("us-east-1")),
            ("vpce-0a-b.sqs.eu-west-1.vpce.amazonaws.com", Some("eu-west-1")),
            ("127.0.0.1", None),
            ("sqs.eu-west-1.example", None),
        ] {
            assert_eq!(in_host(host).as_deref(), region, "{host}");
        }
    }

    #[test]
    fn what_is_set_wins() {
        let queue = Url::parse("https://sqs.eu-west-1.amazonaws.com/1/q").unwrap();
        let other = Url::parse("http://127.0.0.1:4566/1/q").unwrap();
        let variables = Variables::new(&[], &[("AWS_DEFAULT_REGION", "eu-north-1")]);
        assert_eq!(of(Some("us-east-2"), &queue, &variables).as_deref(), Some("us-east-2"));
        assert_eq!(of(None, &queue, &variables).as_deref(), Some("eu-west-1"));
        assert_eq!(of(None, &other, &variables).as_deref(), Some("eu-north-1"));
        assert_eq!(of(None, &other, &Variables::new(&[], &[])), None);
        assert_eq!(of(Some("EU WEST"), &queue, &variables), None);
    }
}
