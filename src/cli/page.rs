//! `lictor fleet --serve`: the fleets as a page, until it is stopped.

use std::io::Write;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::args::Fleet;
use super::fleet::place;
use crate::consul::Connection;
use crate::http::HostNames;
use crate::page::{self, Scope};
use crate::signal::{self, Signal};
use crate::{chain, drain, exit, telemetry};

/// How long the last answers may take when it ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// Serves the page until it is stopped. Returns the exit code: 0; 75 for an address that is taken; 78 for a
/// configuration that is wrong.
pub(super) async fn run(options: &Fleet, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    telemetry::init(tracing::Level::INFO, telemetry::Format::Auto);
    match serve(options, out).await {
        Ok(()) => exit::OK,
        Err((sentence, code)) => {
            let _ = writeln!(err, "lictor: {sentence}");
            code
        }
    }
}

async fn serve(options: &Fleet, out: &mut dyn Write) -> Result<(), (String, u8)> {
    let Some(address) = options.serve else { return Ok(()) };
    let (connection, scope) = scope(options)?;
    let kernel = |error: std::io::Error| (format!("cannot wait for signals: {error}"), exit::BUG);
    let signals = signal::numbers().map_err(kernel)?;
    let bound = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| {
        (format!("cannot listen on {address}: {error}; choose another address for --serve"), exit::TRY_AGAIN)
    })?;
    let mut tasks = JoinSet::new();
    let (trigger, drain) = drain::channel();
    let hosts = HostNames::of_this_machine_and(options.host.clone());
    page::serve_fleets(&mut tasks, &connection, scope, listener, hosts, drain)
        .map_err(|error| (error.sentence(), exit::CONFIGURATION))?;
    // The address is printed because the kernel may have chosen the port.
    let _ = writeln!(out, "the page is at http://{address}/").and_then(|()| out.flush());
    let mut stops = std::pin::pin!(signals.filter(|number| std::future::ready(Signal::of(*number) == Signal::Stop)));
    tokio::select! {
        _ = stops.next() => {}
        Some(ended) = tasks.join_next() => {
            let why = ended.map_or_else(|error| chain::sentence(&error), |()| "it ended by itself".to_owned());
            return Err((format!("a part of the page has failed: {why}"), exit::BUG));
        }
    }
    trigger.drain(FAREWELL).await;
    Ok(())
}

/// Which Consul, and which of its fleets.
fn scope(options: &Fleet) -> Result<(Connection, Scope), (String, u8)> {
    let place = place(options)?;
    let Some(folder) = place.prefix else { return Ok((place.connection, Scope::All)) };
    let last = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    Ok((place.connection, Scope::One { name: last, folder }))
}
