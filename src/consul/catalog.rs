//! One instance in the catalog, which load balancers use.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::agent::{Status, hidden, hides};
use super::client::Client;
use super::error::Error;
use super::watch::Query;

/// The largest answer: enough for ten instances, and it is about one.
const LIMIT: usize = 4 << 20;

/// Identifies an instance: a service's ID is unique only on its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The service's name.
    pub service: String,
    /// The instance's id on its node.
    pub id: String,
    /// The node's name.
    pub node: String,
}

/// The state of an instance in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No check of the service or the node is critical: it gets requests.
    Serving,
    /// A check is critical: it gets none.
    Critical,
    /// It is not listed: it gets none.
    Absent,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Checks", default)]
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    #[serde(rename = "Status", default)]
    status: Status,
}

impl Client {
    /// The state of this instance in the catalog, and the index for the next query.
    ///
    /// # Errors
    /// No answer, a refusal, an answer that isn't Consul's, or instances that are hidden from us.
    pub async fn standing(&self, instance: &Instance, query: &Query) -> Result<(u64, Standing), Error> {
        let Instance { service, id, node } = instance;
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let endpoint = self.endpoint(&format!("/v1/health/service/{}", encoded(service)), &format!("health {service}"));
        let filter = format!("Service.ID == {id:?} and Node.Node == {node:?}");
        let mut text = format!("filter={}", encoded(&filter));
        if let Some(hold) = query.blocking {
            // Writing to a string does not fail.
            let _ = write!(text, "&index={}&wait={}ms", hold.index, hold.wait.as_millis().max(1));
        }
        let answer = self.get(&endpoint, &text, query.timeout(), LIMIT).await?;
        let listed: Vec<Listed> = serde_json::from_slice(&answer.body)
            .map_err(|_| endpoint.unreadable("its answer is not a list of instances"))?;
        if hides(&answer, listed.is_empty()) {
            return Err(hidden(&endpoint, answer.credentials));
        }
        Ok((answer.head.index, standing(&listed)))
    }
}

fn standing(listed: &[Listed]) -> Standing {
    let is_critical = |listed: &Listed| listed.checks.iter().any(|check| check.status == Status::Critical);
    match listed {
        [] => Standing::Absent,
        _ if listed.iter().any(is_critical) => Standing::Critical,
        _ => Standing::Serving,
    }
}

#[cfg(test)]
mod tests {
    use super::{Listed, Standing, standing};

    #[test]
    fn one_critical_check_of_the_service_or_its_node_is_enough() {
        let read = |text: &str| standing(&serde_json::from_str::<Vec<Listed>>(text).unwrap());
        assert_eq!(read("[]"), Standing::Absent);
        assert_eq!(
            read(r#"[{"Node":{},"Service":{},"Checks":[{"Status":"passing"},{"Status":"warning"}]}]"#),
            Standing::Serving
        );
        assert_eq!(read(r#"[{"Checks":[]}]"#), Standing::Serving, "a service without checks is in traffic");
        assert_eq!(read(r#"[{"Checks":[{"Status":"passing"},{"Status":"critical"}]}]"#), Standing::Critical);
    }
}
