//! How probes reach what they probe: names, connections, files and HTTP, none of which holds up anything else.

pub(super) mod dial;
pub(super) mod fetch;
pub(super) mod file;
pub(super) mod web;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::reason;
use super::text::{OfService, Text};
use super::tls::Roots;
use crate::listen::Reach;
use crate::resolve::Resolver;
use file::Files;

/// What every probe of a run shares.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// Where names are looked up.
    pub(super) resolver: Resolver,
    /// Where files are read.
    pub(super) files: Files,
    /// Whom the system trusts.
    pub(super) roots: Roots,
    /// What `env_of_service` finds.
    pub(super) service: OfService,
    /// The way to the run that is probed, where another one listens at the same address.
    pub(super) reach: Option<Reach>,
    /// The name that this probe waits for, while it does.
    pub(super) resolving: Arc<watch::Sender<Option<String>>>,
}

impl Access {
    /// The same for one probe, which waits for its own names.
    pub(super) fn of_one_probe(&self) -> Self {
        Self { resolving: Arc::default(), ..self.clone() }
    }

    /// The addresses of a host. While they are not known, it is known what the probe waits for.
    pub(super) async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.resolving.send_replace(Some(host.to_owned()));
        let found = self.resolver.lookup(host).await;
        self.resolving.send_replace(None);
        found
    }

    /// Why a probe was cut off.
    pub(super) fn no_answer(&self, timeout: Duration) -> String {
        let why = reason::no_answer(timeout);
        match &*self.resolving.borrow() {
            Some(host) => reason::brief(&format!("{why}: the host name {host} is not resolved")),
            None => why,
        }
    }

    /// The text of a setting as it is now. The error says why there is none.
    pub(super) async fn text(&self, text: &Text) -> Result<String, String> {
        text.read(&self.service, &self.files).await
    }
}
