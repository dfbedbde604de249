//! Which running lictor is meant.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;

use super::args::TargetArgs;
use crate::admin::place;
use crate::config::default_status_address;
use crate::line::one_line;

/// The timeout: a lictor that has not accepted a connection by then is busy, not absent.
const PROBE_TIME: Duration = Duration::from_secs(1);
/// The most entries of one directory that are examined.
const MOST_ENTRIES: usize = 1024;
/// The most names that are listed.
const MOST_NAMES: usize = 20;

/// Which lictor the command line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// `--socket`: this one.
    pub(super) socket: Option<PathBuf>,
    /// `--name`: the one of this service.
    pub(super) name: Option<String>,
    /// Where sockets are looked for, the nearest first.
    pub(super) directories: Vec<PathBuf>,
    /// The status port that is asked if no socket may be used.
    pub(super) port: SocketAddr,
}

impl Target {
    /// From the command line, with the default directories of this process's environment.
    pub(super) fn of(TargetArgs { socket, name }: TargetArgs) -> Self {
        let directories = place::directories(|variable| std::env::var_os(variable));
        Self { socket, name, directories, port: default_status_address() }
    }
}

/// There is not exactly one lictor that could be meant.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLocated {
    /// None runs.
    #[error("no lictor runs here (looked in {}); start one, or name its socket with --socket", shown(.looked))]
    None {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// None of this name runs.
    #[error("no lictor of {name} runs here (looked in {}); start it, or name its socket with --socket", shown(.looked))]
    NoneOf {
        /// The name.
        name: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// Several run.
    #[error("several lictors run here: {}; say which with --name", .names.join(", "))]
    Several {
        /// Their services.
        names: Vec<String>,
    },
    /// The name is not valid.
    #[error("{name:?} cannot be the name of a service; --name takes it as `lictor status` shows it")]
    BadName {
        /// The name.
        name: String,
    },
}

fn shown(directories: &[PathBuf]) -> String {
    let shown: Vec<String> = directories.iter().map(|directory| directory.display().to_string()).collect();
    shown.join(", ")
}

/// The socket of the lictor that is meant.
pub(super) async fn socket(target: &Target) -> Result<PathBuf, NotLocated> {
    if let Some(socket) = &target.socket {
        return Ok(socket.clone());
    }
    let looked = || target.directories.clone();
    let Some(name) = &target.name else {
        let mut found = running(&target.directories).await;
        return match found.len() {
            0 => Err(NotLocated::None { looked: looked() }),
            1 => Ok(found.swap_remove(0)),
            _ => Err(NotLocated::Several { names: names(&found) }),
        };
    };
    for directory in &target.directories {
        let places = place::within(directory, name);
        for socket in places.ok_or_else(|| NotLocated::BadName { name: one_line(name, 60).into_owned() })? {
            if is_served(&socket).await {
                return Ok(socket);
            }
        }
    }
    Err(NotLocated::NoneOf { name: name.clone(), looked: looked() })
}

/// Every socket in these directories that a process serves, in the order of their names.
async fn running(directories: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in directories {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        for entry in entries.flatten().take(MOST_ENTRIES) {
            let name = entry.file_name().into_string().unwrap_or_default();
            let Some(places) = place::within(directory, name.strip_suffix(".sock").unwrap_or(&name)) else { continue };
            for socket in places {
                if is_served(&socket).await {
                    found.push(socket);
                }
            }
        }
    }
    // A socket in a folder of its own is found there too, if that folder is our own runtime directory.
    found.sort();
    found.dedup();
    found
}

fn names(sockets: &[PathBuf]) -> Vec<String> {
    let name = |path: &PathBuf| path.file_stem().map(|stem| one_line(&stem.to_string_lossy(), 60).into_owned());
    sockets.iter().filter_map(name).take(MOST_NAMES).collect()
}

/// Whether a process serves this socket. One that this user may not use counts too, so that the error can say so.
async fn is_served(socket: &Path) -> bool {
    match tokio::time::timeout(PROBE_TIME, UnixStream::connect(socket)).await {
        Ok(Ok(_)) | Err(_) => true,
        Ok(Err(error)) => matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::WouldBlock),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use tempfile::TempDir;

    use super::{NotLocated, Target, socket};

    fn target(directory: &TempDir, name: Option<&str>) -> Target {
        let missing = directory.path().join("missing");
        let directories = vec![missing, directory.path().to_owned()];
        let port = ([127, 0, 0, 1], 1).into();
        Target { socket: None, name: name.map(str::to_owned), directories, port }
    }

    #[tokio::test]
    async fn the_only_one_is_meant() {
        let directory = TempDir::new().unwrap();
        let alone = target(&directory, None);
        assert!(matches!(socket(&alone).await, Err(NotLocated::None { .. })));

        drop(UnixListener::bind(directory.path().join("stale.sock")).unwrap());
        std::fs::write(directory.path().join("file.sock"), "").unwrap();
        let _other = UnixListener::bind(directory.path().join("other.socket")).unwrap();
        assert!(matches!(socket(&alone).await, Err(NotLocated::None { .. })));

        let billing = directory.path().join("billing.sock");
        let _billing = UnixListener::bind(&billing).unwrap();
        assert_eq!(socket(&alone).await.unwrap(), billing);

        let _mail = UnixListener::bind(directory.path().join("mail.sock")).unwrap();
        let several = socket(&alone).await.unwrap_err();
        assert_eq!(several.to_string(), "several lictors run here: billing, mail; say which with --name");
    }

    #[tokio::test]
    async fn a_folder_of_the_service_s_own_is_looked_into() {
        let directory = TempDir::new().unwrap();
        let folder = directory.path().join("billing");
        std::fs::create_dir(&folder).unwrap();
        let billing = folder.join("billing.sock");
        let _billing = UnixListener::bind(&billing).unwrap();
        let mut within = target(&directory, None);
        within.directories.push(folder.clone());
        assert_eq!(socket(&within).await.unwrap(), billing, "found twice, it is still one");
        // The owner of the folder may put other sockets there; only that user trusts them.
        let _mail = UnixListener::bind(folder.join("mail.sock")).unwrap();
        assert_eq!(socket(&target(&directory, None)).await.unwrap(), billing);
        assert_eq!(socket(&target(&directory, Some("billing"))).await.unwrap(), billing);
        assert!(matches!(socket(&target(&directory, Some("mail"))).await, Err(NotLocated::NoneOf { .. })));
    }

    #[tokio::test]
    async fn a_name_or_a_socket_decides() {
        let directory = TempDir::new().unwrap();
        let billing = directory.path().join("billing.sock");
        let _billing = UnixListener::bind(&billing).unwrap();
        assert_eq!(socket(&target(&directory, Some("billing"))).await.unwrap(), billing);
        assert!(matches!(socket(&target(&directory, Some("mail"))).await, Err(NotLocated::NoneOf { .. })));
        assert!(matches!(socket(&target(&directory, Some("../x"))).await, Err(NotLocated::BadName { .. })));
        let named = Target { socket: Some("/anywhere".into()), ..target(&directory, Some("mail")) };
        assert_eq!(socket(&named).await.unwrap(), std::path::Path::new("/anywhere"));
    }
}
