//! Decides what to write into the local agent, from what is wanted and what is found there. No I/O.
//!
//! Nothing is written if nothing differs, because repeating a registration restarts Consul's checks at a random moment.

use crate::consul::agent::{AgentCheck, AgentService, HttpCheck, Maintenance, Registration, Status, maintenance_check};
use crate::machine::order::Traffic;

/// Every reason of ours begins with this; a maintenance with any other reason belongs to somebody else.
const OURS: &str = "lictor: ";
/// The longest reason: it is sent in a URL and shown in lists.
const LONGEST_REASON: usize = 200;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Desired<'a> {
    /// The service's ID.
    pub(super) id: &'a str,
    /// What lictor registers; `None`: another program registers the service.
    pub(super) definition: Option<&'a Definition>,
    /// Whether the service is to be registered at all; only if lictor registers it.
    pub(super) presence: Presence,
    /// Whether it may be in traffic; `None`: there was no order yet.
    pub(super) traffic: Option<&'a Traffic>,
    /// The status that the check is to show at once, before Consul's next probe; `None`: the one that Consul has found.
    pub(super) check: Option<Status>,
}

/// What lictor registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) registration: Registration,
    pub(super) check: HttpCheck,
}

/// What becomes of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It stays as it is, if nothing differs.
    Kept,
    /// It is written anew even if nothing differs, because the token has changed.
    Renewed,
    /// It is removed.
    Gone,
}

/// What the agent has registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) service: Option<AgentService>,
    pub(super) checks: Vec<AgentCheck>,
}

/// Who keeps the service in maintenance mode, if anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MaintenanceKeeper {
    Nobody,
    Ourselves,
    SomebodyElse,
}

/// One write to the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Register the service, with its check and the check's status if there is no such check yet.
    Register(Registration, Option<(HttpCheck, Status)>),
    /// Remove the check and register it again with this status, because a check that exists keeps the one that it has.
    RemakeCheck(HttpCheck, Status),
    /// Set the maintenance mode.
    Maintain(Maintenance),
    /// Deregister the service.
    Deregister,
}

impl Found {
    fn check(&self, id: &str) -> Option<&AgentCheck> {
        self.checks.iter().find(|check| check.check_id == id)
    }

    /// Who keeps this service in maintenance mode, if anybody.
    pub(super) fn keeper(&self, id: &str) -> MaintenanceKeeper {
        match self.check(&maintenance_check(id)) {
            None => MaintenanceKeeper::Nobody,
            Some(check) if check.notes.starts_with(OURS) => MaintenanceKeeper::Ourselves,
            Some(_) => MaintenanceKeeper::SomebodyElse,
        }
    }

    /// The node's name, if any check tells it.
    pub(super) fn node(&self) -> Option<&str> {
        self.checks.iter().map(|check| check.node.as_str()).find(|node| !node.is_empty())
    }
}

/// The writes, in this order.
pub(super) fn writes(desired: &Desired<'_>, found: &Found) -> Vec<Write> {
    let mut writes = Vec::new();
    if let Some(definition) = desired.definition {
        if desired.presence == Presence::Gone {
            return found.service.iter().map(|_| Write::Deregister).collect();
        }
        writes.extend(registering(desired, definition, found));
    } else if found.service.is_none() {
        return writes;
    }
    if let Some(maintenance) = maintaining(desired, found) {
        // Taking it out of traffic comes first, if there is something to take out; bringing it back comes last.
        let is_first = found.service.is_some() && maintenance != Maintenance::Off;
        let place = if is_first { 0 } else { writes.len() };
        writes.insert(place, Write::Maintain(maintenance));
    }
    writes
}

fn maintaining(desired: &Desired<'_>, found: &Found) -> Option<Maintenance> {
    match (desired.traffic?, found.keeper(desired.id)) {
        (Traffic::Out { why }, MaintenanceKeeper::Nobody) => Some(Maintenance::On(reason(why))),
        (Traffic::In, MaintenanceKeeper::Ourselves) => Some(Maintenance::Off),
        (Traffic::Out { .. }, MaintenanceKeeper::Ourselves)
        | (Traffic::In, MaintenanceKeeper::Nobody)
        | (Traffic::In | Traffic::Out { .. }, MaintenanceKeeper::SomebodyElse) => None,
    }
}

fn registering(desired: &Desired<'_>, definition: &Definition, found: &Found) -> Vec<Write> {
    let Definition { registration, check } = definition;
    let known = found.check(&check.id);
    let status = desired.check.or(known.map(|known| known.status)).unwrap_or_default();
    let mut writes = Vec::new();
    let registration = with_known_version(registration, found);
    let is_other = found.service.as_ref().is_none_or(|service| differs(&registration, service));
    if is_other || desired.presence == Presence::Renewed {
        let check = known.is_none().then(|| (check.clone(), status));
        writes.push(Write::Register(registration, check));
    } else if known.is_none() {
        writes.push(Write::RemakeCheck(check.clone(), status));
    }
    // The agent does not show which URL a check asks, so the check's notes have it.
    if known.is_some_and(|known| known.notes != check.notes || known.status != status) {
        writes.push(Write::RemakeCheck(check.clone(), status));
    }
    writes
}

/// The version to register: while none is known, because the process has just been started, the registered one stays.
fn with_known_version(registration: &Registration, found: &Found) -> Registration {
    let mut registration = registration.clone();
    let known = found.service.as_ref().and_then(|service| service.meta.get(VERSION));
    if let (false, Some(known)) = (registration.meta.contains_key(VERSION), known) {
        registration.meta.insert(VERSION.to_owned(), known.clone());
    }
    registration
}

/// The key in a service's meta data for the running version.
pub(super) const VERSION: &str = "version";

fn differs(registration: &Registration, service: &AgentService) -> bool {
    // Destructured, so that a new field there is not forgotten here.
    let Registration { id: _, name, address, port, tags, meta } = registration;
    (name, address, port, tags, meta)
        != (&service.service, &service.address, &service.port, &service.tags, &service.meta)
}

/// The reason in the form that Consul shows.
fn reason(why: &str) -> String {
    let why: String = why.chars().filter(|character| !character.is_control()).take(LONGEST_REASON).collect();
    format!("{OURS}{why}")
}

#[cfg(test)]
mod tests;
