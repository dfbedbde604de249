//! A lictor yet to be started: its folder, its addresses and its configuration.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::address::loopback;
use super::lictor::Lictor;
use super::program;

/// Variables that a run of the service writes down in its first line.
const SHOWN: &str = "GREETING,COLOUR,EXIT_CODE,SICK,FLAP,MIN_VERSION";

/// Everything that a lictor under test is started with. What a test does not say is chosen for short waits.
#[derive(Debug)]
pub struct Setup {
    folder: TempDir,
    host: Ipv4Addr,
    base: String,
    more: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// The folder `billing/` of this Consul.
    pub fn on_consul(address: SocketAddr) -> Self {
        Self::on_folder(address, "billing/")
    }

    /// Another folder of this Consul, where several share one.
    pub fn on_folder(address: SocketAddr, folder: &str) -> Self {
        Self::on(&format!("consul {{\n  address = \"{address}\"\n}}\nprefix {{\n  path = \"{folder}\"\n}}\n"))
    }

    /// The directory `conf.d` in the test's own folder.
    pub fn on_directory() -> Self {
        let setup = Self::on("");
        fs::create_dir(setup.path("conf.d")).unwrap();
        let source = format!("directory {{\n  path = \"{}\"\n}}\n", setup.path("conf.d").display());
        setup.config(&source)
    }

    fn on(source: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("lictor-").tempdir().unwrap();
        let host = loopback();
        let mut setup = Self { folder, host, base: String::new(), more: Vec::new(), variables: Vec::new() };
        program::install(program::OLD, &setup.path("service"));
        setup.base = format!(
            r#"name = "svc"
{source}
wait {{
  min = "50ms"
  max = "500ms"
}}
exec {{
  command      = ["{service}", "-addr", "{host}:8080"]
  kill_timeout = "2s"
  env {{
    custom = ["DUMP={runs}", "SIGNAL_DUMP={signals}", "PIDS={pids}", "SHOW={SHOWN}"]
  }}
}}
apply {{
  min_healthy = "400ms"
  deadline    = "3s"
}}
crash {{
  backoff     = "100ms"
  max_backoff = "1s"
  reset_after = "5s"
}}
status {{
  address = "{host}:8127"
}}
admin {{
  socket = "{socket}"
}}
statsd {{
  address = "{host}:8125"
}}
state {{
  directory  = "{state}"
  boot_grace = "1s"
}}
log {{
  level = "debug"
}}
"#,
            service = setup.path("service").display(),
            runs = setup.path("runs").display(),
            signals = setup.path("signals").display(),
            pids = setup.path("pids").display(),
            socket = setup.path("admin.sock").display(),
            state = setup.path("state").display(),
        );
        setup
    }

    /// One more file of configuration; by the rules of merging its words win over those before.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.more.push(text.to_owned());
        self
    }

    /// The readiness check `Web` on the service's `/healthz`.
    #[must_use]
    pub fn checked(self) -> Self {
        let host = self.host;
        self.config(&format!(
            "check \"Web\" {{\n  http {{\n    url = \"http://{host}:8080/healthz\"\n  }}\n  \
             interval = \"100ms\"\n  timeout = \"1s\"\n  fall = 2\n}}\n"
        ))
    }

    /// One variable of lictor's own environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where something lies in the test's own folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The test's own folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address on which this lictor and its service listen.
    pub fn host(&self) -> Ipv4Addr {
        self.host
    }

    /// Writes one key of the directory source, in one step.
    pub fn write(&self, key: &str, value: impl AsRef<[u8]>) {
        let new = self.path(&format!(".{key}.new"));
        fs::write(&new, value).unwrap();
        fs::rename(new, self.path("conf.d").join(key)).unwrap();
    }

    /// The files of configuration, written; as `-c` takes them.
    pub fn files(&self) -> Vec<PathBuf> {
        let texts = std::iter::once(&self.base).chain(&self.more);
        let write = |(number, text): (usize, &String)| {
            let file = self.path(&format!("{number}.hcl"));
            fs::write(&file, text).unwrap();
            file
        };
        texts.enumerate().map(write).collect()
    }

    /// `lictor` with a subcommand, in an environment without anything of the machine's but `PATH`.
    pub fn command(&self, subcommand: &str) -> Command {
        // `make bench` measures the release.
        let lictor = std::env::var_os("LICTOR").unwrap_or_else(|| env!("CARGO_BIN_EXE_lictor").into());
        let mut command = Command::new(lictor);
        command.arg(subcommand).env_clear().current_dir(self.folder()).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LICTOR_TEST", self.folder());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `lictor run`, or another command that reads the configuration, with all files.
    pub fn configured(&self, subcommand: &str) -> Command {
        let mut command = self.command(subcommand);
        for file in self.files() {
            command.arg("-c").arg(file);
        }
        command
    }

    /// The configuration as one text, for a message.
    pub fn shown(&self) -> String {
        let mut all = self.base.clone();
        for text in &self.more {
            write!(all, "\n# one more file\n{text}").unwrap();
        }
        all
    }

    /// A lictor that is not started yet.
    pub fn prepared(self) -> Lictor {
        Lictor::new(self)
    }

    /// Starts it.
    pub fn start(self) -> Lictor {
        let lictor = self.prepared();
        lictor.start();
        lictor
    }
}
