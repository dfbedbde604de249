//! `lictor fleet validate`: whether a version has arrived on every instance, for whoever deploys it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::consul::Error;
use crate::exit;
use crate::fleet::InstanceRecord;
use crate::fleet::layout::Member;
use crate::fleet::operator::{Operator, Picture};
use crate::line::one_line;

/// How long one look waits for a change: the catalog is read again after it.
const ROUND: Duration = Duration::from_secs(2);
/// After an answer that did not come.
const PAUSE: Duration = Duration::from_secs(1);
/// So many of those who are missing are named.
const NAMED: usize = 20;
/// The longest line: CodeDeploy loses all of a log for one line of 2,048 characters.
const LONGEST: usize = 190;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The service's name in the catalog.
    pub(super) service: String,
    /// What has to run.
    pub(super) version: String,
    /// On how many instances; `None`: on all that the catalog lists.
    pub(super) expect: Option<usize>,
}

/// What an instance lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lack {
    /// Waiting may help.
    NotYet(String),
    /// It has come to its end: no waiting helps.
    Never(String),
}

/// What the fleet answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Yes(usize),
    No { have: usize, want: usize, lacks: Vec<(String, Lack)> },
}

/// Waits for a yes or a sure no and prints it. Returns the exit code: 0 yes, 1 no, 69 Consul did not answer.
pub(super) async fn run(operator: &Operator, question: &Question, timeout: Duration, out: &mut dyn Write) -> u8 {
    let deadline = Instant::now() + timeout;
    let mut last: Option<Picture> = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = look(operator, question, last.as_ref(), left.min(ROUND)).await;
        let over = Instant::now() >= deadline;
        match asked {
            Ok((picture, members)) => {
                let answer = answer(question, &members, &picture);
                if over || answer.is_sure() {
                    // A reader that is gone needs no answer.
                    let _ = out.write_all(answer.text(question).as_bytes());
                    return answer.code();
                }
                last = Some(picture);
            }
            Err(error) if over => {
                let _ = writeln!(out, "no: {}", one_line(&error.sentence(), LONGEST));
                return exit::UNAVAILABLE;
            }
            Err(_) => sleep(PAUSE.min(left)).await,
        }
    }
}

async fn look(
    operator: &Operator,
    question: &Question,
    last: Option<&Picture>,
    wait: Duration,
) -> Result<(Picture, Vec<Member>), Error> {
    let picture = match last {
        Some(last) => operator.changed(last, wait.max(Duration::from_millis(100))).await?,
        None => operator.look().await?,
    };
    Ok((picture, operator.catalog(&question.service).await?))
}

fn answer(question: &Question, listed: &[Member], picture: &Picture) -> Answer {
    let records: BTreeMap<&Member, &InstanceRecord> =
        picture.instances.iter().map(|record| (&record.member, record)).collect();
    // Who is not in the catalog counts if a number was named: the catalog may be somebody else's to keep.
    let mut members: Vec<&Member> = listed.iter().collect();
    if question.expect.is_some() {
        members.extend(records.keys().copied().filter(|member| !listed.contains(member)));
    }
    let mut lacks = Vec::new();
    for member in &members {
        let lack = match records.get(member) {
            Some(record) => lack(&question.version, record),
            None => Some(Lack::NotYet("its lictor has no record: does it run, with fleet {}?".into())),
        };
        if let Some(lack) = lack {
            lacks.push((member.to_string(), lack));
        }
    }
    let have = members.len() - lacks.len();
    let want = question.expect.unwrap_or(members.len());
    if want > 0 && have >= want { Answer::Yes(have) } else { Answer::No { have, want, lacks } }
}

fn lack(version: &str, record: &InstanceRecord) -> Option<Lack> {
    let shown = &record.shown;
    let note = shown.note.clone().unwrap_or_else(|| format!("its config is {}", shown.state));
    if shown.version.as_deref() != Some(version) {
        let runs = shown.version.as_deref().unwrap_or("an unknown version");
        let installed =
            if shown.installed.as_deref() == Some(version) { ", it is installed but not restarted" } else { "" };
        return Some(Lack::NotYet(format!("runs {runs}{installed}")));
    }
    if matches!(shown.state.as_str(), "reverted" | "rejected" | "halted") {
        return Some(Lack::Never(note));
    }
    if !shown.healthy {
        return Some(Lack::NotYet(format!("is not healthy ({})", shown.phase)));
    }
    (!shown.settled).then_some(Lack::NotYet(note))
}

impl Answer {
    /// Whether no waiting changes it.
    fn is_sure(&self) -> bool {
        match self {
            Self::Yes(_) => true,
            Self::No { have, want, lacks } => {
                let may_come = lacks.iter().filter(|(_, lack)| matches!(lack, Lack::NotYet(_))).count();
                lacks.len() > may_come && have + may_come < *want
            }
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Yes(_) => exit::OK,
            Self::No { .. } => exit::NO,
        }
    }

    /// Who is missing, and in the last line what it comes to.
    fn text(&self, question: &Question) -> String {
        let version = one_line(&question.version, 60);
        let Self::No { have, want, lacks } = self else {
            let Self::Yes(have) = self else { return String::new() };
            let noun = if *have == 1 { "instance" } else { "instances" };
            return format!("yes: {have} {noun} of {} run {version}, healthy on settled config\n", question.service);
        };
        let mut text = String::new();
        for (member, lack) in lacks.iter().take(NAMED) {
            let (Lack::NotYet(why) | Lack::Never(why)) = lack;
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", one_line(&format!("{member}: {why}"), LONGEST));
        }
        if lacks.len() > NAMED {
            let _ = writeln!(text, "and {} more", lacks.len() - NAMED);
        }
        let _ = match want {
            0 => writeln!(
                text,
                "no: Consul's catalog lists no instance of {}; name the number with --expect",
                question.service
            ),
            _ => writeln!(text, "no: {have} of {want} instances run {version}, healthy on settled config"),
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, Question, answer};
    use crate::fleet::layout::Member;
    use crate::fleet::operator::Picture;

    fn question(expect: Option<usize>) -> Question {
        Question { service: "billing".into(), version: "1.215".into(), expect }
    }

    fn member(node: &str) -> Member {
        Member { node: node.into(), id: "billing".into() }
    }

    fn fleet(instances: &[(&str, &str, &str, bool, bool)]) -> Picture {
        let record = |(node, version, state, healthy, settled): &(&str, &str, &str, bool, bool)| {
            serde_json::from_value(json!({
                "node": node, "id": "billing", "version": version, "installed": "1.215", "state": state,
                "healthy": healthy, "settled": settled, "phase": "up",
            }))
            .unwrap()
        };
        Picture { instances: instances.iter().map(record).collect(), ..Picture::default() }
    }

    #[test]
    fn yes_when_every_instance_of_the_catalog_runs_it() {
        let all = [member("a"), member("b")];
        let fleet = fleet(&[("a", "1.215", "good", true, true), ("b", "1.215", "good", true, true)]);
        assert_eq!(answer(&question(None), &all, &fleet), Answer::Yes(2));
        assert_eq!(answer(&question(Some(2)), &[], &fleet), Answer::Yes(2));
        let three = answer(&question(Some(3)), &all, &fleet);
        assert!(!three.is_sure() && three.text(&question(Some(3))).starts_with("no: 2 of 3 "), "{three:?}");
    }

    #[test]
    fn nobody_is_no_fleet() {
        let nobody = answer(&question(None), &[], &Picture::default());
        assert!(!nobody.is_sure());
        assert!(nobody.text(&question(None)).contains("--expect"));
    }

    #[test]
    fn who_is_missing_is_named_with_the_reason() {
        let all = [member("a"), member("b"), member("c"), member("d")];
        let fleet = fleet(&[
            ("a", "1.214", "good", true, true),
            ("b", "1.215", "good", false, true),
            ("c", "1.215", "trial", true, false),
        ]);
        let no = answer(&question(None), &all, &fleet);
        let text = no.text(&question(None));
        for part in [
            "billing on a: runs 1.214, it is installed but not restarted\n",
            "billing on b: is not healthy (up)\n",
            "billing on c: its config is trial\n",
            "billing on d: its lictor has no record",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(text.ends_with("no: 0 of 4 instances run 1.215, healthy on settled config\n"), "{text}");
        assert!(!no.is_sure());
    }

    #[test]
    fn what_was_taken_back_is_a_sure_no() {
        let fleet = fleet(&[("a", "1.215", "reverted", true, true), ("b", "1.215", "good", true, true)]);
        let no = answer(&question(None), &[member("a"), member("b")], &fleet);
        assert!(no.is_sure(), "{no:?}");
        assert_eq!(answer(&question(Some(1)), &[member("a"), member("b")], &fleet), Answer::Yes(1));
    }
}
