//! `apply.check_command`, which judges a candidate before the service is touched. Only one runs at a time: it is ended when a newer
//! candidate comes, or when its answer is not needed any more.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::account::Accounts;
use super::errand::{self, Errand, Finished};
use super::own_children::OwnChildren;
use super::{Command, child_environment};
use crate::chain;
use crate::environment::redact::Start;
use crate::environment::{Environment, Redactor};
use crate::line::one_line;
use crate::machine::Event;
use crate::machine::event::{CheckVerdict, Exit};
use crate::machine::numbers::CheckId;
use crate::offload::offload;
use crate::revive::caught;

/// An output of this many bytes has lost its beginning.
const OUTPUT: usize = 4096;
/// How many of its last lines become the reason.
const LINES: usize = 5;
/// How much of each line is shown, in characters.
const LONGEST: usize = 200;

/// The command, and what it needs.
#[derive(Debug)]
pub struct CheckCommand {
    /// The program and its arguments; empty: none is configured.
    pub words: Vec<String>,
    /// How long the command may take.
    pub timeout: Duration,
    /// The record that tells it from processes that the service leaves behind.
    pub own: OwnChildren,
    /// The users that have been looked up.
    pub accounts: Accounts,
    /// The driver's inbox, for the answers.
    pub inbox: mpsc::Sender<Event>,
    /// The tasks: at most one, apart from those that are just ending.
    pub asked: JoinSet<()>,
}

impl CheckCommand {
    /// Runs the command for a candidate; returns an answer that needs no run. `command` has the service's user and directory.
    pub fn ask(&mut self, check: CheckId, command: &Command, environment: &Arc<Environment>) -> Option<Event> {
        self.cancel();
        if self.words.is_empty() {
            return Some(Event::Checked { check, verdict: CheckVerdict::Passed });
        }
        let question = Question {
            words: self.words.clone(),
            timeout: self.timeout,
            command: command.clone(),
            environment: Arc::clone(environment),
            own: self.own.clone(),
            accounts: self.accounts.clone(),
        };
        let inbox = self.inbox.clone();
        self.asked.spawn(async move {
            let answered = caught(question.ask()).await.unwrap_or_else(|bug| Err(bug.to_string()));
            let verdict = answered.unwrap_or_else(|why| CheckVerdict::Unanswered { why });
            // When lictor stops, nobody listens any more, and nothing is lost.
            let _ = inbox.send(Event::Checked { check, verdict }).await;
        });
        None
    }

    /// Gives up: the command and everything that it has started is killed.
    pub fn cancel(&mut self) {
        self.asked.abort_all();
        while self.asked.try_join_next().is_some() {}
    }
}

/// One run of the command.
struct Question {
    words: Vec<String>,
    timeout: Duration,
    command: Command,
    environment: Arc<Environment>,
    own: OwnChildren,
    accounts: Accounts,
}

impl Question {
    /// The error says why there is no answer.
    async fn ask(self) -> Result<CheckVerdict, String> {
        let Self { words, timeout, command, environment, own, accounts } = self;
        let (program, arguments) = words.split_first().ok_or_else(|| "no check command is configured".to_owned())?;
        let looked_up = offload({
            let (command, environment) = (command.clone(), Arc::clone(&environment));
            move || child_environment(&command, &environment, &accounts)
        });
        let variables = looked_up.await.map_err(|error| chain::sentence(&error))?;
        let variables = variables.map_err(|error| chain::sentence(&error))?;
        let redactor = Redactor::of(&environment).with_inherited(&environment, &variables);
        let errand = Errand {
            program: PathBuf::from(program),
            arguments: arguments.to_vec(),
            environment: variables,
            directory: command.directory,
            user: command.user,
            timeout,
        };
        match errand::run(errand, &own).await {
            Ok(finished) => Ok(judge(&finished, timeout, &redactor)),
            Err(error) => Err(format!("the check command cannot be run: {}", chain::sentence(&error))),
        }
    }
}

/// The verdict: only an exit status is an answer; without one, lictor asks again.
fn judge(finished: &Finished, timeout: Duration, redactor: &Redactor) -> CheckVerdict {
    let said = last_lines(&finished.output, redactor);
    let with_output = |end: String| if said.is_empty() { end } else { format!("{end}: {said}") };
    let unanswered = |end: String| CheckVerdict::Unanswered { why: with_output(end) };
    match finished.exit {
        Some(Exit::Code(0)) => CheckVerdict::Passed,
        Some(Exit::Code(code)) => {
            CheckVerdict::Refused { why: with_output(format!("the check command exited with {code}")) }
        }
        Some(Exit::Signal(signal)) => unanswered(format!("the check command was killed by signal {signal}")),
        Some(Exit::Unknown) => unanswered("the check command ended with unknown status".to_owned()),
        None => {
            let limit = humantime::format_duration(timeout);
            unanswered(format!("the check command did not end within {limit}"))
        }
    }
}

/// The last lines, joined to one. Values are masked in the whole output first, because one may span several lines.
fn last_lines(output: &[u8], redactor: &Redactor) -> String {
    let start = if output.len() < OUTPUT { Start::Whole } else { Start::Cut };
    let masked = redactor.mask(output, start);
    let text = String::from_utf8_lossy(&masked);
    let lines: Vec<String> = text.split(['\n', '\r']).map(plain).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}

/// The line without control characters, cut to its limit.
fn plain(line: &str) -> String {
    one_line(line.trim(), LONGEST).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CheckVerdict, Exit, Finished, Redactor, judge};
    use crate::environment::{Environment, Variable, Visibility};

    fn redactor() -> Redactor {
        let variable = Variable::new("hunter2\nhunter3".into(), "test".into(), Visibility::Secret);
        Redactor::of(&Environment::new([("PASSWORD".to_owned(), variable)].into()))
    }

    fn judged(exit: Option<Exit>, output: &str) -> CheckVerdict {
        judge(&Finished { exit, output: output.into() }, Duration::from_secs(30), &redactor())
    }

    #[test]
    fn zero_is_yes_whatever_it_said() {
        assert_eq!(judged(Some(Exit::Code(0)), "hunter2 is a fine password"), CheckVerdict::Passed);
    }

    #[test]
    fn its_last_lines_are_the_reason_with_every_value_masked() {
        let said = "one\ntwo\n\nthree\n  four \nfive\nlogin hunter2 failed\r\nbad \u{1b}[31mhunter2\nhunter3\n";
        let expected = "three | four | five | login [PASSWORD] failed | bad  [31m[PASSWORD]";
        let why = format!("the check command exited with 3: {expected}");
        assert_eq!(judged(Some(Exit::Code(3)), said), CheckVerdict::Refused { why });
    }

    #[test]
    fn only_an_exit_status_is_a_no() {
        let why = "the check command exited with 1".to_owned();
        assert_eq!(judged(Some(Exit::Code(1)), " \n"), CheckVerdict::Refused { why });
        for (exit, reason) in [
            (Some(Exit::Signal(11)), "the check command was killed by signal 11"),
            (Some(Exit::Unknown), "the check command ended with unknown status"),
            (None, "the check command did not end within 30s"),
        ] {
            assert_eq!(judged(exit, " \n"), CheckVerdict::Unanswered { why: reason.to_owned() });
        }
    }

    #[test]
    fn a_line_is_not_longer_than_a_person_reads() {
        let CheckVerdict::Refused { why: reason } = judged(Some(Exit::Code(1)), &"é".repeat(3000)) else {
            panic!("no answer");
        };
        assert!(reason.ends_with("...") && reason.chars().count() < 250, "{reason}");
    }
}
