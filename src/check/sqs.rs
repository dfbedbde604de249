//! `sqs`: the attributes of a queue, asked for as AWS wants it: JSON, signed with what the usual chain of credentials gives.

mod answer;
mod credentials;
mod region;
mod sign;

use std::time::SystemTime;

use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url};

pub(super) use credentials::Kept;

use super::finding::Finding;
use super::http::{self, why};
use super::text::OfService;
use super::{Sqs, reason};
use answer::Said;
use credentials::{Chain, Variables};
use sign::Request;

/// The answer to such a question is a few hundred bytes; so much of it is read.
const LONGEST: usize = 16 * 1024;

const TARGET: &str = "AmazonSQS.GetQueueAttributes";
const JSON: &str = "application/x-amz-json-1.0";

/// Asks once.
pub(super) async fn probe(sqs: &Sqs, client: &http::Client, kept: &Kept, service: &OfService) -> Finding {
    match ask(sqs, client, kept, service).await {
        Ok(waiting) => judge(waiting, sqs.max_messages),
        Err(reason) => Finding::Bad(reason::brief(&reason)),
    }
}

/// How many messages wait.
async fn ask(sqs: &Sqs, client: &http::Client, kept: &Kept, service: &OfService) -> Result<u64, String> {
    let client = client.trusting(sqs.ca.as_deref()).await?;
    let queue_url = sqs.queue_url.read(service).await?;
    let queue = Url::parse(&queue_url).map_err(|_| format!("{} is no URL of a queue", sqs.queue_url))?;
    let environment = service.composed();
    let variables = Variables::of(&environment);
    let region = region::of(sqs.region.as_deref(), &queue, &variables).ok_or(region::UNKNOWN)?;
    let keys = Chain { client: &client, variables: &variables, kept }.keys(SystemTime::now()).await?;
    let endpoint = endpoint(sqs.endpoint.as_deref(), &queue)?;
    let body = serde_json::json!({
        "QueueUrl": queue_url,
        "AttributeNames": ["ApproximateNumberOfMessages"],
    })
    .to_string();
    let request = Request { url: &endpoint, target: TARGET, content: JSON, body: body.as_bytes(), region: &region };
    let signed = request.headers(&keys, SystemTime::now())?;
    let mut asked = client.post(endpoint.as_str()).header(CONTENT_TYPE, JSON).header("x-amz-target", TARGET);
    for (name, value) in signed {
        asked = asked.header(name, value);
    }
    let mut response = asked.body(body).send().await.map_err(|error| why(&error))?;
    let status = response.status();
    let body = read(&mut response).await?;
    match answer::read(status, &body) {
        Said::Waiting(messages) => Ok(messages),
        Said::Refused(code) => Err(answer::sentence(status, &code, &keys.origin, &region)),
        Said::Nothing => Err(format!("{}, but no answer as SQS gives it", shown(status))),
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

/// Who is asked: the root of what is named, else of the queue's own host.
fn endpoint(named: Option<&str>, queue: &Url) -> Result<Url, String> {
    let mut url = queue.clone();
    url.set_path("/");
    if let Some(named) = named {
        url = Url::parse(named).map_err(|_| "`endpoint` is no URL".to_owned())?;
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

async fn read(response: &mut reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
        if body.len() + chunk.len() > LONGEST {
            return Err("the answer is far too long for SQS".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn shown(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

#[cfg(test)]
mod tests;
