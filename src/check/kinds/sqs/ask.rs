//! The attributes of a queue, asked for as AWS wants it: JSON, signed with what the usual chain of credentials gives.

use std::time::SystemTime;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::Sqs;
use super::answer::{self, Meaning};
use super::credentials::{Chain, Kept, Variables};
use super::region;
use super::sign::Request;
use crate::check::kinds::Surroundings;
use crate::check::net::Access;
use crate::check::net::web::Question;
use crate::check::round::Finding;
use crate::check::{Tls, reason};

/// The answer to such a question is a few hundred bytes; so much of it is read.
const LONGEST: usize = 16 * 1024;

const TARGET: &str = "AmazonSQS.GetQueueAttributes";
const JSON: &str = "application/x-amz-json-1.0";

/// Asks once.
pub(in crate::check) async fn probe(sqs: &Sqs, kept: &Kept, access: &Access, around: &Surroundings) -> Finding {
    match ask(sqs, kept, access, around).await {
        Ok(waiting) => judge(waiting, sqs.max_messages),
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

/// How many messages wait.
async fn ask(sqs: &Sqs, kept: &Kept, access: &Access, around: &Surroundings) -> Result<u64, String> {
    let queue_url = access.text(&sqs.queue_url).await?;
    let queue = Url::parse(&queue_url).map_err(|_| format!("{} is not the URL of a queue", sqs.queue_url))?;
    let variables = Variables::of(access).await?;
    let region = region::of(sqs.region.as_deref(), &queue, &variables).ok_or(region::UNKNOWN)?;
    let keys = Chain { access, around, variables: &variables, kept, region: &region }.keys().await?;
    let endpoint = endpoint(sqs.endpoint.as_deref(), &variables, &queue)?;
    let body = serde_json::json!({
        "QueueUrl": queue_url,
        "AttributeNames": ["ApproximateNumberOfMessages"],
    })
    .to_string();
    let signed = [("content-type", JSON), ("x-amz-target", TARGET)];
    let request = Request { url: &endpoint, service: "sqs", region: &region, fields: &signed, body: body.as_bytes() };
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    fields.insert("x-amz-target", HeaderValue::from_static(TARGET));
    for (name, value) in request.headers(&keys, SystemTime::now())? {
        let unfit = || format!("the request cannot be signed with the credentials from {}", keys.origin);
        let name = HeaderName::try_from(name).map_err(|_| unfit())?;
        fields.insert(name, HeaderValue::try_from(value).map_err(|_| unfit())?);
    }
    let tls = Tls { ca: sqs.ca.clone(), ..Tls::default() };
    let question =
        Question { method: Method::POST, fields, body: body.into_bytes(), ..Question::get(endpoint.clone(), &tls) };
    let mut response = question.ask(access).await?;
    let body = response.whole(LONGEST).await?;
    match answer::read(response.status, &body) {
        Meaning::Waiting(messages) => Ok(messages),
        Meaning::Refused(code) => Err(answer::sentence(&response.shown(), &code, &keys.origin, &region)),
        Meaning::Nothing => Err(format!("{}, but not an answer of SQS", response.shown())),
    }
}

fn judge(waiting: u64, most: Option<u64>) -> Finding {
    match most {
        Some(most) if waiting > most => {
            Finding::Bad(format!("about {waiting} messages wait in the queue, more than max_messages = {most}"))
        }
        _ => Finding::Good,
    }
}

/// Who is asked: what the check names, else what the environment names, as for the SDK; else the queue's own host.
fn endpoint(named: Option<&str>, variables: &Variables, queue: &Url) -> Result<Url, String> {
    let of = |name: &'static str| variables.get(name).map(|url| (name, url));
    let by_environment = || of("AWS_ENDPOINT_URL_SQS").or_else(|| of("AWS_ENDPOINT_URL"));
    let mut url = match named.map(|url| ("`endpoint`", url)).or_else(by_environment) {
        Some((name, url)) => Url::parse(url).map_err(|_| format!("{name} is not a URL"))?,
        None => queue.clone(),
    };
    if url.host_str() == queue.host_str() {
        url.set_path("/");
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{Variables, endpoint, judge};
    use crate::check::round::Finding;

    #[test]
    fn a_queue_may_be_too_full() {
        assert_eq!(judge(1_000_000, None), Finding::Good);
        assert_eq!(judge(10, Some(10)), Finding::Good);
        let full = "about 11 messages wait in the queue, more than max_messages = 10";
        assert_eq!(judge(11, Some(10)), Finding::Bad(full.to_owned()));
    }

    #[test]
    fn the_host_of_the_queue_is_asked_unless_another_is_named() {
        let queue = Url::parse("https://sqs.eu-west-1.amazonaws.com/123456789012/orders?x#y").unwrap();
        let of = |named: Option<&str>, service: &[(&'static str, &str)]| {
            endpoint(named, &Variables::new(service, &[]), &queue).map(String::from)
        };
        let here = |port: u16| Ok(format!("http://127.0.0.1:{port}/"));
        assert_eq!(of(None, &[]), Ok("https://sqs.eu-west-1.amazonaws.com/".to_owned()));
        let global = ("AWS_ENDPOINT_URL", "http://127.0.0.1:5001");
        let own = ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:5002");
        assert_eq!(of(None, &[global]), here(5001));
        assert_eq!(of(None, &[global, own]), here(5002));
        assert_eq!(of(Some("http://127.0.0.1:5000"), &[global, own]), here(5000));
        assert_eq!(of(None, &[("AWS_ENDPOINT_URL_SQS", "x")]), Err("AWS_ENDPOINT_URL_SQS is not a URL".to_owned()));
    }
}
