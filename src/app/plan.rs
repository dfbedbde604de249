//! `lictor plan -c FILE` if no lictor runs: asks the sources, and the machine what it would do if the newest good environment of
//! the state directory were running. Nothing is written, started or locked.

use std::sync::Arc;
use std::time::Duration;

use super::next_start::program;
use super::{AppError, client, host, places, usable};
use crate::clock::Clock;
use crate::composer::{AskedOnce, Composer};
use crate::config::Settings;
use crate::machine::plan::{Action, Basis, Plan};
use crate::machine::policy::StepSetting;
use crate::machine::{Event, Machine, Moment, Policy, Restored, RunId};
use crate::offload::offload;
use crate::state;

/// How long a source may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The plan, with remarks.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// A sentence for everything that was left out.
    pub remarks: Vec<String>,
}

/// What a lictor would do, as far as the sources and the state directory tell. As long as it lives it watches the sources.
#[derive(Debug)]
pub struct Foresight {
    settings: Settings,
    restored: Restored,
    composer: Composer,
    /// What was left out of the state directory.
    warnings: Vec<String>,
}

impl Foresight {
    /// Reads the state directory, and begins to ask the sources.
    ///
    /// # Errors
    /// The state directory cannot be read, or Consul's settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, AppError> {
        let found = state::peek(&places::state_directory(&settings), &places::identity(&settings.name, &settings));
        let (restored, key) = found.map_err(AppError::State)?;
        let (restored, warnings) = usable(restored, &settings);
        let (sources, rules) = (settings.sources.clone(), settings.rules.clone());
        let composer = Composer::new(sources, rules, client(&settings)?, key, host(&restored));
        Ok(Self { settings, restored, composer, warnings })
    }

    /// Compares what the sources give now with the last good environment.
    ///
    /// # Errors
    /// A required source has not answered in time.
    pub async fn now(&mut self) -> Result<Planned, AppError> {
        let AskedOnce { wish, silent, left_out, .. } = self.composer.ask_once(PATIENCE).await;
        let silent: Vec<String> = silent.iter().map(ToString::to_string).collect();
        let Some(wish) = wish else { return Err(AppError::Silent(silent.join("; "))) };
        let plan = self.plan(wish).await;
        Ok(Planned { plan, remarks: silent.into_iter().chain(left_out).chain(self.warnings.clone()).collect() })
    }

    /// Waits until the sources compose to something else. Cancel-safe until it has.
    pub async fn changed(&mut self) -> Event {
        loop {
            self.composer.changed().await;
            let composed =
                self.composer.events(Moment(0)).into_iter().find(|event| !matches!(event, Event::Sources { .. }));
            if let Some(wish) = composed {
                return wish;
            }
        }
    }

    /// What a lictor would do about this wish.
    pub async fn plan(&self, wish: Event) -> Plan {
        let path_of = match &wish {
            Event::Wish { environment, .. } => Arc::clone(environment),
            _ => Arc::default(),
        };
        let program = program(&self.settings, &path_of);
        let found = offload(move || program.read()).await.unwrap_or_default();
        let installed = Some(Event::Installed { build: found.0, version: found.1 });
        let mut plan = foreseen(&self.settings.policy, self.restored.clone(), installed, wish);
        plan.basis = Basis::Kept;
        if matches!(plan.action, Action::Restart | Action::Reload) {
            let command = &self.settings.apply.check_command;
            let checked = if command.is_empty() { "" } else { ", and if its check command passes it" };
            plan.why = format!("as soon as a lictor runs{checked}");
        }
        plan
    }
}

/// The machine's plan for this wish if the newest good environment were running. Its orders are not carried out.
fn foreseen(policy: &Policy, restored: Restored, installed: Option<Event>, wish: Event) -> Plan {
    // It comes as far as the last step before anything is touched.
    let policy = Policy { check_command: StepSetting::Enabled, ..policy.clone() };
    let settled = policy.quiet_max.max(policy.quiet_min);
    let now = Clock.now();
    let runs = restored.good.first().map(|good| Event::Adopted {
        run: RunId(1),
        pid: 0,
        environment: good.environment.fingerprint(),
        build: good.builds.first().cloned().unwrap_or_default(),
    });
    let mut machine = Machine::new(policy, restored, 0, now, Clock.epoch_unix_ms());
    for event in installed.into_iter().chain(runs).chain([wish]) {
        let _ = machine.handle(now, event);
    }
    let _ = machine.handle(now + settled, Event::Tick);
    Plan::of(&machine.board(None))
}
