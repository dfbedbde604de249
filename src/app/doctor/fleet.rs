//! What taking turns needs of Consul, as far as it can be asked without a change there: the fleet's folder and the catalog.

use std::time::Duration;

use super::{Finding, Grade};
use crate::app::client;
use crate::config::Settings;
use crate::consul::watch::Query;
use crate::consul::{Class, Client, Error};
use crate::fleet::Rules;
use crate::fleet::operator::Operator;
use crate::line::counted;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for what the fleet of these settings needs; nothing if there is none.
pub(super) async fn fleet(settings: &Settings) -> Vec<Finding> {
    // Settings that make no client are said with the sources.
    let (Some(rules), Ok(Some(client))) = (&settings.fleet, client(settings)) else { return Vec::new() };
    vec![folder(rules, settings).await, catalog(rules, settings, &client).await]
}

async fn folder(rules: &Rules, settings: &Settings) -> Finding {
    let subject = format!("fleet {}", rules.prefix);
    let question = async {
        let operator = Operator::new(&settings.consul, &rules.prefix)?;
        // A list leaves out what a token may not read; one key is refused.
        operator.key().await?;
        Ok(operator.look().await?.instances.len())
    };
    match answered(question).await {
        Ok(records) => {
            let records = counted(records as u64, "instance");
            let text = format!("{records}; whether this token may write there too shows when a lictor joins");
            Finding::new(Grade::Fine, subject, text)
        }
        Err(why) => Finding::new(Grade::Wrong, subject, why),
    }
}

/// No instance that the catalog does not list gets a turn.
async fn catalog(rules: &Rules, settings: &Settings, client: &Client) -> Finding {
    let subject = format!("catalog {}", rules.service);
    let registers = settings.registration.as_ref().is_some_and(|registration| registration.service.is_some());
    match answered(client.instances(&rules.service, &Query::PLAIN)).await {
        Ok(found) if registers || found.instances.iter().any(|instance| instance.id == rules.id) => {
            Finding::new(Grade::Fine, subject, counted(found.instances.len() as u64, "instance"))
        }
        Ok(_) => {
            let text = format!(
                "Consul's catalog does not list {} as {}, so it gets no turn: register it, or let lictor do so with \
                 registration {{}} and its port",
                rules.id, rules.service
            );
            Finding::new(Grade::Mind, subject, text)
        }
        Err(why) => Finding::new(Grade::Wrong, subject, why),
    }
}

async fn answered<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if error.class() == Class::Denied => {
            Err(format!("{}; consul/fleet.hcl has the rules that the token needs", error.sentence()))
        }
        Ok(Err(error)) => Err(error.sentence()),
        Err(_) => Err(format!("no answer within {}", humantime::format_duration(PATIENCE))),
    }
}
