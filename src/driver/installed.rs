//! Which executable lies on the disk. It is looked at by `stat`, and read only when that has changed.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::gobuild;
use crate::machine::{Build, Event, Version};

/// What `stat` says of a file: another content has another of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What the machine has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Nothing yet.
    Nothing,
    /// Of a file that looked like this, or of none.
    Of(Option<Stamp>),
}

/// Watches the executable.
#[derive(Debug)]
pub struct Installed {
    program: PathBuf,
    symbol: String,
    told: Told,
    seen: Option<Stamp>,
}

impl Installed {
    /// Of this program, as a path, with the Go variable that holds its version.
    pub fn new(program: PathBuf, symbol: String) -> Self {
        Self { program, symbol, told: Told::Nothing, seen: None }
    }

    /// From now on this program is the one that a start would start.
    pub(super) fn follow(&mut self, program: PathBuf, symbol: String) {
        *self = Self::new(program, symbol);
    }

    /// Tells of another executable once it has stood still from one look to the next: a file that is being copied is
    /// no build yet.
    pub(super) fn look(&mut self) -> Option<Event> {
        let stamp = self.stamp();
        let still = self.seen == stamp;
        self.seen = stamp;
        if still { self.tell(stamp) } else { None }
    }

    /// Tells of another executable as it is now.
    pub fn look_now(&mut self) -> Option<Event> {
        let stamp = self.stamp();
        self.seen = stamp;
        self.tell(stamp)
    }

    fn tell(&mut self, stamp: Option<Stamp>) -> Option<Event> {
        if self.told == Told::Of(stamp) {
            return None;
        }
        self.told = Told::Of(stamp);
        let (build, version) = self.read();
        Some(Event::Installed { build, version })
    }

    fn read(&self) -> (Build, Version) {
        let Ok(file) = gobuild::open(&self.program) else { return Default::default() };
        (gobuild::identity_of_file(&file), gobuild::version_of(&file, &self.symbol))
    }

    fn stamp(&self) -> Option<Stamp> {
        let metadata = self.program.metadata().ok()?;
        Some(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Installed;
    use crate::machine::Event;

    fn build(event: Option<Event>) -> Option<String> {
        match event? {
            Event::Installed { build, .. } => Some(build.0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_file_is_told_once_it_stands_still_and_the_same_content_is_the_same_build() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("service");
        std::fs::write(&path, "#!/bin/sh\necho one\n").unwrap();
        let mut installed = Installed::new(path.clone(), "main.version".into());
        let one = build(installed.look_now()).unwrap();
        assert_eq!(installed.look(), None, "nothing changed");

        std::fs::write(&path, "#!/bin/sh\necho two, longer\n").unwrap();
        assert_eq!(installed.look(), None, "it may still be being written");
        let two = build(installed.look()).unwrap();
        assert_ne!(one, two);

        std::fs::write(folder.path().join("new"), "#!/bin/sh\necho one\n").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(build(installed.look_now()), Some(one));

        std::fs::remove_file(&path).unwrap();
        assert_eq!(build(installed.look_now()), Some(String::new()));
    }
}
