//! A setting that is read anew for each probe: as written, out of the service's environment, or out of a file. So a
//! password that was rotated is used at the next probe.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::{BuildEnvironment, file};
use crate::environment::Environment;
use crate::secret::Secret;

/// No password and no URL is larger, in bytes.
const LIMIT: u64 = 1 << 16;

/// Where the text of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// It stands in the configuration.
    Written(Secret),
    /// `env_of_service("NAME")`: what this variable of the service is at the moment.
    OfService(String),
    /// `file("/path")`: what the file holds at the moment, without one newline at its end.
    InFile(PathBuf),
}

/// As whoever mends it would look for it: a name or a path, never the text.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(_) => f.write_str("what is written"),
            Self::OfService(name) => write!(f, "the service's variable {name}"),
            Self::InFile(path) => write!(f, "the content of {}", path.display()),
        }
    }
}

impl Text {
    /// The text as it is now. The error says why there is none.
    pub(super) async fn read(&self, service: &OfService) -> Result<String, String> {
        let bytes = match self {
            Self::Written(text) => text.clone(),
            Self::OfService(name) => service.get(name).ok_or_else(|| format!("the service has no variable {name}"))?,
            Self::InFile(path) => of_file(path).await?.into(),
        };
        bytes.expose_str().map(str::to_owned).ok_or_else(|| format!("{self} is not UTF-8"))
    }
}

/// What a file holds, without one newline at its end.
async fn of_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = file::read("file", path, LIMIT).await?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(bytes)
}

/// The service's environment as it is at the moment.
#[derive(Clone)]
pub(super) struct OfService {
    composed: watch::Receiver<Arc<Environment>>,
    whole: BuildEnvironment,
}

impl OfService {
    /// What lictor composes, and how the whole is made of it.
    pub(super) fn new(composed: watch::Receiver<Arc<Environment>>, whole: BuildEnvironment) -> Self {
        Self { composed, whole }
    }

    /// What lictor composes, at the moment.
    #[cfg(feature = "sqs")]
    pub(super) fn composed(&self) -> Arc<Environment> {
        Arc::clone(&self.composed.borrow())
    }

    /// The value of one variable: what lictor composes wins over what is inherited.
    fn get(&self, name: &str) -> Option<Secret> {
        let composed = Arc::clone(&self.composed.borrow());
        composed.get(name).cloned().or_else(|| {
            let all: Vec<(OsString, OsString)> = (self.whole)(&composed);
            all.into_iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.into_vec().into())
        })
    }
}

impl fmt::Debug for OfService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::{OfService, Text};
    use crate::environment::{Environment, Variable, Visibility};

    fn environment(value: &str) -> Arc<Environment> {
        let variable = Variable { value: value.into(), origin: "test".into(), visibility: Visibility::Secret };
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
        assert_eq!(password.read(&service).await.as_deref(), Ok("old"));
        composed.send_replace(environment("new"));
        assert_eq!(password.read(&service).await.as_deref(), Ok("new"));
        assert_eq!(Text::OfService("HOME".to_owned()).read(&service).await.as_deref(), Ok("/root"));
        let none = Text::OfService("NONE".to_owned()).read(&service).await;
        assert_eq!(none, Err("the service has no variable NONE".to_owned()));
    }

    #[tokio::test]
    async fn a_file_is_what_it_holds_at_the_moment() {
        let (_composed, service) = service();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let text = Text::InFile(path.clone());
        let gone = text.read(&service).await.unwrap_err();
        assert_eq!(gone, format!("cannot read file {}: no such file or directory", path.display()));
        for (held, read) in [("a b\n", "a b"), ("a\n\n", "a\n"), ("a\r\n", "a"), ("", "")] {
            std::fs::write(&path, held).unwrap();
            assert_eq!(text.read(&service).await.as_deref(), Ok(read));
        }
        std::fs::write(&path, [0xff]).unwrap();
        assert!(text.read(&service).await.unwrap_err().ends_with(" is not UTF-8"));
    }
}
