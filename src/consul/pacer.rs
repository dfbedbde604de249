//! A watch with the client, the clock and the token: when the next query is sent, and which one.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::watch::{Content, Query, Rules, Verdict, Watch};
use super::{Class, Client, Error, Renewal};

/// While it waits after an error it looks this often whether the token file has been mended.
const LOOK: Duration = Duration::from_secs(1);

/// Paces the queries of one watch. The loop around it: [`Pacer::next`], the query by [`Pacer::client`], then
/// [`Pacer::answered`] or [`Pacer::failed`].
#[derive(Debug)]
pub struct Pacer {
    client: Client,
    watch: Watch,
    origin: Instant,
}

impl Pacer {
    /// A watch that has not asked yet; a wait outside of 100 ms to 10 min is moved inside.
    pub fn new(client: Client, rules: Rules) -> Self {
        Self { client, watch: Watch::new(rules, fastrand::u64(..)), origin: Instant::now() }
    }

    /// Sends the queries.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until the next query is due, or the token has changed, and returns what to ask. In the quiet case it does not
    /// wait at all.
    ///
    /// # Errors
    /// The token cannot be read: it counts as a failed query.
    pub async fn next(&mut self) -> Result<Query, Error> {
        self.pause().await;
        if self.client.renew_token()? == Renewal::Changed {
            self.ask_anew();
        }
        Ok(self.watch.ask(self.origin.elapsed()))
    }

    async fn pause(&mut self) {
        loop {
            let due = self.origin + self.watch.due();
            let now = Instant::now();
            if due <= now {
                return;
            }
            sleep_until(due.min(now + LOOK)).await;
            if let Ok(Renewal::Changed) = self.client.renew_token() {
                return self.ask_anew();
            }
        }
    }

    /// The last query was answered, whole and with nothing hidden.
    pub fn answered(&mut self, index: u64, content: Content) -> Verdict {
        self.watch.answered(self.origin.elapsed(), index, content)
    }

    /// The last query came to nothing, for this reason.
    pub fn failed(&mut self, class: Class) {
        self.watch.failed(self.origin.elapsed(), class);
    }

    /// What was read so far says nothing any more: the next query is sent at once, without an index.
    pub fn ask_anew(&mut self) {
        self.watch.renewed(self.origin.elapsed());
    }
}
