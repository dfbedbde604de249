//! The local agent's API: the services and checks of this host, and maintenance mode.
//!
//! A write that has failed may have been applied anyway, so a writer reads again before it writes once more.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::client::{Answer, Client, Endpoint};
use super::error::{Error, Whom};
use super::head::{Credentials, DefaultPolicy, Found, Results};

/// The largest answer: it is about one service.
const LIMIT: usize = 4 << 20;
/// The timeout of a request: without a leader an agent takes some ten seconds, otherwise a millisecond.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A service that is registered with the agent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AgentService {
    /// Its name in the catalog.
    pub service: String,
    /// Empty: the host's own address.
    #[serde(default)]
    pub address: String,
    /// Its port; 0: none.
    #[serde(default)]
    pub port: u16,
    /// In the order in which they were registered.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Free pairs.
    #[serde(default, deserialize_with = "or_default")]
    pub meta: BTreeMap<String, String>,
    /// Changes when any of this changes; for the next blocking query.
    #[serde(default)]
    pub content_hash: String,
}

/// A check that is registered with the agent. The agent does not show which URL it asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AgentCheck {
    /// The name of the node, as the catalog has it.
    #[serde(default)]
    pub node: String,
    /// Unique on the agent.
    #[serde(rename = "CheckID", default)]
    pub check_id: String,
    /// Its status.
    #[serde(default)]
    pub status: Status,
    /// A text for people; in maintenance mode the reason.
    #[serde(default)]
    pub notes: String,
}

/// The status of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Passing.
    Passing,
    /// A warning: DNS still returns the service, but a query for passing instances only does not.
    Warning,
    /// Critical, or any status that is not known here.
    #[default]
    #[serde(other)]
    Critical,
}

/// A service to be registered, with its check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Registration {
    /// Unique on the agent.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name in the catalog.
    pub name: String,
    /// Empty: the host's own address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Its tags.
    pub tags: Vec<String>,
    /// Free pairs: at most 64, values of at most 512 bytes.
    pub meta: BTreeMap<String, String>,
}

/// An HTTP check to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpCheck {
    /// Unique on the agent.
    #[serde(rename = "ID")]
    pub id: String,
    /// For people.
    pub name: String,
    /// A text for people; the agent returns it with the check, unlike the URL.
    pub notes: String,
    /// The ID of its service.
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    /// The URL that it asks: 2xx is passing, 429 a warning.
    #[serde(rename = "HTTP")]
    pub url: String,
    /// Its interval, in Go's notation.
    pub interval: String,
    /// How long an answer may take; in Go's notation.
    pub timeout: String,
    /// The service is deregistered after it has been critical for this long; `None`: never. Consul's least is a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deregister_critical_service_after: Option<String>,
}

#[derive(Serialize)]
struct WithStatus<'a> {
    #[serde(flatten)]
    check: &'a HttpCheck,
    #[serde(rename = "Status")]
    status: Status,
}

/// The same in a service's registration, where its ID has another name.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfService<'a> {
    #[serde(rename = "CheckID")]
    id: &'a str,
    name: &'a str,
    notes: &'a str,
    #[serde(rename = "HTTP")]
    url: &'a str,
    interval: &'a str,
    timeout: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deregister_critical_service_after: Option<&'a str>,
    status: Status,
}

impl<'a> OfService<'a> {
    fn new(check: &'a HttpCheck, status: Status) -> Self {
        let HttpCheck { id, name, notes, service_id: _, url, interval, timeout, deregister_critical_service_after } =
            check;
        let deregister_critical_service_after = deregister_critical_service_after.as_deref();
        Self { id, name, notes, url, interval, timeout, deregister_critical_service_after, status }
    }
}

#[derive(Serialize)]
struct WithChecks<'a> {
    #[serde(flatten)]
    registration: &'a Registration,
    #[serde(rename = "Checks", skip_serializing_if = "Vec::is_empty")]
    checks: Vec<OfService<'a>>,
}

/// Whether a service is in maintenance mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// It is out of traffic, for this reason.
    On(String),
    /// It is not.
    Off,
}

/// The ID of the check by which Consul shows the maintenance mode of a service.
pub fn maintenance_check(id: &str) -> String {
    format!("_service_maintenance:{id}")
}

/// A duration in Go's notation, as precise as Consul needs it.
pub fn go_duration(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

impl Client {
    /// A service of the local agent, or `None`. With the hash of an earlier answer the agent answers once it has changed,
    /// or after `wait`.
    ///
    /// # Errors
    /// No answer, a refusal, or an answer that isn't Consul's.
    pub async fn agent_service(&self, id: &str, hold: Option<(&str, Duration)>) -> Result<Option<AgentService>, Error> {
        let endpoint = self.of_agent("service", id);
        let (query, wait) = match hold {
            Some((hash, wait)) => (format!("hash={}&wait={}ms", encoded(hash), wait.as_millis()), wait),
            None => (String::new(), Duration::ZERO),
        };
        let answer = self.ask(&endpoint, &query, TIMEOUT + wait + wait / 16).await?;
        match known(answer.head.found, &answer.body, &endpoint)? {
            Found::Nothing => Ok(None),
            Found::Something => serde_json::from_slice(&answer.body)
                .map(Some)
                .map_err(|_| endpoint.unreadable("its answer does not describe a service")),
        }
    }

    /// The checks of one service on the local agent.
    ///
    /// # Errors
    /// No answer, a refusal, an answer that isn't Consul's, or checks that are hidden from us.
    pub async fn agent_checks(&self, id: &str) -> Result<Vec<AgentCheck>, Error> {
        let endpoint = self.endpoint("/v1/agent/checks", "agent checks");
        let query = format!("filter={}", encoded(&format!("ServiceID == {id:?}")));
        let answer = self.ask(&endpoint, &query, TIMEOUT).await?;
        let checks: BTreeMap<String, AgentCheck> = serde_json::from_slice(&answer.body)
            .map_err(|_| endpoint.unreadable("its answer is not a list of checks"))?;
        if hides(&answer, checks.is_empty()) {
            return Err(hidden(&endpoint, answer.credentials));
        }
        Ok(checks.into_values().collect())
    }

    /// Registers a service, or changes what is registered under its id. With `check` its check is registered in the same
    /// step, so that it is in traffic at no moment without one; its other checks and its maintenance stay as they are.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub async fn register(
        &self,
        registration: &Registration,
        check: Option<(&HttpCheck, Status)>,
    ) -> Result<(), Error> {
        let endpoint = self.endpoint("/v1/agent/service/register", "agent service register");
        let checks = check.map(|(check, status)| OfService::new(check, status)).into_iter().collect();
        self.change(&endpoint, "", body(&WithChecks { registration, checks }, &endpoint)?).await.map(drop)
    }

    /// Deregisters a service, with its checks. It is not an error if there is none of this ID.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub async fn deregister(&self, id: &str) -> Result<(), Error> {
        self.change(&self.of_agent("service/deregister", id), "", Vec::new()).await.map(drop)
    }

    /// Registers a check with this status. If there is one of its id already, it keeps the status that it has.
    ///
    /// # Errors
    /// No answer, or a refusal; `NotFound` if there is no such service.
    pub async fn register_check(&self, check: &HttpCheck, status: Status) -> Result<Found, Error> {
        let endpoint = self.endpoint("/v1/agent/check/register", "agent check register");
        self.change(&endpoint, "", body(&WithStatus { check, status }, &endpoint)?).await
    }

    /// Deregisters a check. It is not an error if there is none of this ID.
    ///
    /// # Errors
    /// No answer, or a refusal.
    pub async fn deregister_check(&self, id: &str) -> Result<(), Error> {
        self.change(&self.of_agent("check/deregister", id), "", Vec::new()).await.map(drop)
    }

    /// Sets or ends a service's maintenance mode. Its reason is that of whoever set it first.
    ///
    /// # Errors
    /// No answer, or a refusal. [`Found::Nothing`]: there is no such service.
    pub async fn set_maintenance(&self, id: &str, maintenance: &Maintenance) -> Result<Found, Error> {
        let query = match maintenance {
            Maintenance::On(reason) => format!("enable=true&reason={}", encoded(reason)),
            Maintenance::Off => "enable=false".to_owned(),
        };
        self.change(&self.of_agent("service/maintenance", id), &query, Vec::new()).await
    }

    /// The name of the local agent's node. It needs a right that nothing else here needs: `agent:read`.
    ///
    /// # Errors
    /// No answer, a refusal, or an answer that isn't Consul's.
    pub async fn node_name(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Agent {
            config: Config,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Config {
            node_name: String,
        }
        let endpoint = self.endpoint("/v1/agent/self", "agent self");
        let answer = self.ask(&endpoint, "", TIMEOUT).await?;
        serde_json::from_slice::<Agent>(&answer.body)
            .map(|agent| agent.config.node_name)
            .map_err(|_| endpoint.unreadable("its answer does not describe an agent"))
    }

    async fn ask(&self, endpoint: &Endpoint, query: &str, timeout: Duration) -> Result<Answer, Error> {
        self.fetch(endpoint, query, timeout, LIMIT).await.map(|(answer, _)| answer)
    }

    async fn change(&self, endpoint: &Endpoint, query: &str, body: Vec<u8>) -> Result<Found, Error> {
        let written = self.put(endpoint, query, body, TIMEOUT, &[404]).await?;
        let found = if written.status == 404 { Found::Nothing } else { Found::Something };
        known(found, &written.body, endpoint)
    }

    fn of_agent(&self, what: &str, id: &str) -> Endpoint {
        self.endpoint(&format!("/v1/agent/{what}/{}", encoded(id)), &format!("agent {what} {id}"))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn body(value: &impl Serialize, endpoint: &Endpoint) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|_| endpoint.unreadable("the body is not JSON"))
}

/// Consul's 404 says what is unknown. Any other 404 means that the address is not Consul's.
fn known(found: Found, body: &[u8], endpoint: &Endpoint) -> Result<Found, Error> {
    let text = String::from_utf8_lossy(&body[..body.len().min(512)]).to_ascii_lowercase();
    let is_consuls =
        text.contains("unknown service") || text.contains("unknown check") || text.contains("does not exist");
    match found {
        Found::Nothing if !is_consuls => Err(endpoint.unreadable("a 404 that does not say what is unknown")),
        found => Ok(found),
    }
}

/// Whether a list leaves out what we may not read. Without a token, Consul does not report that.
pub(super) fn hides(answer: &Answer, is_empty: bool) -> bool {
    let unsaid = (answer.head.default_policy, answer.credentials) == (DefaultPolicy::Deny, Credentials::None);
    answer.head.results == Results::Filtered || is_empty && unsaid
}

pub(super) fn hidden(endpoint: &Endpoint, credentials: Credentials) -> Error {
    let whom = match credentials {
        Credentials::Token => Whom::Token,
        Credentials::None => Whom::Anonymous,
    };
    Error::Hidden { site: endpoint.site().clone(), whom }
}

/// Consul writes `null` for a list or a table that is empty.
fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_as_consul_sends_it() {
        let text = r#"{"ID":"billing","Service":"billing","Tags":["a"],"Meta":{"version":"1"},"Port":8080,"Address":"",
            "Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"ContentHash":"88dff0cb4635c35c","Datacenter":"dc1"}"#;
        let service: AgentService = serde_json::from_str(text).unwrap();
        assert_eq!((service.service.as_str(), service.port, service.tags.len()), ("billing", 8080, 1));
        assert_eq!((service.meta["version"].as_str(), service.content_hash.as_str()), ("1", "88dff0cb4635c35c"));
        let bare: AgentService = serde_json::from_str(r#"{"Service":"x","Tags":null,"Meta":null}"#).unwrap();
        assert_eq!((bare.port, bare.tags.len(), bare.meta.len()), (0, 0, 0));
    }

    #[test]
    fn a_status_that_is_not_known_counts_as_critical() {
        let statuses = ["passing", "warning", "critical", "maintenance", ""];
        let read = statuses.map(|word| serde_json::from_str::<Status>(&format!("{word:?}")).unwrap());
        assert_eq!(read, [Status::Passing, Status::Warning, Status::Critical, Status::Critical, Status::Critical]);
    }

    #[test]
    fn what_is_sent_has_consuls_names() {
        let check = HttpCheck {
            id: "billing:lictor".into(),
            name: "billing by lictor".into(),
            notes: String::new(),
            service_id: "billing".into(),
            url: "http://127.0.0.1:8127/health".into(),
            interval: go_duration(Duration::from_secs(1)),
            timeout: go_duration(Duration::from_millis(2500)),
            deregister_critical_service_after: None,
        };
        let sent = serde_json::to_value(WithStatus { check: &check, status: Status::Critical }).unwrap();
        let expected = serde_json::json!({
            "ID": "billing:lictor", "Name": "billing by lictor", "Notes": "", "ServiceID": "billing",
            "HTTP": "http://127.0.0.1:8127/health", "Interval": "1000ms", "Timeout": "2500ms", "Status": "critical",
        });
        assert_eq!(sent, expected);
    }
}
