//! Resolves a path, with the names that would make it lead elsewhere if they changed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How many links in a directory are followed; changes behind further ones are seen late.
const MAX_FOLLOWED: usize = 1000;

/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;

/// The way from the root to what the path leads to at present.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Each link on the way, the last name, or else the first one that is missing; without links in themselves.
    pub(super) turns: BTreeSet<PathBuf>,
    /// What else would make it lead elsewhere, as far as we may watch it: each folder on the way, and, if it leads to a
    /// folder, where the links in that lead.
    pub(super) beside: BTreeSet<PathBuf>,
    /// What the path leads to, if it exists.
    pub(super) end: Option<PathBuf>,
}

impl Route {
    /// Follows `path`, and the links in the folder that it leads to.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut route = Self::to(path)?;
        if let Some(entries) = route.end.as_ref().and_then(|end| fs::read_dir(end).ok()) {
            let is_link = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let links: Vec<_> = entries.filter_map(Result::ok).filter(is_link).take(MAX_FOLLOWED).collect();
            // One that leads in a circle leads nowhere.
            for further in links.iter().filter_map(|link| Self::to(&link.path()).ok()) {
                route.beside.extend(further.turns.into_iter().chain(further.beside));
            }
            route.beside = &route.beside - &route.turns;
        }
        Ok(route)
    }

    /// Follows `path` name by name.
    fn to(path: &Path) -> io::Result<Self> {
        let mut left = Vec::new();
        put(&mut left, &std::path::absolute(path)?);
        let mut here = PathBuf::from("/");
        let (mut turns, mut beside) = (BTreeSet::new(), BTreeSet::new());
        let mut links = 0;
        while let Some(name) = left.pop() {
            match Path::new(&name).components().next() {
                Some(Component::RootDir) => here = PathBuf::from("/"),
                Some(Component::ParentDir) => {
                    here.pop();
                }
                Some(Component::Normal(name)) => {
                    let next = here.join(name);
                    let Ok(metadata) = next.symlink_metadata() else {
                        // Missing or hidden: it can only lead further once this name changes.
                        turns.insert(next);
                        return Ok(Self { turns, beside, end: None });
                    };
                    if metadata.is_symlink() {
                        links += 1;
                        if links > MAX_LINKS {
                            return Err(io::Error::from_raw_os_error(libc::ELOOP));
                        }
                        put(&mut left, &next.read_link()?);
                        turns.insert(next);
                    } else {
                        let part = if left.is_empty() { &mut turns } else { &mut beside };
                        part.insert(next.clone());
                        here = next;
                    }
                }
                Some(Component::CurDir | Component::Prefix(_)) | None => {}
            }
        }
        Ok(Self { turns, beside, end: Some(here) })
    }

    /// The folders to be watched, and the end itself.
    pub(super) fn watched(&self) -> BTreeSet<PathBuf> {
        let folders = self.turns.iter().filter_map(|turn| turn.parent()).map(Path::to_owned);
        folders.chain(self.end.clone()).collect()
    }

    /// Further folders, to be watched if we may: a folder can be passed through that cannot be read.
    pub(super) fn watched_if_possible(&self) -> BTreeSet<PathBuf> {
        let folders: BTreeSet<_> = self.beside.iter().filter_map(|name| name.parent()).map(Path::to_owned).collect();
        &folders - &self.watched()
    }
}

/// Puts the names of `path` on the stack, the first on top.
fn put(left: &mut Vec<OsString>, path: &Path) {
    left.extend(path.components().rev().map(|component| component.as_os_str().to_owned()));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::Route;

    fn route(path: impl AsRef<Path>) -> (Vec<PathBuf>, Option<PathBuf>) {
        let route = Route::of(path.as_ref()).unwrap();
        (route.turns.into_iter().collect(), route.end)
    }

    #[test]
    fn every_link_is_a_turn() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().canonicalize().unwrap().join(name);
        fs::create_dir(at("one")).unwrap();
        fs::write(at("one/app.env"), "").unwrap();
        symlink("one", at("..data")).unwrap();
        symlink("..data/app.env", at("app.env")).unwrap();
        symlink(at("../").join(folder.path().file_name().unwrap()), at("up")).unwrap();
        symlink("loop", at("loop")).unwrap();

        assert_eq!(route(at("one/app.env")), (vec![at("one/app.env")], Some(at("one/app.env"))));
        let turns = vec![at("..data"), at("app.env"), at("one/app.env")];
        assert_eq!(route(at("app.env")), (turns, Some(at("one/app.env"))));
        let turns = vec![at("..data"), at("app.env"), at("one/app.env"), at("up")];
        assert_eq!(route(at("up/app.env")), (turns, Some(at("one/app.env"))));
        assert_eq!(route(at("missing/app.env")), (vec![at("missing")], None));
        assert_eq!(route(at("one/app.env/x")), (vec![at("one/app.env/x")], None));
        assert_eq!(Route::of(&at("loop")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert_eq!(route("/"), (vec![], Some(PathBuf::from("/"))));
    }

    #[test]
    fn folders_on_the_way_and_links_at_its_end_are_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(at("a/conf.d")).unwrap();
        fs::create_dir_all(at("b/secrets")).unwrap();
        fs::write(at("b/secrets/KEY"), "").unwrap();
        symlink("../../b/secrets/KEY", at("a/conf.d/KEY")).unwrap();
        symlink("circle", at("a/conf.d/circle")).unwrap();
        symlink("missing", at("a/conf.d/MISSING")).unwrap();
        let route = Route::of(&at("a/conf.d")).unwrap();
        for name in ["a", "b", "b/secrets", "b/secrets/KEY", "a/conf.d/KEY", "a/conf.d/missing"] {
            assert!(route.beside.contains(&at(name)), "{name}: {route:?}");
        }
        assert_eq!(route.turns, [at("a/conf.d")].into());
        assert_eq!(route.watched(), [at("a"), at("a/conf.d")].into());
        let further = route.watched_if_possible();
        assert!(further.contains(&at("b/secrets")) && further.contains(Path::new("/")), "{further:?}");
        assert!(!further.contains(&at("a")), "it is watched already");
    }
}
