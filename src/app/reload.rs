//! Reads our own configuration again, for `lictor reload` or SIGHUP. A wrong configuration changes nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::next_start::{next_start, program};
use super::{client, places};
use crate::admin::ReloadRequest;
use crate::chain;
use crate::config::{Errors, Settings, Warning};
use crate::consul::{Client, Connection};
use crate::driver::{ConfigChange, NewConfig, NextStart};
use crate::environment::Environment;
use crate::expvar;
use crate::fleet::Reading;
use crate::machine::policy::Handover;
use crate::machine::{Build, Policy, Version};
use crate::metrics::Statsd;
use crate::notify::Reloads;
use crate::offload::offload;
use crate::service::{Accounts, OwnChildren};

/// Reads the configuration again from the same files, flags and environment as at the start.
pub type Load = Arc<dyn Fn() -> Result<(Settings, Vec<Warning>), Errors> + Send + Sync>;

/// How long reading the files may take; a disk that takes longer counts as hanging.
const READ_TIME: Duration = Duration::from_secs(30);
/// At most this many errors are listed; further ones are counted.
const LISTED: usize = 20;

/// What is needed to apply another configuration.
pub(super) struct Reloader {
    pub(super) load: Load,
    /// The configuration that lictor was started with, to find settings that only a start can apply.
    pub(super) started: Settings,
    /// The client for Consul, and its settings.
    pub(super) consul: (Connection, Option<Arc<Client>>),
    pub(super) children: (OwnChildren, Accounts),
    pub(super) changes: mpsc::Sender<ConfigChange>,
    /// Reports the reload to systemd.
    pub(super) signs: Reloads,
    /// The settings of `statsd {}`; only the meter reads them.
    pub(super) statsd: watch::Sender<Statsd>,
    /// The settings of `expvar {}`.
    pub(super) expvar: watch::Sender<Option<expvar::Settings>>,
    /// The folders of the KV store that are read; the fleet shows them.
    pub(super) reading: watch::Sender<Arc<Reading>>,
}

impl Reloader {
    /// Reads the configuration at each request, one after the other.
    pub(super) async fn run(&mut self, requests: &mut mpsc::Receiver<ReloadRequest>) {
        while let Some(ReloadRequest { uid, answer }) = requests.recv().await {
            let _reloading = self.signs.begin();
            let new = self.read().await;
            let (settle, outcome) = oneshot::channel();
            if self.changes.send(ConfigChange { who: uid, new, answer: settle }).await.is_err() {
                return;
            }
            if let Ok(outcome) = outcome.await {
                // The requester may have stopped waiting.
                let _ = answer.send(outcome);
            }
        }
    }

    async fn read(&mut self) -> Result<Box<NewConfig>, Vec<String>> {
        let (load, known) = (Arc::clone(&self.load), self.consul.clone());
        // Everything that has to be read from a disk.
        let read = offload(move || {
            let (settings, warnings) = load().map_err(|errors| listed(&errors))?;
            let client = match known {
                (connection, client @ Some(_)) if connection == settings.consul => client,
                _ => client(&settings).map_err(|error| vec![chain::sentence(&error)])?,
            };
            let found = program(&settings, &Environment::default()).read();
            Ok((settings, warnings, client, found))
        });
        match tokio::time::timeout(READ_TIME, read).await {
            Ok(Ok(Ok((settings, warnings, client, found)))) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                Ok(Box::new(self.take(settings, client, found)))
            }
            Ok(Ok(Err(errors))) => Err(errors),
            Ok(Err(error)) => Err(vec![format!("the configuration was not read: {error}")]),
            Err(_) => Err(vec![format!("the files were not read within {}", humantime::format_duration(READ_TIME))]),
        }
    }

    fn take(&mut self, settings: Settings, client: Option<Arc<Client>>, found: (Build, Version)) -> NewConfig {
        self.consul = (settings.consul.clone(), client.clone());
        self.statsd.send_if_modified(|statsd| std::mem::replace(statsd, settings.statsd.clone()) != settings.statsd);
        self.expvar.send_if_modified(|expvar| std::mem::replace(expvar, settings.expvar.clone()) != settings.expvar);
        self.reading.send_replace(super::fleet::reading(&settings));
        let name = self.started.name.clone();
        let (own, accounts) = &self.children;
        NewConfig {
            // Taking turns and steering traffic begin with the start of lictor, or not at all.
            policy: Policy {
                service: name.clone(),
                turn: self.started.policy.turn,
                drain_max: self.started.policy.drain_max,
                ..settings.policy.clone()
            },
            checks: settings.checks.clone(),
            check_command: (settings.apply.check_command.clone(), settings.apply.check_timeout),
            next_start: NextStart { found: Some(found), ..next_start(&settings, own, accounts) },
            identity: places::identity(&name, &settings),
            for_lictor: for_lictor(&self.started, &settings),
            client,
            sources: settings.sources,
            rules: settings.rules,
        }
    }
}

/// The settings that only another start of lictor can apply.
fn for_lictor(old: &Settings, new: &Settings) -> Vec<String> {
    // Two processes can share the connections only if the sockets were made for it.
    let overlaps_anew = old.policy.handover == Handover::Restart && new.policy.handover != Handover::Restart;
    let words = [
        ("name", new.name == old.name),
        ("status", (new.status.address, &new.status.hosts) == (old.status.address, &old.status.hosts)),
        ("admin", new.admin == old.admin),
        ("state.directory", new.state.directory == old.state.directory),
        ("state.max_age", new.state.max_age == old.state.max_age),
        ("state.boot_grace", new.state.boot_grace == old.state.boot_grace),
        ("fleet", new.fleet == old.fleet),
        ("log", new.log == old.log),
        ("pid_file", new.pid_file == old.pid_file),
        ("registration", new.registration == old.registration),
        ("listen", new.listen == old.listen),
        ("apply.handover", !overlaps_anew),
    ];
    words.into_iter().filter(|(_, same)| !same).map(|(word, _)| word.to_owned()).collect()
}

fn listed(errors: &Errors) -> Vec<String> {
    let mut listed: Vec<_> = errors.errors.iter().take(LISTED).map(ToString::to_string).collect();
    if let more @ 1.. = errors.errors.len().saturating_sub(LISTED) {
        listed.push(format!("and {more} more"));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::for_lictor;
    use crate::config::reference::written::{ways, written};
    use crate::config::reference::{Block, Preset, TakenUp};
    use crate::config::{Flags, Inputs, Settings, TOP, load};

    fn settings(text: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        // With a name: otherwise another command would be another name as well.
        let least = "name = \"app\"\nprefix {\n  path = \"billing/\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n";
        let paths = [folder.path().join("0.hcl"), folder.path().join("1.hcl")];
        std::fs::write(&paths[0], least).unwrap();
        std::fs::write(&paths[1], text).unwrap();
        let inputs = Inputs { paths: &paths, flags: &Flags::default(), command: &[], lookup: &|_| None };
        load(inputs).map_or_else(|errors| panic!("{errors}\n{text}"), |(settings, _)| settings)
    }

    /// What a change asks for. For the service it is what `NextStart::differences` compares.
    fn asked(old: &Settings, new: &Settings) -> TakenUp {
        if !for_lictor(old, new).is_empty() {
            TakenUp::ByStartOfLictor
        } else if old.command != new.command || old.version != new.version {
            TakenUp::ByStartOfTheService
        } else {
            TakenUp::ByReload
        }
    }

    #[test]
    fn the_reference_says_what_takes_up_a_change() {
        let mut wrong = Vec::new();
        for way in ways(&TOP) {
            let block: &Block = way.last().copied().unwrap_or(&TOP);
            for attribute in block.effective() {
                let old = match attribute.preset {
                    Preset::Needed => settings(""),
                    _ => settings(&written(&way, attribute, None)),
                };
                let text = written(&way, attribute, Some(&attribute.written_example()));
                let (said, asked) = (block.taken_up_of(attribute), asked(&old, &settings(&text)));
                if said != asked {
                    wrong.push(format!("{} says {said:?}, and it is {asked:?}:\n{text}", attribute.word));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
