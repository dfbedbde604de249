//! `lictor run`: reads the configuration and hands over to the composition root.

use std::time::Duration;

use super::args::{Run, Times};
use crate::app::{self, AppError};
use crate::chain::sentence;
use crate::config::{self, Inputs, LogFormat};
use crate::telemetry;

/// The configuration is wrong: `EX_CONFIG` of sysexits.
const WRONG: u8 = 78;
/// A bug of ours: `EX_SOFTWARE` of sysexits.
const BUG: u8 = 70;

/// A stuck resolver or a hung mount does not keep lictor from ending.
const LAST_THREADS: Duration = Duration::from_millis(100);

/// Runs until the service is stopped (or has ended, with `--once`); returns what lictor ends with.
pub fn run(run: &Run) -> u8 {
    let lookup = |name: &str| std::env::var(name).ok();
    let flags = run.flags();
    let inputs = Inputs { paths: &run.config, flags: &flags, command: &run.command, lookup: &lookup };
    let (settings, warnings) = match config::load(inputs) {
        Ok(loaded) => loaded,
        Err(errors) => {
            for error in errors.errors {
                eprintln!("lictor: {error}");
            }
            return WRONG;
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
    // Four threads in all: this one, and the few that wait for a disk or a resolver.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(3).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lictor: cannot start: {error}");
            return BUG;
        }
    };
    let ended = runtime.block_on(async {
        match run.times() {
            Times::Once => app::once(settings).await,
            Times::Always => app::run(settings).await.map(|()| 0),
        }
    });
    runtime.shutdown_timeout(LAST_THREADS);
    ended.unwrap_or_else(|error| say(&error))
}

fn say(error: &AppError) -> u8 {
    eprintln!("lictor: {}", sentence(error));
    error.exit_code()
}
