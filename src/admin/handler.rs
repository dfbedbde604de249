//! Serves the operator: the read-only resources of `http`, the history, and the verbs, which are served nowhere else.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::effect::{self, Conclusion};
use super::operator_request::{OperatorRequest, ReexecRequest, ReloadRequest};
use super::request::{self, What};
use super::{history, plan};
use crate::drain::DrainWatcher;
use crate::http::{self, Answer, Handler, Peer, Reply, Resources};
use crate::machine::Board;
use crate::machine::event::Verb;
use crate::machine::order::Effect;
use crate::machine::reload::Pending;
use crate::state::Recent;

/// The largest body of a request, in bytes.
const LARGEST_BODY: usize = 16 * 1024;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(10);

const NOBODY: &str = "the kernel does not say which user asks: use the admin socket on the host itself";

const STOPPING: &str = "lictor is stopping";

/// Serves the admin socket. A clone serves one connection.
#[derive(Clone, Debug)]
pub struct AdminHandler {
    /// The resources that the status port serves too.
    pub resources: Resources,
    /// The board, which shows the effect of a verb.
    pub boards: watch::Receiver<Arc<Board>>,
    /// The newest lines of history.
    pub history: watch::Receiver<Recent>,
    /// The driver's end for verbs.
    pub requests: mpsc::Sender<OperatorRequest>,
    /// The end for requests to read our own configuration again.
    pub reloads: mpsc::Sender<ReloadRequest>,
    /// The end for requests of a reexec.
    pub reexecs: mpsc::Sender<ReexecRequest>,
    /// Ends every wait when lictor stops.
    pub drain: DrainWatcher,
}

impl Handler for AdminHandler {
    fn handle(&self, peer: &Peer, request: Request<Incoming>) -> Reply {
        let path = request.uri().path();
        if path == "/history" {
            return history::read(&self.resources, &request, self.history.clone(), self.drain.clone());
        }
        if path == "/plan" {
            return Reply::now(plan::read(request.method(), &self.boards.borrow()));
        }
        let Some(verb) = path.strip_prefix("/verb/").map(str::to_owned) else {
            return self.resources.handle(peer, request);
        };
        if request.method() != Method::POST {
            return Reply::now(http::not_allowed("POST", "this changes something: use POST"));
        }
        let uid = uid(peer);
        if uid.is_none() {
            return Reply::now(http::error(StatusCode::FORBIDDEN, NOBODY));
        }
        let handler = self.clone();
        Reply::later(async move { handler.verb(&verb, uid, request.into_body()).await })
    }
}

impl AdminHandler {
    async fn verb(self, verb: &str, uid: Option<u32>, body: Incoming) -> Answer {
        let read = tokio::time::timeout(BODY_TIME, Limited::new(body, LARGEST_BODY).collect()).await;
        let Ok(Ok(body)) = read else {
            return http::error(StatusCode::BAD_REQUEST, "the body is larger than 16 KB, or did not come in time");
        };
        match request::read(verb, &body.to_bytes()) {
            None => http::error(StatusCode::NOT_FOUND, "no such verb"),
            Some(Err(sentence)) => http::error(StatusCode::BAD_REQUEST, &sentence),
            Some(Ok(request)) => {
                let until = Instant::now() + request.timeout;
                match request.what {
                    What::Verb(verb) => self.ask(verb, uid, until).await,
                    What::Reload => self.reload(uid, until).await,
                    What::Reexec => self.reexec(until).await,
                }
            }
        }
    }

    async fn ask(self, verb: Verb, uid: Option<u32>, until: Instant) -> Answer {
        let done = done(&verb);
        let (answer, answered) = oneshot::channel();
        // A request that could not be sent comes back with the sender of its answer, which must be dropped.
        drop(self.requests.send(OperatorRequest { verb, uid, answer }).await);
        let effect = match answered.await {
            Ok(Ok(effect)) => effect,
            Ok(Err(why)) => return http::error(StatusCode::CONFLICT, &why),
            Err(_) => return http::error(StatusCode::CONFLICT, STOPPING),
        };
        match effect::wait(effect, self.boards, self.drain, until).await {
            Conclusion::Done(_) if effect == Effect::Done => {
                http::json(StatusCode::OK, json!({ "done": done }).to_string())
            }
            Conclusion::Done(now) => http::json(StatusCode::OK, json!({ "done": now }).to_string()),
            Conclusion::Failed(why) => http::error(StatusCode::CONFLICT, &why),
            Conclusion::Late(standing) => {
                http::error(StatusCode::GATEWAY_TIMEOUT, &format!("it goes on, but was not done in time: {standing}"))
            }
        }
    }

    async fn reexec(self, until: Instant) -> Answer {
        let (answer, answered) = oneshot::channel();
        drop(self.reexecs.send(ReexecRequest { until, answer }).await);
        match answered.await {
            Ok(Ok(version)) => {
                let done = format!("{version} takes over; the service goes on");
                http::json(StatusCode::OK, json!({ "done": done }).to_string())
            }
            Ok(Err(why)) => http::error(StatusCode::CONFLICT, &why),
            Err(_) => http::error(StatusCode::CONFLICT, STOPPING),
        }
    }

    async fn reload(self, uid: Option<u32>, until: Instant) -> Answer {
        let (answer, answered) = oneshot::channel();
        drop(self.reloads.send(ReloadRequest { uid, answer }).await);
        match tokio::time::timeout_at(until, answered).await {
            Ok(Ok(Ok(pending))) => reloaded(&pending),
            Ok(Ok(Err(errors))) => {
                let first = errors.first().map_or("", String::as_str);
                let body = json!({ "error": format!("nothing is changed: {first}"), "errors": errors });
                http::json(StatusCode::UNPROCESSABLE_ENTITY, body.to_string())
            }
            Err(_) => http::error(StatusCode::GATEWAY_TIMEOUT, "the configuration is still being read"),
            Ok(Err(_)) => http::error(StatusCode::CONFLICT, STOPPING),
        }
    }
}

fn reloaded(pending: &Pending) -> Answer {
    let body = json!({ "done": "the configuration was read again", "pending": pending });
    http::json(StatusCode::OK, body.to_string())
}

/// The sentence for a verb that is done once the machine has accepted it.
fn done(verb: &Verb) -> String {
    match verb {
        Verb::Hold { length: Some(length), .. } => {
            format!("every change is held for {}", humantime::format_duration(*length))
        }
        Verb::Hold { length: None, .. } => "every change is held until unhold".to_owned(),
        Verb::Unhold => "the operator's hold has ended".to_owned(),
        Verb::Signal { signal } => {
            let name = crate::signal::name(*signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
            format!("{name} is sent to the service")
        }
        Verb::Release { .. } => "the guard lets the newest change through".to_owned(),
        Verb::Validated { .. } => "it is kept".to_owned(),
        Verb::Restart | Verb::Retry { .. } | Verb::RetryAlone { .. } | Verb::Revert => String::new(),
    }
}

fn uid(peer: &Peer) -> Option<u32> {
    match peer {
        Peer::Local(who) => who.map(|who| who.uid()),
        Peer::Remote(_) => None,
    }
}
