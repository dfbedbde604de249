//! Ends the processes that errands have left when lictor stops, because nothing would end them later.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::own_children::OwnChildren;
use super::pidfd::{Pidfd, raw};
use crate::procfs;

/// A process that is still there after this long hangs in the kernel.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Kills and reaps every child of lictor except those that were there before it: an errand that was given up while it was being
/// launched, and processes that errands have put into groups of their own. Call it when the service has ended and no errand is
/// started any more.
pub async fn end_errands(own: &OwnChildren) {
    let end = Instant::now() + PATIENCE;
    while !is_over(own) && Instant::now() < end {
        sleep(LOOK_AGAIN).await;
    }
}

/// One round; returns whether nothing is left.
fn is_over(own: &OwnChildren) -> bool {
    own.reap_lingering();
    // A process that is just being forked will be a child in a moment.
    let quiet = own.quiet().is_some();
    let mut left = 0;
    for pid in procfs::children().into_iter().filter(|&pid| !own.is_stranger(pid)) {
        // The descriptor first: from then on the PID cannot come to mean another process unseen.
        let Some(pidfd) = raw(pid).and_then(|pid| Pidfd::open(pid).ok()) else { continue };
        // Each child that has ended may have left us further ones.
        left += 1;
        if pidfd.reap().is_none() {
            // A process that we may not signal counts like one that hangs.
            let _ = pidfd.signal(Signal::KILL);
        }
    }
    quiet && left == 0
}
