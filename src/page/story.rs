//! The last day of a fleet, from the records of its instances: one story for each change, deployment and outage.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::fleets::{Service, shown};
use super::look::{Tone, Word};
use crate::fleet::layout::RolloutState;
use crate::fleet::{Happening, InstanceEvent, Promotion, Promotions, What, WrittenBy};
use crate::line::{counted, listed};
use crate::machine::history::Outcome;

/// How far the page looks back, in milliseconds.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Events of one kind without a name count as one if they are this close together.
const TOGETHER_MS: u64 = 2 * 60 * 1_000;
/// Restarts on one version within this time are one deployment.
const DEPLOY_MS: u64 = 60 * 60 * 1_000;

/// What a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Deploy,
    Change,
    Outage,
    Promotion,
    Other,
}

/// One story.
#[derive(Clone, Debug)]
pub(super) struct Story<'a> {
    /// Its ID: unique among the stories of a fleet, and the same as long as the story is shown.
    pub(super) id: String,
    pub(super) subject: Subject,
    /// When it began and ended, as far as is known, in Unix milliseconds.
    pub(super) from: u64,
    pub(super) to: u64,
    /// The events of each instance, by the instance's key.
    pub(super) told: BTreeMap<&'a str, Vec<&'a Happening>>,
    /// The names of the variables that changed, and how many more there are.
    keys: BTreeSet<&'a str>,
    more_keys: usize,
    /// The event that was told last.
    newest: Option<&'a Happening>,
    /// What it came to, on any host.
    outcomes: Vec<Outcome>,
    /// What no instance tells: who has promoted what.
    pub(super) promotion: Option<&'a Promotion>,
}

/// Every story of the last day, the newest first.
pub(super) fn stories(service: &Service, now: u64) -> Vec<Story<'_>> {
    let mut told: Vec<(&str, &Happening)> = service
        .histories
        .iter()
        .filter_map(|(key, read)| Some((key, read.get()?)))
        .flat_map(|(key, history)| history.events.iter().map(move |event| (&**key, event)))
        .filter(|(_, event)| is_of_the_last_day(event, now))
        .collect();
    told.sort_by_key(|(_, event)| event.at);
    let mut stories: Vec<Story<'_>> = Vec::new();
    let mut named: HashMap<Name<'_>, usize> = HashMap::new();
    for (key, event) in told {
        let subject = subject(event.what);
        let name = name(event, subject);
        let open = match &name {
            Some(name) => named.get(name).copied(),
            None if subject == Subject::Outage => None,
            None => stories.iter().rposition(|story| story.continues_with(event)),
        };
        let open =
            open.filter(|open| subject != Subject::Deploy || event.at <= stories[*open].to.saturating_add(DEPLOY_MS));
        let story = open.unwrap_or_else(|| {
            let id = match (subject, event.change.as_deref()) {
                (Subject::Change, Some(change)) => shown(change),
                _ => format!("t{}-{}-{key}", event.at, subject as u8),
            };
            stories.push(Story::new(id, subject, event.at));
            stories.len() - 1
        });
        named.extend(name.map(|name| (name, story)));
        stories[story].tell(key, event);
    }
    let promotions = service.promotions().map(Promotions::known).unwrap_or_default();
    stories.extend((0..promotions.len()).filter_map(|place| promoted(promotions, place, now)));
    stories.sort_by_key(|story| std::cmp::Reverse(story.from));
    stories
}

/// One of the promotions, if it is of the last day; as for a happening, a clock may be wrong.
fn promoted(promotions: &[Promotion], place: usize, now: u64) -> Option<Story<'_>> {
    let (promotion, earlier) = promotions.get(place..)?.split_first()?;
    let at = promotion.at;
    let is_of_the_last_day = at.saturating_add(DAY_MS) > now && at < now.saturating_add(DAY_MS);
    // Those that say the same moment are told apart by how many of them came before.
    let id = match earlier.iter().filter(|earlier| earlier.at == at).count() {
        0 => format!("promotion-{at}"),
        before => format!("promotion-{at}-{before}"),
    };
    is_of_the_last_day.then(|| Story {
        keys: promotion.keys.keys().map(String::as_str).collect(),
        promotion: Some(promotion),
        ..Story::new(id, Subject::Promotion, at)
    })
}

/// Whether it is from the last day, by our clock. An event of the future was written by a wrong clock, or not by lictor.
pub(super) fn is_of_the_last_day(event: &Happening, now: u64) -> bool {
    let end = event.at.saturating_add(event.took_ms.unwrap_or(0));
    end.saturating_add(DAY_MS) > now && event.at < now.saturating_add(DAY_MS)
}

fn subject(what: What) -> Subject {
    match what {
        What::Instance(InstanceEvent::Deployed) => Subject::Deploy,
        What::Instance(InstanceEvent::Outage) => Subject::Outage,
        What::Instance(InstanceEvent::Unknown) => Subject::Other,
        What::Became(outcome) => match outcome {
            Outcome::Validated | Outcome::NotValidated | Outcome::BuildFailed => Subject::Deploy,
            Outcome::Operator | Outcome::Exited | Outcome::Unresponsive => Subject::Other,
            Outcome::Applied
            | Outcome::Reverted
            | Outcome::Superseded
            | Outcome::Inconclusive
            | Outcome::Held
            | Outcome::Halted
            | Outcome::Rejected
            | Outcome::Reloaded
            | Outcome::Ignored => Subject::Change,
        },
    }
}

/// What the events of one story have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name<'a> {
    Change(&'a str),
    Deployment(&'a str),
    Version(&'a str),
}

fn name(event: &Happening, subject: Subject) -> Option<Name<'_>> {
    match subject {
        Subject::Change => event.change.as_deref().map(Name::Change),
        Subject::Deploy => {
            let deployment = event.deployment.as_deref().map(Name::Deployment);
            deployment.or_else(|| event.version.as_deref().map(Name::Version))
        }
        Subject::Outage | Subject::Promotion | Subject::Other => None,
    }
}

impl<'a> Story<'a> {
    fn new(id: String, subject: Subject, at: u64) -> Self {
        Self {
            id,
            subject,
            from: at,
            to: at,
            told: BTreeMap::new(),
            keys: BTreeSet::new(),
            more_keys: 0,
            newest: None,
            outcomes: Vec::new(),
            promotion: None,
        }
    }

    fn tell(&mut self, key: &'a str, event: &'a Happening) {
        let lasted = if self.subject == Subject::Outage { event.took_ms.unwrap_or(0) } else { 0 };
        (self.from, self.to) = (self.from.min(event.at), self.to.max(event.at.saturating_add(lasted)));
        // On most hosts a change has the same keys.
        if self.newest.replace(event).is_none_or(|newest| newest.keys != event.keys) {
            self.keys.extend(event.keys.iter().map(String::as_str));
        }
        self.more_keys = self.more_keys.max(event.more_keys);
        if let What::Became(outcome) = event.what
            && !self.outcomes.contains(&outcome)
        {
            self.outcomes.push(outcome);
        }
        self.told.entry(key).or_default().push(event);
    }

    fn continues_with(&self, event: &Happening) -> bool {
        self.subject == subject(event.what)
            && event.at <= self.to.saturating_add(TOGETHER_MS)
            && self.newest.is_some_and(|last| {
                last.what == event.what && last.keys == event.keys && last.change.is_none() && last.why == event.why
            })
    }

    /// All events.
    pub(super) fn events(&self) -> impl Iterator<Item = (&'a str, &'a Happening)> {
        self.told.iter().flat_map(|(key, events)| events.iter().map(|event| (*key, *event)))
    }

    fn count(&self, outcome: Outcome) -> usize {
        let ended = |events: &&Vec<&Happening>| events.last().is_some_and(|event| event.what == What::Became(outcome));
        self.told.values().filter(ended).count()
    }

    fn has(&self, outcome: Outcome) -> bool {
        self.outcomes.contains(&outcome)
    }

    /// The names of the variables that changed, and how many more there are.
    pub(super) fn keys(&self) -> (Vec<String>, usize) {
        (self.keys.iter().map(|key| shown(key)).collect(), self.more_keys)
    }

    /// Who wrote them, as far as Consul knows.
    pub(super) fn writers(&self) -> Vec<&'a WrittenBy> {
        let all: BTreeMap<&str, &WrittenBy> =
            self.events().flat_map(|(_, event)| &event.written).map(|by| (by.key.as_str(), by)).collect();
        all.into_values().collect()
    }

    /// Its result, in a word.
    pub(super) fn verdict(&self, service: &Service) -> Word {
        let hosts = self.told.len() as u64;
        let on = |text: &str, tone| Word::new(tone, format!("{text} {}", counted(hosts, "host")));
        let rollout = service.rollout(&self.id).map(|rollout| rollout.state);
        let under_way = || {
            service.records().any(|(_, record)| {
                let candidate = record.shown.details.as_ref().and_then(|details| details.candidate.as_ref());
                candidate.is_some_and(|candidate| candidate.change.as_ref() == Some(&self.id))
            })
        };
        match self.subject {
            Subject::Deploy if self.has(Outcome::BuildFailed) => on("the build failed on", Tone::Bad),
            Subject::Deploy if self.has(Outcome::NotValidated) => {
                let refused = self.count(Outcome::NotValidated) as u64;
                Word::new(Tone::Bad, format!("refused by {}", counted(refused, "host")))
            }
            Subject::Deploy if self.has(Outcome::Validated) => on("validated by", Tone::Good),
            Subject::Deploy => on("runs on", Tone::Good),
            Subject::Outage => match self.events().find(|(_, event)| event.took_ms.is_none()) {
                Some(_) => Word::new(Tone::Bad, "goes on"),
                None => Word::new(Tone::Warn, "over"),
            },
            Subject::Promotion => match self.promotion.and_then(|promotion| promotion.unproved.as_deref()) {
                Some(why) => Word::new(Tone::Warn, format!("not proved: {}", shown(why))),
                None => Word::new(Tone::Good, format!("wrote {}", counted(self.keys().0.len() as u64, "key"))),
            },
            Subject::Other => Word::new(Tone::Unknown, "noted"),
            Subject::Change if rollout == Some(RolloutState::Halt) || self.has(Outcome::Reverted) => {
                let (back, halted) = (self.count(Outcome::Reverted), self.count(Outcome::Halted));
                let halted = if halted > 0 { format!(", halted on {halted}") } else { String::new() };
                Word::new(Tone::Bad, format!("taken back on {back}{halted}"))
            }
            Subject::Change if under_way() => on("under way; reported by", Tone::Busy),
            Subject::Change if self.has(Outcome::Inconclusive) => on("no verdict on", Tone::Warn),
            Subject::Change if self.has(Outcome::Rejected) => on("rejected by", Tone::Warn),
            Subject::Change if self.has(Outcome::Applied) => {
                Word::new(Tone::Good, format!("good on {}", counted(self.count(Outcome::Applied) as u64, "host")))
            }
            Subject::Change if self.has(Outcome::Reloaded) => on("reloaded on", Tone::Good),
            Subject::Change if self.has(Outcome::Ignored) => on("waits for the next start on", Tone::Good),
            Subject::Change if self.has(Outcome::Held) => on("held on", Tone::Waits),
            Subject::Change if self.has(Outcome::Halted) => on("halted on", Tone::Warn),
            Subject::Change => on("overtaken on", Tone::Unknown),
        }
    }

    /// What it is about, in one line.
    pub(super) fn title(&self, service: &Service) -> String {
        match self.subject {
            Subject::Change => {
                let (keys, more) = self.keys();
                match listed(&keys, 3) {
                    text if text.is_empty() => "A change".to_owned(),
                    text if more > 0 => format!("{text} and more"),
                    text => text,
                }
            }
            Subject::Deploy => {
                let version = self.events().find_map(|(_, event)| event.version.as_deref());
                let deployment = self.events().find_map(|(_, event)| event.deployment.as_deref());
                match (version, deployment) {
                    (Some(version), _) => format!("Version {}", shown(version)),
                    (None, Some(id)) => format!("Deployment {}", shown(id)),
                    (None, None) => "A new build".to_owned(),
                }
            }
            Subject::Outage => {
                let host = self.told.keys().next().map(|key| service.name_of(key)).unwrap_or_default();
                let why = self.events().map(|(_, event)| event.why.as_str()).next().unwrap_or_default();
                format!("{host}: {}", shown(why))
            }
            Subject::Promotion => match self.promotion {
                Some(promotion) if promotion.is_undo() => "The promotion before, undone".to_owned(),
                Some(promotion) => format!("From {}", shown(&promotion.from)),
                None => String::new(),
            },
            Subject::Other => self.events().next().map(|(_, event)| shown(&event.why)).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Subject as About, stories};
    use crate::consul::kv::Row;
    use crate::page::fleets::{Fleets, Service};
    use crate::page::hub::Subject;
    use crate::page::look::Tone;
    use crate::page::memo::Memo;

    const NOW: u64 = 1_790_000_000_000;

    fn service(histories: &[(&str, &str)]) -> Service {
        let row = |(node, events): &(&str, &str)| {
            let record = format!(r#"{{"v":1,"node":"{node}","id":"billing","events":{events}}}"#);
            Row::of(&format!("history/{node},billing"), record.as_bytes(), 1)
        };
        let rows: Vec<_> = histories.iter().map(row).collect();
        Fleets::read(&rows, Some("billing"), &Fleets::default(), NOW).services.remove("billing").unwrap()
    }

    fn event(ago: u64, rest: &str) -> String {
        format!(r#"{{"at":{},{rest}}}"#, NOW - ago)
    }

    #[test]
    fn one_change_on_many_hosts_is_one_story() {
        let change =
            |ago, what| event(ago, &format!(r#""what":"{what}","change":"c1","keys":["A"],"steps":{{"trial":9}}"#));
        let a = format!("[{}]", change(3_000, "reverted"));
        let b = format!("[{},{}]", change(2_500, "halted"), event(90_000_000, r#""what":"applied","keys":["B"]"#));
        let service = service(&[("host-a", &a), ("host-b", &b)]);
        let stories = stories(&service, NOW);
        assert_eq!(stories.len(), 1, "what is older than a day is over: {stories:?}");
        assert_eq!((stories[0].id.as_str(), stories[0].told.len()), ("c1", 2));
        assert_eq!(stories[0].verdict(&service).tone, Tone::Bad);
        assert_eq!(stories[0].title(&service), "A");
    }

    #[test]
    fn each_promotion_is_a_story_of_its_own() {
        let promotion = |at: u64| {
            let origin = r#""from":"billing/ at http://test:8500","to":"billing/","by":"ada""#;
            format!(r#"{{"v":1,{origin},"at":{at},"keys":{{"A":7,"B":0}}}}"#)
        };
        let fleet = |promotion: &str| {
            let rows = [Row::of("promotion", promotion.as_bytes(), 1), Row::of("hold", b"{}", 1)];
            Fleets::read(&rows, Some("billing"), &Fleets::default(), NOW).services.remove("billing").unwrap()
        };
        let read = |at| fleet(&promotion(at));
        let service = read(NOW - 1_000);
        let told = stories(&service, NOW);
        assert_eq!((told.len(), told[0].subject), (1, About::Promotion));
        assert_eq!(told[0].title(&service), "From billing/ at http://test:8500");
        assert_eq!((told[0].verdict(&service).text.as_ref(), told[0].keys().0.len()), ("wrote 2 keys", 2));
        let same = NOW - 1_000;
        let three = format!(
            r#"{{"v":1,"from":"undone","at":{NOW},"keys":{{}},"earlier":[{{"v":1,"from":"b","at":{same}}},{{"v":1,"from":"a","at":{same}}},7]}}"#
        );
        let service = fleet(&three);
        let told = stories(&service, NOW);
        let ids: Vec<_> = told.iter().map(|story| story.id.clone()).collect();
        assert_eq!(ids, [format!("promotion-{NOW}"), format!("promotion-{same}-1"), format!("promotion-{same}")]);
        assert_eq!(told[0].title(&service), "The promotion before, undone");
        for at in [0, NOW - 90_000_000, u64::MAX] {
            assert_eq!(stories(&read(at), NOW).len(), 0, "{at}");
        }
    }

    #[test]
    fn no_number_that_a_record_holds_is_too_large() {
        let largest = u64::MAX;
        let a = format!(
            r#"[{{"at":{largest},"what":"outage","took_ms":{largest}}},{{"at":{NOW},"what":"outage","took_ms":{largest}}},
            {{"at":{NOW},"what":"applied","change":"c","more_keys":{largest},"steps":{{"turn":{largest},"trial":{largest}}}}}]"#
        );
        let service = service(&[("host-a", &a)]);
        assert_eq!(stories(&service, NOW).len(), 2, "what is of days to come is left out");
        let mut fleets = Fleets::default();
        fleets.services.insert("billing".to_owned(), service);
        for path in ["/service/billing", "/service/billing/change/c", "/service/billing/instance/host-a%2Cbilling"] {
            let route = <Fleets as Subject>::route(path, None).unwrap();
            assert!(fleets.view(&route, NOW, &mut Memo::default()).is_some(), "{path}");
        }
    }

    #[test]
    fn a_version_that_reaches_hosts_one_after_another_is_one_deployment_and_outages_are_each_their_own() {
        let deployed = |ago| event(ago, r#""what":"deployed","version":"1.215""#);
        let outage = |ago| event(ago, r#""what":"outage","why":"exited with 1","took_ms":500"#);
        let a = format!("[{},{}]", deployed(900_000), outage(400_000));
        let b = format!("[{},{}]", deployed(600_000), outage(400_000));
        let service = service(&[("host-a", &a), ("host-b", &b)]);
        let subjects: Vec<_> = stories(&service, NOW).iter().map(|story| (story.subject, story.told.len())).collect();
        assert_eq!(subjects, [(About::Outage, 1), (About::Outage, 1), (About::Deploy, 2)]);
    }
}
