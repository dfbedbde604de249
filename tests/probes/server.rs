//! Servers that are probed: each runs for one test, in a folder and at an address of its own, and ends with it.

pub mod mariadb;
pub mod postgres;
pub mod redis;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::harness::address::loopback;
use crate::harness::wait::{PATIENCE, within};

/// `nobody`: the servers refuse to run as root, and need nothing of it.
const NOBODY: u32 = 65534;

/// Where a server lives and what runs of it.
pub struct Server {
    folder: TempDir,
    host: Ipv4Addr,
    child: Option<Child>,
}

impl Server {
    /// A folder and an address, and nothing that runs yet.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lictor-server-").tempdir().unwrap();
        let server = Self { folder, host: loopback(), child: None };
        own(server.folder.path());
        server
    }

    /// Its address.
    pub fn host(&self) -> Ipv4Addr {
        self.host
    }

    /// Something in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a folder of the server's own.
    pub fn folder(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
        own(&self.path(name));
    }

    /// Writes a file that only the server may read.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        own(&path);
        path
    }

    /// A program, to be run as the server's user in its folder; what it says goes to its log.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Runs a program to its end, which must be a good one.
    pub fn run(&self, mut command: Command) {
        let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}: tests/setup probes"));
        assert!(status.success(), "{command:?}: {status}\n{}", self.log());
    }

    /// Starts the server itself, and waits until it accepts connections at this port.
    pub fn start(&mut self, mut command: Command, port: u16) {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: tests/setup probes"));
        let running = self.child.insert(child);
        let (address, folder) = (SocketAddr::from((self.host, port)), self.folder.path());
        within(PATIENCE, "the server listens", || {
            let ended = running.try_wait().unwrap();
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", log());
            TcpStream::connect(address).ok()
        });
    }

    /// Ends it, at once.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a file the server's own.
fn own(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Accepts connections and never says anything.
pub fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
