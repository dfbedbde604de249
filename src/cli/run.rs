//! `lictor run`: reads the configuration and hands over to the composition root.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Resource;

use super::args::{RunArgs, Times};
use super::print_error;
use crate::app::{self, AppError, Load};
use crate::chain::sentence;
use crate::config::{Errors, LogFormat};
use crate::exit;
use crate::signal;
use crate::telemetry;

/// The most descriptors that an idle lictor uses; with a lower limit it would run, but lack one at the wrong moment.
const DESCRIPTORS: u64 = 32;

/// How many pieces of work may wait for a disk at a time: a disk that hangs does not block work for other disks.
const DISK_THREADS: usize = 8;

/// How long lictor waits for such work when it ends, so that a hung mount does not keep it.
const LAST_THREADS: Duration = Duration::from_millis(100);

/// Runs until the service is stopped (or has ended, with `--once`); returns the exit code.
pub(super) fn run(run: &RunArgs) -> u8 {
    let configuration = run.configuration.configuration();
    let load: Load = Arc::new(move || configuration.load());
    let (settings, warnings) = match load() {
        Ok(loaded) => loaded,
        Err(errors) => {
            return print_error(&lines(&errors), exit::CONFIGURATION);
        }
    };
    let format = match settings.log.format {
        LogFormat::Auto => telemetry::Format::Auto,
        LogFormat::Json => telemetry::Format::Json,
    };
    telemetry::init(settings.log.level, format);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if let Some(few) = rustix::process::getrlimit(Resource::Nofile).current.filter(|limit| *limit < DESCRIPTORS) {
        let sentence = format!(
            "the limit of open files is {few}, and lictor needs {DESCRIPTORS}: raise it (ulimit -n, or LimitNOFILE= in the unit)"
        );
        return print_error(&format!("lictor: {sentence}"), exit::CONFIGURATION);
    }
    // This thread, and those that wait for a disk. Lookups of names and the files of checks, which may hang for as long
    // as the network does, have threads of their own.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(DISK_THREADS).on_thread_start(|| drop(signal::hold()));
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => return print_error(&format!("lictor: cannot start: {error}"), exit::BUG),
    };
    let ended = match run.times() {
        Times::Once => runtime.block_on(app::once(settings)),
        Times::Always => runtime.block_on(Box::pin(app::run(settings, load))).map(|()| 0),
    };
    runtime.shutdown_timeout(LAST_THREADS);
    ended.unwrap_or_else(|error| failed(&error))
}

fn lines(errors: &Errors) -> String {
    errors.errors.iter().map(|error| format!("lictor: {error}")).collect::<Vec<_>>().join("\n")
}

fn failed(error: &AppError) -> u8 {
    print_error(&format!("lictor: {}", sentence(error)), error.exit_code())
}
