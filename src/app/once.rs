//! `run --once`: waits for the sources, runs the command once on the environment, ends with its code. No status port,
//! admin socket, `StatsD`, state or trial, so it may run beside a running lictor.

use futures_util::StreamExt;

use super::{AppError, client};
use crate::composer::Composer;
use crate::config::Settings;
use crate::machine::Event;
use crate::service;
use crate::signal::{self, Signal};
use crate::source::Host;
use crate::state;

/// Runs the command to its end; what comes back is what lictor ends with.
pub async fn once(settings: Settings) -> Result<u8, AppError> {
    let signals = signal::numbers().map_err(AppError::Kernel)?;
    let mut signals = std::pin::pin!(signals);
    // These fingerprints are compared with nothing, so a temporary key is enough.
    let key = state::ephemeral_key().map_err(AppError::Kernel)?;
    let mut composer =
        Composer::new(settings.sources.clone(), settings.rules.clone(), client(&settings)?, key, Host::Fresh);
    let environment = loop {
        tokio::select! {
            event = composer.wish() => match event {
                Event::Wish { environment, violations } if violations.is_empty() => break environment,
                Event::Wish { violations: reasons, .. } | Event::Unfit { reasons } => return Err(AppError::Unfit(reasons.join("; "))),
                _ => {}
            },
            Some(number) = signals.next() => {
                if Signal::of(number) == Signal::Stop {
                    return Ok(u8::try_from(128 + number).unwrap_or(u8::MAX));
                }
            }
        }
    };
    drop(composer);
    Ok(service::once(settings.command, environment, signals).await?)
}
