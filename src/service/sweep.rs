//! Ends everything that a run has left after the end of its main process.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::orphans::{Family, Left, Place, Reach, collect};
use super::pidfd::{any_ended, signal_of};
use super::process::{Kinship, Process};
use super::urgency::Urgency;
use crate::offload::offload;

/// How long processes outside the group have to end by themselves after the end of the main process.
const GRACE: Duration = Duration::from_secs(1);
/// A process that survives SIGKILL for this long hangs in the kernel and cannot be ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest time between two looks: a process may have been missed while its parent changed.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Which signal a run's orphans get, and until when they have time to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) kill_signal: i32,
    pub(super) kill_timeout: Duration,
}

/// Ends what is left of a run: first by its kill signal, then by SIGKILL.
///
/// The whole process group has `kill_timeout` after the kill signal, also if its main process ends earlier, such as a shell that has
/// started the service. Processes outside the group have had no signal yet, and have [`GRACE`] from now on.
pub(super) async fn sweep(process: &Process, family: &Family, manners: Manners, orders: &mut watch::Receiver<Urgency>) {
    let began = Instant::now();
    let mut deadlines = Deadlines { group: began, away: began + GRACE };
    let mut asked = BTreeSet::new();
    // If the leader was not our child, its group's ID is no longer safe, so the group cannot be signalled as a whole.
    let mut ask_each_of_group = false;
    match *orders.borrow_and_update() {
        Urgency::Stay => {
            deadlines.group = began + manners.kill_timeout;
            if family.kinship == Kinship::Child {
                let _ = process.signal_group(manners.kill_signal);
            } else {
                ask_each_of_group = true;
            }
        }
        Urgency::StopBy(deadline) => deadlines.group = deadline.max(began),
        Urgency::Now => deadlines.away = began,
    }
    loop {
        let due = Instant::now();
        let kill = |place| due >= deadlines.of(place);
        if kill(Place::Group) {
            process.kill_group();
        }
        let request = signal_of(manners.kill_signal);
        let (group, away) = (kill(Place::Group), kill(Place::Away));
        let round = {
            let (family, mut asked) = (family.clone(), std::mem::take(&mut asked));
            offload(move || {
                let left = family.round(|pid, place| {
                    let (kill, ask) = match place {
                        Place::Group => (group, ask_each_of_group),
                        Place::Away => (away, true),
                    };
                    let first = asked.insert(pid);
                    if kill { Some(Signal::KILL) } else { request.filter(|_| ask && first) }
                });
                (left, asked)
            })
        };
        let give_up = deadlines.last() + PATIENCE;
        let Ok(round) = timeout_at(give_up.max(due + PATIENCE), round).await else {
            tracing::warn!(pid = process.pid(), "cannot look for what the service has left: a process hangs");
            return;
        };
        let Ok((left, asked_so_far)) = round else {
            // The thread could not be started.
            sleep(LOOK_AGAIN).await;
            continue;
        };
        asked = asked_so_far;
        if left.is_empty() {
            break;
        }
        if due >= give_up {
            let text = "something that the service started cannot be killed: it hangs in the kernel";
            tracing::warn!(pid = process.pid(), "{text}");
            break;
        }
        tokio::select! {
            () = one_ended(&left) => {}
            () = sleep_until(deadlines.next_after(due)) => {}
            Ok(_) = orders.wait_for(|urgency| *urgency == Urgency::Now), if deadlines.last() > due => {
                deadlines = Deadlines { group: due, away: due };
            }
        }
    }
    collect(&family.own);
}

/// When what is left is killed.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    group: Instant,
    away: Instant,
}

impl Deadlines {
    fn of(self, place: Place) -> Instant {
        match place {
            Place::Group => self.group,
            Place::Away => self.away,
        }
    }

    fn last(self) -> Instant {
        self.group.max(self.away)
    }

    /// Waits until something changes, or it is time to look again.
    fn next_after(self, now: Instant) -> Instant {
        let due = [self.group, self.away].into_iter().filter(|deadline| *deadline > now);
        due.fold(now + LOOK_AGAIN, Instant::min)
    }
}

/// Kills what is left in an errand's group, until nothing is left or `patience` is over.
pub(super) async fn kill_group(process: &Process, family: &Family, patience: Duration) {
    debug_assert_eq!(family.reach, Reach::Group, "else it may block");
    let give_up = Instant::now() + patience;
    loop {
        process.kill_group();
        let left = family.round(|_, _| Some(Signal::KILL));
        if left.is_empty() || timeout_at(give_up, one_ended(&left)).await.is_err() {
            return;
        }
    }
}

/// Waits until one of these has ended, and reaps those that have.
async fn one_ended(left: &Left) {
    any_ended(&left.watched).await;
    for process in &left.watched {
        process.reap();
    }
}
