//! What errands have left when lictor ends: it is ended now, since nothing would end it later.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::own_children::OwnChildren;
use super::pidfd::{Pidfd, raw};
use crate::procfs;

/// What is still there after this long hangs in the kernel.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Kills and reaps every child of lictor but those that were there before it: an errand that was being launched when it was
/// given up, and what errands have put into groups of their own. To be called when the service has ended and no errand
/// is begun any more.
pub async fn end_errands(own: &OwnChildren) {
    let end = Instant::now() + PATIENCE;
    while !is_over(own) && Instant::now() < end {
        sleep(LOOK_AGAIN).await;
    }
}

/// One round; gives whether nothing is left.
fn is_over(own: &OwnChildren) -> bool {
    own.reap_lingering();
    // What is on its way to be a child is one in a moment.
    let quiet = own.quiet().is_some();
    let mut left = 0;
    for pid in procfs::children().into_iter().filter(|&pid| !own.is_stranger(pid)) {
        // The descriptor first: from then on the PID cannot come to mean another process unseen.
        let Some(pidfd) = raw(pid).and_then(|pid| Pidfd::open(pid).ok()) else { continue };
        // Each that has ended may have left us more.
        left += 1;
        if pidfd.reap().is_none() {
            // One that we may not signal is as one that hangs.
            let _ = pidfd.signal(Signal::KILL);
        }
    }
    quiet && left == 0
}
