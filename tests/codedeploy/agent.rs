//! CodeDeploy's agent, as far as a bundle can tell: what it runs, when, with which scripts, and what it remembers.

pub mod appspec;
mod diagnostics;
mod hook;
mod install;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use appspec::AppSpec;
pub use diagnostics::{Code, Diagnostics};
use hook::{Hook, Log};

use crate::rig::Rig;

/// Where the agent keeps everything.
const ROOT: &str = "/opt/codedeploy-agent/deployment-root";
/// The one group of deployments here.
pub const GROUP: &str = "billing-prod";

/// The agent of one host.
#[derive(Debug)]
pub struct Agent<'a> {
    rig: &'a Rig,
    last: Cell<u32>,
    /// Variables of the agent's own environment, besides `PATH`.
    pub variables: Vec<(&'static str, &'static str)>,
}

/// What became of one deployment.
#[derive(Debug)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// The events that ended well, in their order.
    pub done: Vec<&'static str>,
    /// Why it failed, if it did: all that an operator sees.
    pub failure: Option<Diagnostics>,
    /// All that its hooks said.
    pub log: String,
}

impl Deployment {
    /// That it has succeeded; gives its log.
    #[track_caller]
    pub fn succeeded(&self) -> &str {
        assert!(self.failure.is_none(), "{self:#?}");
        &self.log
    }

    /// How it has failed, in a script of this name.
    #[track_caller]
    pub fn failed_in(&self, script: &str) -> &Diagnostics {
        let failure = self.failure.as_ref().unwrap_or_else(|| panic!("it has not failed: {self:#?}"));
        assert_eq!(failure.script_name, format!("scripts/{script}"), "{self:#?}");
        failure
    }
}

impl<'a> Agent<'a> {
    pub fn new(rig: &'a Rig) -> Self {
        Self { rig, last: Cell::new(0), variables: Vec::new() }
    }

    /// Deploys a bundle; a rollback is the same with an older one.
    pub fn deploy(&self, zip: &Path) -> Deployment {
        self.deploy_while(zip, |_| ())
    }

    /// The same; `meanwhile` happens before each lifecycle event.
    pub fn deploy_while(&self, zip: &Path, meanwhile: impl Fn(&str)) -> Deployment {
        self.last.set(self.last.get() + 1);
        let id = format!("d-{:09}", self.last.get());
        let folder = PathBuf::from(format!("{ROOT}/{GROUP}/{id}"));
        fs::create_dir_all(self.outside(&folder.join("logs"))).unwrap();
        fs::create_dir_all(self.outside(Path::new(&format!("{ROOT}/deployment-instructions")))).unwrap();
        let mut deployment = Deployment { id, done: Vec::new(), failure: None, log: String::new() };
        let mut log = Log::default();
        for event in appspec::EVENTS {
            meanwhile(event);
            match self.event(event, &folder, &deployment.id, zip, &mut log) {
                Ok(()) => deployment.done.push(event),
                Err(failure) => {
                    deployment.failure = Some(failure);
                    break;
                }
            }
        }
        deployment.log = log.text();
        fs::write(self.outside(&folder.join("logs/scripts.log")), &deployment.log).unwrap();
        deployment
    }

    fn event(&self, event: &str, folder: &Path, id: &str, zip: &Path, log: &mut Log) -> Result<(), Diagnostics> {
        match event {
            "DownloadBundle" => self.unpack(zip, folder),
            "Install" => {
                let spec = AppSpec::read(&self.outside(&folder.join("deployment-archive/appspec.yml")))?;
                install::install(self, &spec, folder)?;
                // Before anybody knows whether it is any good.
                fs::write(self.pointer("last_successful_install"), folder.to_str().unwrap()).unwrap();
            }
            _ => {
                // What stops a revision is that revision's own.
                let folder = match (event, fs::read_to_string(self.pointer("last_successful_install"))) {
                    ("ApplicationStop", Ok(last)) => PathBuf::from(last),
                    ("ApplicationStop", Err(_)) => return Ok(()),
                    _ => folder.to_owned(),
                };
                let archive = folder.join("deployment-archive");
                let spec = AppSpec::read(&self.outside(&archive.join("appspec.yml")))?;
                for script in spec.hooks.get(event).into_iter().flatten() {
                    Hook { agent: self, event, id, archive: &archive, script }.run(log)?;
                }
            }
        }
        Ok(())
    }

    fn unpack(&self, zip: &Path, folder: &Path) {
        let archive = self.outside(&folder.join("deployment-archive"));
        let output = Command::new("unzip").arg("-q").arg(zip).arg("-d").arg(archive).output();
        let output = output.unwrap_or_else(|error| panic!("unzip cannot be run ({error}): install Debian's package"));
        assert!(output.status.success(), "{output:?}");
    }

    fn pointer(&self, name: &str) -> PathBuf {
        self.outside(Path::new(&format!("{ROOT}/deployment-instructions/{GROUP}_{name}")))
    }

    /// Where a path of the host is, seen from the test.
    fn outside(&self, path: &Path) -> PathBuf {
        self.rig.path(path.to_str().unwrap())
    }
}
