//! A setting that is read anew for each probe: from the configuration, the service's environment, or a file. So a rotated password is
//! used at the next probe.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::net::file::{FileName, Files};
use super::{BuildEnvironment, reason};
use crate::bulkhead::Bulkhead;
use crate::environment::Environment;
use crate::secret::Secret;

/// No password and no URL is larger, in bytes.
const LIMIT: u64 = 1 << 16;

/// Where the text of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// The configuration.
    Written(Secret),
    /// `env_of_service("NAME")`: the present value of this variable of the service.
    OfService(String),
    /// `file("/path")`: the present contents of the file, without one newline at the end.
    InFile(PathBuf),
}

/// The place for people: a name or a path, never the text itself.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(_) => f.write_str("the text in the configuration"),
            Self::OfService(name) => write!(f, "the service's variable {name}"),
            Self::InFile(path) => write!(f, "the content of {}", path.display()),
        }
    }
}

impl Text {
    /// The present text. The error says why there is none.
    pub(super) async fn read(&self, service: &OfService, files: &Files) -> Result<String, String> {
        let bytes = match self {
            Self::Written(text) => text.clone(),
            Self::OfService(name) => {
                service.get(name).await?.ok_or_else(|| format!("the service has no variable {name}"))?
            }
            Self::InFile(path) => of_file(path, files).await?.into(),
        };
        bytes.expose_str().map(str::to_owned).ok_or_else(|| format!("{self} is not UTF-8"))
    }
}

/// What a file holds, without one newline at its end.
async fn of_file(path: &Path, files: &Files) -> Result<Vec<u8>, String> {
    let mut bytes = files.read("file", &FileName::of_configuration(path), LIMIT).await?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(bytes)
}

/// The service's present environment.
#[derive(Clone)]
pub(super) struct OfService {
    composed: watch::Receiver<Arc<Environment>>,
    build: BuildEnvironment,
    /// What the service inherits takes a look at the users of this host, which may hang.
    inherits: Bulkhead<Arc<Inherited>>,
}

type Inherited = Vec<(OsString, OsString)>;

impl OfService {
    /// The composed environment, and how the whole environment is made from it.
    pub(super) fn new(composed: watch::Receiver<Arc<Environment>>, whole: BuildEnvironment) -> Self {
        Self { composed, build: whole, inherits: Bulkhead::new("check-env", 4) }
    }

    /// The value of one variable: what lictor composes wins over what is inherited.
    async fn get(&self, name: &str) -> Result<Option<Secret>, String> {
        let composed = Arc::clone(&self.composed.borrow());
        if let Some(value) = composed.get(name) {
            return Ok(Some(value.clone()));
        }
        let inherited = self.whole(composed).await?;
        let found = inherited.iter().rev().find(|(known, _)| known == name);
        Ok(found.map(|(_, value)| value.clone().into_vec().into()))
    }

    /// Those of these variables that the service has and that are text.
    pub(super) async fn some(&self, names: &[&'static str]) -> Result<BTreeMap<&'static str, String>, String> {
        let mut found = BTreeMap::new();
        if names.is_empty() {
            return Ok(found);
        }
        let composed = Arc::clone(&self.composed.borrow());
        for (name, value) in self.whole(Arc::clone(&composed)).await?.iter() {
            if let (Some(name), Some(value)) = (names.iter().find(|known| **known == *name), value.to_str()) {
                found.insert(*name, value.to_owned());
            }
        }
        for name in names {
            if let Some(value) = composed.get(name).and_then(Secret::expose_str) {
                found.insert(*name, value.to_owned());
            }
        }
        Ok(found)
    }

    /// Every variable of a process of the service that is started with this.
    pub(super) async fn whole(&self, composed: Arc<Environment>) -> Result<Arc<Inherited>, String> {
        let build = Arc::clone(&self.build);
        // Whoever waits for the same work waits for the environment of the very same wish.
        let key = format!("{:p}", Arc::as_ptr(&composed));
        let found = self.inherits.run(&key, move || Arc::new(build(&composed))).await;
        found.map_err(|error| reason::of_io(&error))
    }
}

impl fmt::Debug for OfService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::time::Duration;

    use tokio::sync::watch;

    use super::{OfService, Text};
    use crate::check::net::file::Files;
    use crate::environment::{Environment, Variable, Visibility};

    fn environment(value: &str) -> Arc<Environment> {
        let variable = Variable::new(value.into(), "test".into(), Visibility::Secret);
        Arc::new(Environment::new([("PASSWORD".to_owned(), variable)].into()))
    }

    fn service() -> (watch::Sender<Arc<Environment>>, OfService) {
        let composed = watch::Sender::new(environment("old"));
        let inherited = vec![("HOME".into(), "/root".into()), ("PASSWORD".into(), "inherited".into())];
        let service = OfService::new(composed.subscribe(), Arc::new(move |_| inherited.clone()));
        (composed, service)
    }

    #[tokio::test]
    async fn a_variable_is_what_it_is_at_the_moment() {
        let (composed, service) = service();
        let password = Text::OfService("PASSWORD".to_owned());
        assert_eq!(password.read(&service, &Files::new(None)).await.as_deref(), Ok("old"));
        composed.send_replace(environment("new"));
        assert_eq!(password.read(&service, &Files::new(None)).await.as_deref(), Ok("new"));
        assert_eq!(Text::OfService("HOME".to_owned()).read(&service, &Files::new(None)).await.as_deref(), Ok("/root"));
        let none = Text::OfService("NONE".to_owned()).read(&service, &Files::new(None)).await;
        assert_eq!(none, Err("the service has no variable NONE".to_owned()));
    }

    #[tokio::test]
    async fn a_file_is_what_it_holds_at_the_moment() {
        let (_composed, service) = service();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let text = Text::InFile(path.clone());
        let gone = text.read(&service, &Files::new(None)).await.unwrap_err();
        assert_eq!(gone, format!("cannot read file {}: no such file or directory", path.display()));
        for (held, read) in [("a b\n", "a b"), ("a\n\n", "a\n"), ("a\r\n", "a"), ("", "")] {
            std::fs::write(&path, held).unwrap();
            assert_eq!(text.read(&service, &Files::new(None)).await.as_deref(), Ok(read));
        }
        std::fs::write(&path, [0xff]).unwrap();
        assert!(text.read(&service, &Files::new(None)).await.unwrap_err().ends_with(" is not UTF-8"));
    }

    /// Both are made at the same time, and neither is taken for the other.
    #[tokio::test]
    async fn what_is_made_for_one_wish_is_not_taken_for_another() {
        let both = Barrier::new(2);
        let whole = move |composed: &Environment| {
            both.wait();
            vec![("PASSWORD".into(), composed.get("PASSWORD").unwrap().expose_os().to_owned())]
        };
        let service = OfService::new(watch::Sender::default().subscribe(), Arc::new(whole));
        let made = async { tokio::join!(service.whole(environment("old")), service.whole(environment("new"))) };
        let (old, new) = tokio::time::timeout(Duration::from_mins(1), made).await.expect("both at the same time");
        assert_eq!((old.unwrap()[0].1.to_str(), new.unwrap()[0].1.to_str()), (Some("old"), Some("new")));
    }
}
