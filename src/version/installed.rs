//! The build and version that the next start would execute. The file is checked by `stat` once a second, and read only when it has
//! changed.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Spec;
use crate::gobuild;
use crate::machine::{Build, Event, Version};
use crate::offload::{Offloaded, offload};
use crate::service::program;

/// How often the file is checked.
const LOOK: Duration = Duration::from_secs(1);
/// How long the report of a process's end waits for a look at the file; a disk that takes longer counts as hanging.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause after a look that met a bug, which the same file may trigger again.
const AFTER_A_BUG: Duration = Duration::from_mins(1);

/// The program of a start, and how its version is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program as it is written in the configuration: a path, or a name.
    pub command: PathBuf,
    /// Its working directory, where a relative path begins.
    pub directory: Option<PathBuf>,
    /// The `PATH` in which a name is looked up.
    pub path: Option<OsString>,
    /// Where the version is read.
    pub spec: Spec,
}

impl Program {
    /// The file that a start would execute now. It reads from the disk, so it may block.
    pub fn file(&self) -> PathBuf {
        let found = program::resolve(&self.command, self.directory.as_deref(), self.path.as_deref());
        found.unwrap_or_else(|_| self.command.clone())
    }

    /// The build and version that a start would execute now. It reads from the disk, so it may block.
    pub fn read(&self) -> (Build, Version) {
        let Ok(file) = gobuild::open(&self.file()) else { return Default::default() };
        let version = gobuild::version_of(&file, &self.spec.symbol);
        // A file cannot be asked, so if the service has to be asked, the version is unknown.
        let version = if self.spec.asks_the_service() { version } else { gobuild::or_revision(version) };
        (gobuild::identity_of_file(&file), version)
    }
}

/// The programs of the starts to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Of the run that there is, or of the next start.
    pub now: Program,
    /// Of the next start, if the configuration has changed since.
    pub next: Option<Program>,
}

impl Programs {
    fn of_next_start(&self) -> &Program {
        self.next.as_ref().unwrap_or(&self.now)
    }
}

/// The metadata from `stat`, by which a change of the file is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    place: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What a look has found.
#[derive(Debug)]
struct Found {
    program: Program,
    stamp: Option<Stamp>,
    /// Only if it is news.
    read: Option<(Build, Version)>,
}

/// When a changed file is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// At once.
    Now,
    /// Once the file has not changed from one look to the next: a file that is being copied is not a build yet.
    Still,
}

/// Watches the executable, and passes on the service's events. The next start executes the file that is on the disk when a process
/// has ended, not the one of a second ago. So the file is checked once more before the end of a process is passed on.
#[derive(Debug)]
pub struct Watch {
    programs: watch::Receiver<Programs>,
    events: mpsc::Receiver<Event>,
    inbox: mpsc::Sender<Event>,
    look: Option<Offloaded<Found>>,
    seen: Option<Stamp>,
    /// Events of the service that have not been passed on yet.
    held: Option<Event>,
    /// The program, and the file, that the machine knows.
    told: Option<(Program, Option<Stamp>)>,
}

impl Watch {
    /// Passes `events` on to `inbox`.
    pub fn new(programs: watch::Receiver<Programs>, events: mpsc::Receiver<Event>, inbox: mpsc::Sender<Event>) -> Self {
        Self { programs, events, inbox, look: None, seen: None, held: None, told: None }
    }

    /// The first look, before anything is decided: however long it takes.
    pub async fn first(&mut self) -> Option<Event> {
        self.begin(When::Now);
        let found = self.look.take()?.await.ok()?;
        self.take(found)
    }

    /// Watches until the receiver is gone.
    pub async fn run(&mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(event) = self.held.take()
                && self.inbox.send(event).await.is_err()
            {
                return;
            }
            tokio::select! {
                biased;
                event = self.events.recv() => {
                    let Some(event) = event else { return };
                    let leads_to_a_start = matches!(event, Event::Exited { .. } | Event::StartFailed { .. });
                    // A look that meets a bug must not lose it.
                    self.held = Some(event);
                    if leads_to_a_start {
                        self.look_before_the_next_start().await;
                    }
                }
                found = finished(&mut self.look) => {
                    if found.is_none() {
                        looks.reset_after(AFTER_A_BUG);
                    }
                    if let Some(event) = found.and_then(|found| self.take(found)) {
                        let _ = self.inbox.send(event).await;
                    }
                }
                _ = looks.tick(), if self.look.is_none() => self.begin(When::Still),
            }
        }
    }

    /// Does not wait for a look that hangs, and does not begin a second one.
    async fn look_before_the_next_start(&mut self) {
        // A look that is under way may have read the file before the process ended.
        for _ in 0..2 {
            let on_its_way = self.look.is_some();
            if !on_its_way {
                self.begin(When::Now);
            }
            let Ok(found) = timeout(PATIENCE, finished(&mut self.look)).await else { return };
            if let Some(event) = found.and_then(|found| self.take(found)) {
                let _ = self.inbox.send(event).await;
            }
            if !on_its_way {
                return;
            }
        }
    }

    fn begin(&mut self, when: When) {
        let program = self.programs.borrow().of_next_start().clone();
        let told = self.told.as_ref().filter(|(of, _)| *of == program).map(|(_, stamp)| stamp.clone());
        let seen = self.seen.clone();
        self.look = Some(offload(move || {
            let stamp = stamp(program.file());
            let still = when == When::Now || stamp == seen;
            let read = (still && told.is_none_or(|told| told != stamp)).then(|| program.read());
            Found { program, stamp, read }
        }));
    }

    fn take(&mut self, found: Found) -> Option<Event> {
        let Found { program, stamp, read } = found;
        self.seen.clone_from(&stamp);
        let (build, version) = read?;
        self.told = Some((program, stamp));
        Some(Event::Installed { build, version })
    }
}

/// Waits for the look that is under way; waits for ever if there is none. `None`: it panicked, or no thread could be started.
/// Cancel-safe.
async fn finished(look: &mut Option<Offloaded<Found>>) -> Option<Found> {
    let found = match look {
        Some(on_its_way) => on_its_way.await,
        None => std::future::pending().await,
    };
    *look = None;
    found.ok()
}

fn stamp(place: PathBuf) -> Option<Stamp> {
    let metadata = place.metadata().ok()?;
    Some(Stamp {
        place,
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::task::Poll;

    use tokio::sync::{mpsc, watch};
    use tokio::task::JoinSet;

    use super::{Program, Programs, Watch};
    use crate::machine::event::Exit;
    use crate::machine::{Event, RunId};

    fn program(command: &Path) -> Program {
        Program { command: command.to_owned(), directory: None, path: None, spec: super::Spec::default() }
    }

    fn install(place: &Path, text: &str) {
        let new = place.with_extension("new");
        std::fs::write(&new, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&new, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::rename(new, place).unwrap();
    }

    fn build(event: Event) -> String {
        match event {
            Event::Installed { build, .. } => build.0,
            other => panic!("{other:?}"),
        }
    }

    /// The two ends of a watch that runs, and what it found first.
    struct Running {
        programs: watch::Sender<Programs>,
        events: mpsc::Sender<Event>,
        inbox: mpsc::Receiver<Event>,
        first: String,
        _task: JoinSet<()>,
    }

    async fn watching(now: Program) -> Running {
        let (programs, targets) = watch::channel(Programs { now, next: None });
        let (events, passed_on) = mpsc::channel(8);
        let (sender, inbox) = mpsc::channel(8);
        let mut watch = Watch::new(targets, passed_on, sender);
        let first = build(watch.first().await.unwrap());
        let mut task = JoinSet::new();
        task.spawn(async move { watch.run().await });
        Running { programs, events, inbox, first, _task: task }
    }

    #[tokio::test]
    async fn another_file_is_told_by_itself_and_the_same_content_is_the_same_build() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("service");
        install(&place, "echo one");
        let mut it = watching(program(&place)).await;
        install(&place, "echo two, longer");
        let two = build(it.inbox.recv().await.unwrap());
        assert_ne!(it.first, two);
        install(&place, "echo one");
        assert_eq!(build(it.inbox.recv().await.unwrap()), it.first);
        std::fs::remove_file(&place).unwrap();
        assert_eq!(build(it.inbox.recv().await.unwrap()), "");
    }

    #[tokio::test]
    async fn before_the_end_of_a_process_comes_what_is_started_next() {
        let folder = tempfile::tempdir().unwrap();
        let (place, other) = (folder.path().join("service"), folder.path().join("other"));
        install(&place, "echo one");
        install(&other, "echo another");
        let mut it = watching(program(&place)).await;
        let ended = Event::Exited { run: RunId(1), exit: Exit::Code(0) };
        install(&place, "echo two, longer");
        it.events.send(ended.clone()).await.unwrap();
        assert_ne!(build(it.inbox.recv().await.unwrap()), it.first);
        assert_eq!(it.inbox.recv().await, Some(ended.clone()));
        // The configuration has named another program since.
        it.programs.send_modify(|programs| programs.next = Some(program(&other)));
        it.events.send(ended.clone()).await.unwrap();
        let (found, _) = program(&other).read();
        assert_eq!(build(it.inbox.recv().await.unwrap()), found.0);
        assert_eq!(it.inbox.recv().await, Some(ended));
    }

    /// As after a bug: what was going on is given up, and the watch begins anew.
    #[tokio::test]
    async fn what_has_happened_is_passed_on_although_the_look_before_it_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("service");
        install(&place, "echo one");
        let (_programs, targets) = watch::channel(Programs { now: program(&place), next: None });
        let (events, passed_on) = mpsc::channel(8);
        let (sender, mut inbox) = mpsc::channel(8);
        let mut watch = Watch::new(targets, passed_on, sender);
        watch.first().await;
        let ended = Event::Exited { run: RunId(1), exit: Exit::Code(0) };
        events.send(ended.clone()).await.unwrap();
        {
            let mut run = std::pin::pin!(watch.run());
            let waits = std::future::poll_fn(|context| Poll::Ready(run.as_mut().poll(context).is_pending())).await;
            assert!(waits, "it looks first");
        }
        // A look may be that quick, where the thread that waits for it has no processor.
        let mut passed: Vec<Event> = inbox.try_recv().into_iter().collect();
        drop(events);
        watch.run().await;
        passed.extend(inbox.try_recv());
        assert_eq!(passed, [ended]);
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_yet_has_a_build_as_soon_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let named = Program { path: Some(folder.path().into()), ..program(Path::new("service-of-this-test")) };
        let mut it = watching(named).await;
        assert_eq!(it.first, "");
        install(&folder.path().join("service-of-this-test"), "echo one");
        assert_ne!(build(it.inbox.recv().await.unwrap()), "");
    }
}
