//! The record of a run, where a later lictor finds it.

use futures_util::future::BoxFuture;

use super::mark::Mark;

/// As much as is known of the process of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A process with this mark is about to be started.
    Begun {
        /// Its mark.
        mark: Mark,
    },
    /// It runs.
    Started {
        /// Its mark.
        mark: Mark,
        /// Its PID.
        pid: u32,
        /// When it started, in clock ticks since boot.
        start_time: u64,
    },
}

/// Puts it down, and returns once it is; or after a while, if it cannot be: a disk that hangs keeps no service down.
pub type Keep = Box<dyn Fn(Known) -> BoxFuture<'static, ()> + Send + Sync>;

/// The record that an earlier lictor has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The mark of its newest run; `None`: it gave none.
    pub mark: Option<Mark>,
    /// PID and start time of the process, if that lictor came to know them.
    pub process: Option<(u32, u64)>,
    /// The run that new connections did not go to, if there were two.
    pub beside: Option<RecordedBeside>,
}

/// What an earlier lictor has put down of the run beside the one that new connections went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedBeside {
    /// Its mark.
    pub mark: Mark,
    /// PID and start time of its process, if that lictor came to know them.
    pub process: Option<(u32, u64)>,
}
