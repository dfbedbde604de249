//! The event Install: the files of the deployment before are removed, this one's are copied. Nothing of it is atomic.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::appspec::{AppSpec, Exists, Permission};
use super::diagnostics::Diagnostics;
use super::{Agent, GROUP, ROOT};

pub fn install(agent: &Agent<'_>, spec: &AppSpec, folder: &Path) -> Result<(), Diagnostics> {
    let list = agent.outside(Path::new(&format!("{ROOT}/deployment-instructions/{GROUP}-cleanup")));
    let before = fs::read_to_string(&list).unwrap_or_default();
    for path in before.lines().rev() {
        let path = agent.outside(Path::new(path));
        // Of a folder only if nothing else is in it.
        let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
    }
    let mut copied = Copied { agent, exists: spec.exists, paths: Vec::new() };
    let done = spec.files.iter().try_for_each(|(source, destination)| {
        copied.copy(&folder.join("deployment-archive").join(source), Path::new(destination), Top::Yes)
    });
    fs::write(&list, copied.paths.iter().flat_map(|path| [path.to_str().unwrap(), "\n"]).collect::<String>()).unwrap();
    done?;
    spec.permissions.iter().try_for_each(|permission| permit(agent, permission, &copied.paths))
}

/// Whether this is what the appspec names: a folder's contents go to its destination, a file goes into it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Yes,
    No,
}

struct Copied<'a> {
    agent: &'a Agent<'a>,
    exists: Exists,
    paths: Vec<PathBuf>,
}

impl Copied<'_> {
    fn copy(&mut self, source: &Path, destination: &Path, top: Top) -> Result<(), Diagnostics> {
        let from = self.agent.outside(source);
        if from.is_dir() {
            self.folder(destination);
            for entry in fs::read_dir(from).unwrap() {
                let name = entry.unwrap().file_name();
                self.copy(&source.join(&name), &destination.join(&name), Top::No)?;
            }
            return Ok(());
        }
        let place = match top {
            Top::Yes => destination.join(source.file_name().unwrap()),
            Top::No => destination.to_owned(),
        };
        self.folder(place.parent().unwrap());
        let to = self.agent.outside(&place);
        match (to.exists(), self.exists) {
            (true, Exists::Disallow) => {
                return Err(Diagnostics::of_agent(format!("{} exists already", place.display())));
            }
            (true, Exists::Retain) => return Ok(()),
            _ => {}
        }
        self.paths.push(place);
        fs::copy(&from, &to).map_err(|error| Diagnostics::of_agent(format!("{}: {error}", to.display())))?;
        Ok(())
    }

    fn folder(&mut self, path: &Path) {
        let there = self.agent.outside(path);
        if !there.is_dir() {
            self.folder(path.parent().unwrap());
            self.paths.push(path.to_owned());
            fs::create_dir(there).unwrap();
        }
    }
}

fn permit(agent: &Agent<'_>, permission: &Permission, copied: &[PathBuf]) -> Result<(), Diagnostics> {
    let object = Path::new(&permission.object);
    let named = |path: &&PathBuf| match permission.pattern.as_str() {
        "**" => path.starts_with(object),
        name => path.parent() == Some(object) && path.file_name().is_some_and(|found| found == name),
    };
    let id = |file: &str, name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => number(agent, file, name).map(Some),
    };
    let (owner, group) = (id("/etc/passwd", &permission.owner)?, id("/etc/group", &permission.group)?);
    for path in copied.iter().filter(named) {
        let path = agent.outside(path);
        chown(&path, owner, group).unwrap();
        if let Some(mode) = permission.mode {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
    }
    Ok(())
}

/// The number of a user or group of the host.
fn number(agent: &Agent<'_>, file: &str, name: &str) -> Result<u32, Diagnostics> {
    let text = fs::read_to_string(agent.outside(Path::new(file))).unwrap();
    let line = text.lines().find(|line| line.split(':').next() == Some(name));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    number.ok_or_else(|| Diagnostics::of_agent(format!("{name} is not in {file}")))
}
