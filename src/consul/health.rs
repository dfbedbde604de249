//! The catalog's view of a service: which instances there are, and which of them pass.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::client::{Client, Endpoint};
use super::error::{Error, Whom};
use super::head::{Credentials, Found};
use super::watch::Query;

/// Ten thousand instances with long checks.
const LIMIT: usize = 64 << 20;

/// The instances of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// For the next blocking query.
    pub index: u64,
    /// All that the catalog lists, passing or not.
    pub instances: Vec<Instance>,
}

/// One instance in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// The node of its agent.
    pub node: String,
    /// The service's id at that agent.
    pub id: String,
    /// Whether all of its checks, those of the node included, pass.
    pub standing: Standing,
}

/// What the checks of an instance add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Every check passes: load balancers send it requests.
    Passing,
    /// At least one warns, fails or is a maintenance.
    NotPassing,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    node: RawNode,
    service: RawService,
    #[serde(default)]
    checks: Vec<RawCheck>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawNode {
    node: String,
}

#[derive(Deserialize)]
struct RawService {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawCheck {
    status: String,
}

impl From<Raw> for Instance {
    fn from(raw: Raw) -> Self {
        let passing = raw.checks.iter().all(|check| check.status == "passing");
        let standing = if passing { Standing::Passing } else { Standing::NotPassing };
        Self { node: raw.node.node, id: raw.service.id, standing }
    }
}

impl Client {
    /// Lists the instances of a service, or waits for a change among them.
    ///
    /// # Errors
    /// No answer, a refusal, or a list that leaves out what our token may not see.
    pub async fn instances(&self, service: &str, query: &Query) -> Result<Instances, Error> {
        let name = utf8_percent_encode(service, NON_ALPHANUMERIC);
        let endpoint = self.endpoint(&format!("/v1/health/service/{name}"), &format!("health of {service}"));
        let mut text = String::new();
        if let Some(blocking) = query.blocking {
            // Writing to a string does not fail.
            let _ = write!(text, "index={}&wait={}ms", blocking.index, blocking.wait.as_millis().max(1));
        }
        let answer = self.get(&endpoint, &text, query.timeout(), LIMIT).await?;
        if answer.head.hides(answer.credentials) {
            return Err(hidden(&endpoint, answer.credentials));
        }
        let instances = match answer.head.found {
            Found::Nothing => Vec::new(),
            Found::Something => decode(&answer.body).map_err(|reason| endpoint.unreadable(reason))?,
        };
        Ok(Instances { index: answer.head.index, instances })
    }
}

fn hidden(endpoint: &Endpoint, credentials: Credentials) -> Error {
    let whom = match credentials {
        Credentials::Token => Whom::Token,
        Credentials::None => Whom::Anonymous,
    };
    Error::Hidden { site: endpoint.site().clone(), whom }
}

fn decode(body: &[u8]) -> Result<Vec<Instance>, &'static str> {
    let raw: Vec<Raw> = serde_json::from_slice(body).map_err(|_| "its answer is not a list of instances")?;
    let mut instances: Vec<Instance> = raw.into_iter().map(Instance::from).collect();
    instances.sort();
    Ok(instances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_passes_when_all_of_its_checks_do() {
        let list = decode(
            br#"[{"Node":{"Node":"b","Address":"x"},"Service":{"ID":"billing","Port":1},
                  "Checks":[{"Status":"passing"},{"Status":"warning"}]},
                 {"Node":{"Node":"a"},"Service":{"ID":"billing"},"Checks":[{"Status":"passing"}]},
                 {"Node":{"Node":"c"},"Service":{"ID":"billing"}}]"#,
        )
        .unwrap();
        let shown: Vec<_> = list.iter().map(|one| (one.node.as_str(), one.standing)).collect();
        assert_eq!(shown, [("a", Standing::Passing), ("b", Standing::NotPassing), ("c", Standing::Passing)]);
    }

    #[test]
    fn what_is_no_list_of_instances_is_refused() {
        for body in ["", "null", "{}", "[{}]", r#"[{"Node":{"Node":1}}]"#, "[null]"] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
    }
}
