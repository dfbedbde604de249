//! The process that an earlier lictor had just started when it was killed, before it could put down its number.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use rustix::process::Pid;

use super::{Command, stat};

/// How long after its start was begun the process may have come about, in clock ticks.
const WITHIN: u64 = 300;

/// More of a command line than this is not compared.
const LIMIT: u64 = 256 * 1024;

/// Finds it by all that is known of it: it leads a group of its own, has the command's arguments, came about just then, and
/// belongs to no other lictor. Its number and its start time.
pub fn find(command: &Command, begun: u64) -> Option<(u32, u64)> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|number| Some((number, Pid::from_raw(number)?))).find_map(|(number, pid)| {
        let stat = stat::read(pid).ok()?;
        let then = (begun.saturating_sub(1)..=begun + WITHIN).contains(&stat.start_time);
        let found = then && stat.state != 'Z' && stat.group == number && runs(number, command) && !has_a_lictor(number);
        found.then(|| Some((u32::try_from(number).ok()?, stat.start_time)))?
    })
}

/// Whether its command line ends with the command's arguments; a script has its interpreter before them.
fn runs(number: i32, command: &Command) -> bool {
    let mut line = Vec::new();
    let Ok(file) = File::open(format!("/proc/{number}/cmdline")) else { return false };
    if file.take(LIMIT).read_to_end(&mut line).is_err() || line.is_empty() {
        return false;
    }
    let mut expected = command.program.file_name().unwrap_or_default().as_bytes().to_vec();
    for argument in &command.arguments {
        expected.push(0);
        expected.extend_from_slice(argument.as_bytes());
    }
    expected.push(0);
    line.ends_with(&expected)
}

/// Whether its parent is a lictor that lives: then it is that one's service.
fn has_a_lictor(number: i32) -> bool {
    let program = |process: &str| std::fs::metadata(format!("/proc/{process}/exe")).ok().map(|m| (m.dev(), m.ino()));
    let status = std::fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
    parent.is_some_and(|parent| program(parent).is_some() && program(parent) == program("self"))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Stdio};
    use std::time::Duration;

    use rustix::process::Pid;

    use super::find;
    use crate::environment::Inherit;
    use crate::service::{Command, stat};

    fn command(argument: &str) -> Command {
        Command {
            program: "sleep".into(),
            arguments: vec![argument.into()],
            directory: None,
            user: None,
            kill_signal: 15,
            kill_timeout: Duration::from_secs(1),
            reload_signal: None,
            env_file: None,
            inherit: Inherit::default(),
        }
    }

    /// A sleep that leads its own group under a parent that is no lictor; its number is what the parent says first.
    fn orphanage(seconds: &str) -> (Child, u32) {
        let script = format!("setsid sleep {seconds} & echo $!; wait");
        let mut shell = std::process::Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (shell, line.trim().parse().unwrap())
    }

    #[test]
    fn a_process_of_these_words_and_this_time_is_found_and_no_other() {
        let (mut shell, number) = orphanage("61.25");
        let pid = Pid::from_raw(number.cast_signed()).unwrap();
        let begun = stat::read(pid).unwrap().start_time;
        // It leads a group, and is a sleep, only a moment after the shell has said its number.
        let found = std::iter::repeat_with(|| find(&command("61.25"), begun)).take(10_000).flatten().next();
        assert_eq!(found, Some((number, begun)));
        assert_eq!(find(&command("61.2"), begun), None, "other words");
        assert_eq!(find(&command("61.25"), begun + 500), None, "another time");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        shell.wait().unwrap();
        assert_eq!(find(&command("61.25"), begun), None, "gone");
    }

    #[test]
    fn the_service_of_a_lictor_that_lives_is_left_alone() {
        // This very program stands for the other lictor.
        let mut child = std::process::Command::new("sleep").arg("62.25").process_group(0).spawn().unwrap();
        let begun = stat::read(Pid::from_child(&child)).unwrap().start_time;
        assert_eq!(find(&command("62.25"), begun), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
