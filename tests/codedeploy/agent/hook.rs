//! One script: its pipes, its deadline, its end.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::appspec::Script;
use super::diagnostics::{Code, Diagnostics};
use super::{Agent, GROUP};
use crate::rig::PATH;
use crate::wait::within;

/// `scripts.log`.
#[derive(Debug, Default)]
pub struct Log(Vec<String>);

impl Log {
    pub fn text(&self) -> String {
        self.0.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// One script of one event.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    pub agent: &'a Agent<'a>,
    pub event: &'a str,
    pub id: &'a str,
    /// The bundle's folder on the host.
    pub archive: &'a Path,
    pub script: &'a Script,
}

/// What a reader of a pipe tells: a line, or by its end that nobody holds the other end any more.
type Lines = Receiver<String>;

impl Hook<'_> {
    pub fn run(&self, log: &mut Log) -> Result<(), Diagnostics> {
        log.0.push(format!("LifecycleEvent - {}", self.event));
        log.0.push(format!("Script - {}", self.script.location));
        let (code, message) = match self.end(log) {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => {
                // A death by signal has no code.
                let code = status.code().map(|code| code.to_string()).unwrap_or_default();
                (Code::Failed, format!("failed with exit code {code}"))
            }
            Err(code) => (code, format!("{code:?} after {} s", self.script.timeout)),
        };
        let message = format!("{}: {message}", self.script.location);
        Err(Diagnostics::new(code, &self.script.location, message, &log.text()))
    }

    fn end(&self, log: &mut Log) -> Result<ExitStatus, Code> {
        let script = self.archive.join(&self.script.location);
        let outside = self.agent.outside(&script);
        let metadata = fs::metadata(&outside).map_err(|_| Code::ScriptMissing)?;
        if metadata.permissions().mode() & 0o111 == 0 {
            fs::set_permissions(&outside, Permissions::from_mode(0o755)).unwrap();
        }
        let deadline = Instant::now() + Duration::from_secs(self.script.timeout);
        let mut child = self.command(&script).spawn().unwrap();
        drop(child.stdin.take());
        let (send, lines) = mpsc::channel();
        read("stdout", child.stdout.take().unwrap(), send.clone());
        read("stderr", child.stderr.take().unwrap(), send);

        let status = wait(&mut child, deadline);
        if status.is_none() {
            // To its group, once; what does not mind that lives on.
            let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            let _ = kill_process_group(group, Signal::TERM);
            log.0.extend(lines.try_iter());
            reap(child);
            return Err(Code::TimedOut);
        }
        if is_over(&lines, log, deadline) { Ok(status.unwrap()) } else { Err(Code::OutputsLeftOpen) }
    }

    fn command(&self, script: &Path) -> Command {
        let [enter, words @ ..] = self.agent.rig.entering();
        let mut command = Command::new(enter);
        command.args(words).args(["/bin/sh", "-c", "umask 0022; exec \"$0\" \"$@\""]);
        match &self.script.runas {
            Some(user) => command.args(["su", user, "-c"]).arg(script),
            None => command.arg(script),
        };
        command.env_clear().env("PATH", PATH).envs(self.agent.variables.iter().copied());
        command.envs([
            ("LIFECYCLE_EVENT", self.event),
            ("DEPLOYMENT_ID", self.id),
            ("APPLICATION_NAME", "billing"),
            ("DEPLOYMENT_GROUP_NAME", GROUP),
            ("DEPLOYMENT_GROUP_ID", "00000000-0000-0000-0000-000000000001"),
        ]);
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The order between the two pipes is not kept. The thread ends with the last holder of the pipe.
fn read(name: &'static str, pipe: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let _ = lines.send(format!("2026-11-24 13:00:00 [{name}]{}", String::from_utf8_lossy(&line)));
        }
    });
}

fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    let mut late = false;
    within(Duration::from_hours(1), "the script's end or its deadline", || {
        let ended = child.try_wait().unwrap();
        late = ended.is_none() && Instant::now() >= deadline;
        (ended.is_some() || late).then_some(ended)
    })
}

/// Nobody waits for it any more, but it is our child: so that no zombie stays.
fn reap(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

/// Whether nobody holds the pipes any more, in time.
fn is_over(lines: &Lines, log: &mut Log, deadline: Instant) -> bool {
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => log.0.push(line),
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}
