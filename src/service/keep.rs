//! The interface to the record of a run, which the next lictor reads.

use futures_util::future::BoxFuture;

use super::mark::Mark;

/// What is known about the process of a run.
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

/// Records it, and returns once that is done, or after a while: a disk that hangs must not keep the service down.
pub type Keep = Box<dyn Fn(Known) -> BoxFuture<'static, ()> + Send + Sync>;

/// The record of an earlier lictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The mark of its newest run; `None`: that lictor had no marks.
    pub mark: Option<Mark>,
    /// PID and start time of the process, if that lictor had recorded them.
    pub process: Option<(u32, u64)>,
    /// The run that did not get new connections, if there were two.
    pub beside: Option<RecordedBeside>,
}

/// The record of the run beside the one that got new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedBeside {
    /// Its mark.
    pub mark: Mark,
    /// PID and start time of its process, if that lictor had recorded them.
    pub process: Option<(u32, u64)>,
}
