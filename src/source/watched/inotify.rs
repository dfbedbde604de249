//! inotify events for a path: for the directories on the way, and for its end.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::route::Route;
use crate::signal;

/// Watches until it is dropped.
pub(super) type Watch = RecommendedWatcher;

/// How often setting up the watch is tried again if a link was swapped meanwhile.
const TRIES: usize = 3;

/// Why there is no watch.
#[derive(Debug, thiserror::Error)]
pub(super) enum Blind {
    #[error("no inotify instance is left: raise fs.inotify.max_user_instances or the limit of open files")]
    Instances,
    #[error("no inotify watch is left: raise fs.inotify.max_user_watches")]
    Watches,
    #[error("its path kept changing while it was followed")]
    Unsettled,
    #[error("its path cannot be followed")]
    Route(#[source] io::Error),
    #[error("inotify refused")]
    Refused(#[source] notify::Error),
}

impl From<notify::Error> for Blind {
    fn from(error: notify::Error) -> Self {
        match &error.kind {
            ErrorKind::MaxFilesWatch => Self::Watches,
            ErrorKind::Io(cause) if matches!(cause.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                Self::Instances
            }
            _ => Self::Refused(error),
        }
    }
}

/// Sends on `changed` whenever `path` may lead to something else, or the contents may have changed.
pub(super) fn watch(path: &Path, changed: &mpsc::Sender<()>) -> Result<Watch, Blind> {
    for _ in 0..TRIES {
        let route = Route::of(path).map_err(Blind::Route)?;
        let watch = set(&route, changed.clone())?;
        if Route::of(path).map_err(Blind::Route)? == route {
            return Ok(watch);
        }
    }
    Err(Blind::Unsettled)
}

fn set(route: &Route, changed: mpsc::Sender<()>) -> Result<Watch, Blind> {
    let turns = &route.turns | &route.beside;
    let concern = Concern { turns, watched: route.watched(), end: route.end.clone() };
    // Runs on notify's own thread. The channel holds one: if it is full, a reading is due already.
    let begin = || {
        notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| concern.covers(&event)) {
                let _ = changed.try_send(());
            }
        })
    };
    let mut watch = signal::shielded(begin)?;
    for place in route.watched() {
        watch.watch(&place, RecursiveMode::NonRecursive)?;
    }
    for place in route.watched_if_possible() {
        // Changes in a directory that we may not read are seen at the next reading.
        let added = watch.watch(&place, RecursiveMode::NonRecursive).map_err(Blind::from);
        if let Err(error @ Blind::Watches) = added {
            return Err(error);
        }
    }
    Ok(watch)
}

/// Whether an event matters: a directory like `/etc` is watched for one name and has many others.
struct Concern {
    turns: BTreeSet<PathBuf>,
    watched: BTreeSet<PathBuf>,
    end: Option<PathBuf>,
}

impl Concern {
    fn covers(&self, event: &Event) -> bool {
        // Our own reading opens and closes files.
        let reading = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
            EventKind::Access(_) => true,
            _ => false,
        };
        let here = |path: &PathBuf| {
            self.turns.contains(path)
                || self.watched.contains(path)
                || self.end.as_deref().is_some_and(|end| path.parent() == Some(end))
        };
        // An overflow of the queue comes without a path.
        !reading && (event.paths.is_empty() || event.paths.iter().any(here))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, Flag, ModifyKind, RenameMode};
    use notify::{ErrorKind, Event, EventKind};

    use super::{Blind, Concern};

    #[test]
    fn what_counts() {
        let concern = Concern {
            turns: [PathBuf::from("/etc/conf.d")].into(),
            watched: [PathBuf::from("/etc"), PathBuf::from("/etc/conf.d")].into(),
            end: Some(PathBuf::from("/etc/conf.d")),
        };
        let created = EventKind::Create(CreateKind::File);
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let moved = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Read));
        let table = [
            (created, "/etc/conf.d/KEY", true),
            (written, "/etc/conf.d/KEY", true),
            (modified, "/etc/conf.d/KEY", true),
            (moved, "/etc/conf.d", true),
            (moved, "/etc", true),
            (created, "/etc/conf.d", true),
            (opened, "/etc/conf.d/KEY", false),
            (closed, "/etc/conf.d/KEY", false),
            (opened, "/etc/conf.d", false),
            (written, "/etc/passwd", false),
            (modified, "/etc/resolv.conf", false),
        ];
        for (kind, path, expected) in table {
            let event = Event::new(kind).add_path(Path::new(path).to_owned());
            assert_eq!(concern.covers(&event), expected, "{kind:?} {path}");
        }
        assert!(concern.covers(&Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    }

    #[test]
    fn used_up_limits_are_named() {
        let full = std::io::Error::from_raw_os_error(libc::EMFILE);
        assert!(matches!(Blind::from(notify::Error::io(full)), Blind::Instances));
        assert!(matches!(Blind::from(notify::Error::new(ErrorKind::MaxFilesWatch)), Blind::Watches));
    }
}
