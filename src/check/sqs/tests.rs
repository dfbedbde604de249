use reqwest::Url;

use super::{endpoint, judge};
use crate::check::finding::Finding;

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
    assert_eq!(endpoint(None, &queue).unwrap().as_str(), "https://sqs.eu-west-1.amazonaws.com/");
    assert_eq!(endpoint(Some("http://127.0.0.1:5000"), &queue).unwrap().as_str(), "http://127.0.0.1:5000/");
}
