//! A panic is a bug of ours that one input has met. It must not end for good what lictor does all the time, nor leave
//! anybody waiting for an answer: what runs for as long as lictor does is begun anew, and one piece of work comes to an
//! error. Where in the source it happened is logged by the hook of `telemetry`.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

/// Before a part is begun anew for the first time; then twice as long each time.
const SHORTEST: Duration = Duration::from_secs(1);
/// Never longer than this. A part that has run for so long has got over it.
const LONGEST: Duration = Duration::from_mins(1);

/// Work that met a bug of ours, and has come to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lictor has met a bug of its own; its log says where")]
pub struct Bug;

/// What one piece of work comes to.
///
/// # Errors
/// It panicked.
pub fn caught<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, Bug>> {
    // What it has borrowed is left as it was at an await, as if it had been cancelled there. An `async fn` would keep room
    // for the work twice: as it was given, and as it runs.
    AssertUnwindSafe(work).catch_unwind().map(|done| done.map_err(|_| Bug))
}

/// Runs a part of lictor until it returns. After a panic the part, which the log calls `name`, waits a moment and runs on
/// with the state that it has left.
pub async fn revived<T>(name: &'static str, mut state: T, mut run: impl FnMut(&mut T) -> BoxFuture<'_, ()>) {
    let mut pause = SHORTEST;
    loop {
        let began = Instant::now();
        if caught(run(&mut state)).await.is_ok() {
            return;
        }
        if began.elapsed() >= LONGEST {
            pause = SHORTEST;
        }
        tracing::error!("{name} has met a bug of lictor's; it goes on in {}", humantime::format_duration(pause));
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::{Bug, caught, revived};

    #[tokio::test(start_paused = true)]
    async fn a_part_that_panics_runs_on_with_its_state_and_ever_later() {
        let (begun, mut beginnings) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        // Spawned, as all parts are.
        tasks.spawn(revived("a test", 0_u32, move |number| {
            let begun = begun.clone();
            Box::pin(async move {
                *number += 1;
                let _ = begun.send((*number, Instant::now()));
                assert!(*number > 8, "on purpose");
            })
        }));
        tasks.join_next().await.unwrap().unwrap();
        let mut times = Vec::new();
        while let Some((number, at)) = beginnings.recv().await {
            times.push(at);
            assert_eq!(number as usize, times.len());
        }
        let pauses: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_had_run_for_long_is_begun_anew_at_once() {
        let mut runs = 0;
        let start = Instant::now();
        revived("a test", &mut runs, |runs| {
            Box::pin(async move {
                **runs += 1;
                tokio::time::sleep(Duration::from_hours(1)).await;
                assert!(**runs > 3, "on purpose");
            })
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), 4 * 3600 + 3);
    }

    #[tokio::test]
    async fn a_piece_of_work_that_panics_is_an_error() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        assert_eq!(caught(async { panic!("on purpose") }).await, Err::<u8, _>(Bug));
    }
}
