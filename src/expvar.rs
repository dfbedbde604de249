//! Reads what a Go service publishes with the package `expvar`: the numbers of its runtime and its own, every few seconds.
//!
//! ```text
//!   GET /debug/vars ──► page.rs   bounded, never held as a tree in memory ──► watch<Arc<Readings>> ──► metrics
//! ```
//! If the service does not run or publishes nothing, that is logged once, and there are no numbers until it is back.

mod fetch;
pub mod page;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use page::{Number, Page, Runtime, SentAs};
pub use settings::{Rules, Settings};

use crate::drain::DrainWatcher;
use fetch::Fetch;

/// The result of the last read of the page. Empty before the first one, and while there is no page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// Whether the page could be read; `None`: the page has not been asked for.
    pub readable: Option<bool>,
    /// The runtime's numbers, if they are published.
    pub runtime: Option<Runtime>,
    /// The number of goroutines, if it is published.
    pub goroutines: Option<f64>,
    /// The service's own numbers, by name, each name once.
    pub numbers: Vec<Number>,
}

/// Numbers of the service, as they are now.
pub type Published = watch::Receiver<Arc<Readings>>;

/// The present configuration.
pub type Wanted = watch::Receiver<Option<Settings>>;

/// How soon a page that cannot be read is tried again: the service may just be starting.
const SOON: Duration = Duration::from_secs(1);

/// Reads the page, as long as one is wanted, until draining begins.
pub async fn follow(mut wanted: Wanted, published: watch::Sender<Arc<Readings>>, mut drain: DrainWatcher) {
    let mut listening = true;
    while listening {
        let settings = wanted.borrow_and_update().clone();
        let reading = async {
            if let Some(settings) = settings {
                read_on(&settings, &published).await;
            }
            published.send_replace(Arc::default());
            std::future::pending::<()>().await;
        };
        listening = tokio::select! {
            biased;
            () = drain.draining() => false,
            changed = wanted.changed() => changed.is_ok(),
            () = reading => false,
        };
    }
}

/// Reads the page again and again.
async fn read_on(settings: &Settings, published: &watch::Sender<Arc<Readings>>) {
    let fetch = Fetch::new(settings);
    let mut logged = Logged::default();
    loop {
        let found = match fetch.once().await {
            Ok(body) => page::read(&body, &settings.rules).map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        logged.log(&found);
        let readings = match found {
            Ok(Page { runtime, goroutines, numbers, .. }) => {
                Readings { readable: Some(true), runtime, goroutines, numbers }
            }
            Err(_) => Readings { readable: Some(false), ..Readings::default() },
        };
        let pause = if readings.readable == Some(true) { settings.interval } else { settings.interval.min(SOON) };
        published.send_replace(Arc::new(readings));
        tokio::time::sleep(pause).await;
    }
}

/// The last log line about the page, so that nothing is logged twice.
#[derive(Debug, Default)]
struct Logged {
    failure: Option<String>,
    left_out: usize,
    not_json: usize,
}

impl Logged {
    fn log(&mut self, found: &Result<Page, String>) {
        let failure = found.as_ref().err();
        match failure {
            Some(why) if self.failure.as_ref() != failure => {
                tracing::info!("the expvar page cannot be read: {why}; is `expvar.url` right?");
            }
            None if self.failure.is_some() => tracing::info!("the expvar page can be read again"),
            _ => {}
        }
        self.failure = failure.cloned();
        let (left_out, not_json) = found.as_ref().map_or((0, 0), |page| (page.left_out, page.not_json));
        if left_out > self.left_out {
            tracing::warn!("{left_out} numbers of expvar are left out: allow fewer, or raise `expvar.max_series`");
        }
        if not_json > self.not_json {
            tracing::info!("{not_json} values of expvar are left out: they are not JSON numbers (NaN, infinity, ..)");
        }
        self.left_out = self.left_out.max(left_out);
        self.not_json = self.not_json.max(not_json);
    }
}

#[cfg(test)]
mod tests;
