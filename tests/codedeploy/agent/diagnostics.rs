//! What is left of a failure for whoever looks at the console.

/// So many characters of a log arrive, in whole lines.
const KEPT: usize = 2048;

/// Why a deployment failed.
#[derive(Debug)]
pub struct Diagnostics {
    pub error_code: Code,
    /// As the appspec names it.
    pub script_name: String,
    pub message: String,
    /// The end of what its hooks have said.
    pub log: String,
}

/// The agent's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    ScriptMissing = 1,
    TimedOut = 3,
    Failed = 4,
    Unknown = 5,
    OutputsLeftOpen = 6,
}

impl Diagnostics {
    pub fn new(error_code: Code, script_name: &str, message: String, log: &str) -> Self {
        Self { error_code, script_name: script_name.to_owned(), message, log: tail(log) }
    }

    /// A failure that is no script's.
    pub fn of_agent(message: impl Into<String>) -> Self {
        Self::new(Code::Unknown, "", message.into(), "")
    }

    /// The last line that arrives, without what the agent puts before it.
    pub fn last_line(&self) -> &str {
        let line = self.log.lines().last().unwrap_or_default();
        line.split_once("[stdout]").map_or(line, |(_, said)| said)
    }
}

/// The last lines that are shorter than [`KEPT`] together; nothing at all if the last one is not.
pub fn tail(log: &str) -> String {
    let mut size = 0;
    let kept = log.lines().rev().take_while(|line| {
        size += line.chars().count() + 1;
        size <= KEPT
    });
    let first = log.lines().count() - kept.count();
    log.lines().skip(first).flat_map(|line| [line, "\n"]).collect()
}
