//! Where things are on this host, by configuration or by default.

use std::path::PathBuf;

use crate::admin::place::{self, Place, User};
use crate::config::Settings;
use crate::state::places::{Account, default_directory};
use crate::state::{self, StateIdentity};

/// The state directory.
pub(super) fn state_directory(settings: &Settings) -> PathBuf {
    let default = || default_directory(&settings.name, |name| std::env::var_os(name), Account::current());
    settings.state.directory.clone().unwrap_or_else(default)
}

/// What the state on disk belongs to, for the service of this name.
pub(super) fn identity(name: &str, settings: &Settings) -> StateIdentity {
    let sources = settings.sources.iter().map(|source| source.name.to_string());
    StateIdentity::new(state::machine_id(), name, &settings.consul.address, sources)
}

/// The admin socket; `None`: this user has no default place for it.
pub(super) fn socket(settings: &Settings) -> Option<Place> {
    let default = || place::default_place(&settings.name, User::current(), |name| std::env::var_os(name));
    settings.admin.socket.clone().map(Place::Configured).or_else(default)
}
