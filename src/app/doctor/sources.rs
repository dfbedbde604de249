//! What a start would get from the sources: Consul's folders one by one, with what the token may read and which keys will make
//! trouble; then all sources together.

use std::time::Duration;

use super::{Finding, Grade};
use crate::app::client;
use crate::chain::sentence;
use crate::composer::{AskedOnce, Composer};
use crate::config::Settings;
use crate::consul::watch::Query;
use crate::line::{counted, listed, one_line};
use crate::machine::Event;
use crate::machine::event::Need;
use crate::source::{Host, Kind};
use crate::state;

/// How long a source may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Names that are shown; the rest is counted.
const MOST_NAMES: usize = 5;

/// What the sources have answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSources {
    /// One for each source, and for each thing that was left out.
    pub findings: Vec<Finding>,
    /// What a start would make of it.
    pub readiness: Readiness,
}

/// What a start would make of the sources' answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The service would be started.
    Starts,
    /// Some value breaks a rule, so that nothing would be started on it.
    Refused,
    /// A source that a start waits for has not answered.
    Silent,
}

/// Asks all sources of these settings once.
pub async fn ask_sources(settings: &Settings) -> AskedSources {
    let (mut findings, mut failed) = (Vec::new(), Vec::new());
    let silent = |findings| AskedSources { findings, readiness: Readiness::Silent };
    let asked = match client(settings) {
        Ok(client) => client,
        Err(error) => return silent(vec![Finding::new(Grade::Wrong, "consul", sentence(&error))]),
    };
    for source in &settings.sources {
        let (Kind::Consul(prefix), Some(client)) = (&source.kind, &asked) else { continue };
        let folder = client.folder(&prefix.path, prefix.datacenter.as_deref());
        match tokio::time::timeout(PATIENCE, client.list(&folder, &Query::PLAIN)).await {
            Ok(Ok(list)) => {
                let keys: Vec<&str> = list.pairs.iter().map(|pair| pair.key.as_str()).collect();
                findings.push(keys_of(&source.name, &prefix.path, &keys));
            }
            Ok(Err(error)) => failed.push(Finding::new(Grade::Wrong, &*source.name, sentence(&error))),
            Err(_) => {
                let text = format!("no answer within {}", humantime::format_duration(PATIENCE));
                failed.push(Finding::new(Grade::Wrong, &*source.name, text));
            }
        }
    }
    let key = match state::ephemeral_key() {
        Ok(key) => key,
        Err(error) => {
            findings.push(Finding::new(Grade::Wrong, "kernel", format!("it gives no random bytes: {error}")));
            return silent(findings);
        }
    };
    let mut composer = Composer::new(settings.sources.clone(), settings.rules.clone(), asked, key, Host::Known);
    let answers = composer.ask_once(PATIENCE).await;
    // A source knows more of why it has not answered than this one question does: the token's file, say.
    failed.retain(|finding| answers.silent.iter().all(|source| *source.source_name != *finding.subject));
    findings.extend(failed);
    findings.extend(together(&findings, &answers));
    let (variables, readiness) = match answers.wish {
        Some(Event::Wish { environment, violations }) if violations.is_empty() => {
            let text = counted(environment.variables().len() as u64, "variable");
            (Finding::new(Grade::Fine, "variables", text), Readiness::Starts)
        }
        Some(Event::Wish { violations: reasons, .. } | Event::Unfit { reasons }) => {
            let text = format!("{}; mend the values", reasons.join("; "));
            (Finding::new(Grade::Wrong, "variables", text), Readiness::Refused)
        }
        _ => {
            let text = "nothing can be started: a required source has not answered";
            (Finding::new(Grade::Wrong, "variables", text), Readiness::Silent)
        }
    };
    findings.push(variables);
    AskedSources { findings, readiness }
}

/// What the sources say together that is not in `said` already.
fn together(said: &[Finding], answers: &AskedOnce) -> Vec<Finding> {
    let AskedOnce { silent, answered, left_out, .. } = answers;
    let is_new = |name: &str| said.iter().all(|finding| finding.subject != name);
    let mut findings = Vec::new();
    for (name, keys) in answered.iter().filter(|(name, _)| is_new(name)) {
        findings.push(Finding::new(Grade::Fine, &**name, format!("{} can be read", counted(*keys as u64, "key"))));
    }
    for source in silent.iter().filter(|source| is_new(&source.source_name)) {
        let grade = if source.need == Need::Awaited { Grade::Wrong } else { Grade::Mind };
        findings.push(Finding::new(grade, &*source.source_name, format!("it has not answered: {}", source.why)));
    }
    findings.extend(left_out.iter().map(|what| Finding::new(Grade::Mind, "left out", what)));
    findings
}

/// Consul 1.22 and later refuse to write or delete keys of such names by default, although they are there.
fn keys_of(source: &str, folder: &str, keys: &[&str]) -> Finding {
    let refused = |key: &&&str| {
        let padded = key.trim() != **key;
        let dotted = key.split('/').any(|segment| matches!(segment, "." | ".."));
        padded || dotted || (folder.is_empty() && key.starts_with('/'))
    };
    let refused: Vec<String> = keys.iter().filter(refused).map(|key| format!("{:?}", one_line(key, 60))).collect();
    if refused.is_empty() {
        return Finding::new(Grade::Fine, source, format!("{} can be read", counted(keys.len() as u64, "key")));
    }
    let names = listed(&refused, MOST_NAMES);
    let text = format!("newer versions of Consul refuse to change keys of such names: {names}; rename them in time");
    Finding::new(Grade::Mind, source, text)
}

#[cfg(test)]
mod tests {
    use super::{Grade, keys_of};

    #[test]
    fn keys_that_consul_will_refuse_are_named() {
        let fine = keys_of("consul a/", "a/", &["A", "b/C", "x..y"]);
        assert_eq!((fine.grade, fine.text.as_str()), (Grade::Fine, "3 keys can be read"));
        let found = keys_of("consul a/", "a/", &["A", " B", "c/../D"]);
        assert_eq!(found.grade, Grade::Mind);
        assert!(found.text.contains("\" B\", \"c/../D\"; rename"), "{}", found.text);
    }
}
