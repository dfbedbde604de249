//! A real Telegraf on the address that a lictor sends to; what it takes, it writes into a file.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::wait::eventually;

/// One Telegraf; killed when dropped.
#[derive(Debug)]
pub struct Telegraf {
    folder: TempDir,
    running: Option<Child>,
}

/// One value of one metric in one window of Telegraf's.
#[derive(Clone, Debug)]
pub struct Window {
    /// With its dots.
    pub name: String,
    /// Tags and fields as written.
    pub line: Value,
}

impl Window {
    /// A tag, or nothing.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.line["tags"][name].as_str()
    }

    /// A field that is a number.
    pub fn field(&self, name: &str) -> Option<f64> {
        self.line["fields"][name].as_f64()
    }
}

/// The program.
pub fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/telegraf");
    assert!(program.exists(), "Telegraf is not built: run `make peers`");
    program
}

impl Telegraf {
    /// One that takes plain StatsD with influx tags on this host's port 8125, with windows of one second; not started.
    pub fn plain(host: Ipv4Addr) -> Self {
        Self::with(&Self::input(host, ""))
    }

    /// The same with Datadog's extensions.
    pub fn datadog(host: Ipv4Addr) -> Self {
        Self::with(&Self::input(host, "  datadog_extensions = true\n"))
    }

    fn input(host: Ipv4Addr, more: &str) -> String {
        format!(
            "[agent]\n  interval = \"1s\"\n  flush_interval = \"1s\"\n  flush_jitter = \"0s\"\n  hostname = \"h1\"\n\
             [[inputs.statsd]]\n  service_address = \"{host}:8125\"\n  metric_separator = \".\"\n  \
             number_workers_threads = 1\n{more}"
        )
    }

    /// One with this configuration, and the file beside its other outputs; not started.
    pub fn with(configuration: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("telegraf-").tempdir().unwrap();
        let telegraf = Self { folder, running: None };
        let mut text = configuration.to_owned();
        let taken = telegraf.taken().display().to_string();
        write!(text, "\n[[outputs.file]]\n  files = [\"{taken}\"]\n  data_format = \"json\"\n").unwrap();
        fs::write(telegraf.folder.path().join("telegraf.conf"), text).unwrap();
        telegraf
    }

    /// Starts it, for the first time or again, and waits until it listens.
    pub fn launch(&mut self) {
        self.launch_with(&[]);
    }

    /// The same with variables of its environment.
    pub fn launch_with(&mut self, variables: &[(&str, &str)]) {
        assert!(self.running.is_none(), "this Telegraf runs already");
        let before = self.log().matches(LISTENING).count();
        let log = OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(program());
        command.arg("--config").arg(self.folder.path().join("telegraf.conf"));
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
        eventually("Telegraf listens", || {
            let ended = self.running.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "Telegraf ended: {}", self.log());
            (self.log().matches(LISTENING).count() > before).then_some(())
        });
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        let mut running = self.running.take().expect("this Telegraf does not run");
        running.kill().unwrap();
        running.wait().unwrap();
    }

    /// Everything that it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Everything that it has taken, in the order of its windows.
    pub fn windows(&self) -> Vec<Window> {
        let text = fs::read_to_string(self.taken()).unwrap_or_default();
        // The last line may not be whole yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let window = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            Window { name: line["name"].as_str().unwrap().to_owned(), line }
        };
        whole.lines().map(window).collect()
    }

    /// All values of a counter with this tag, added up.
    pub fn total(&self, name: &str, tag: (&str, &str)) -> u64 {
        let of = |window: &Window| window.name == name && window.tag(tag.0) == Some(tag.1);
        self.windows()
            .iter()
            .filter(|window| of(window))
            .filter_map(|window| window.line["fields"]["value"].as_u64())
            .sum()
    }

    /// That it has understood every line.
    #[track_caller]
    pub fn has_understood_everything(&self) {
        let log = self.log();
        assert!(!log.contains(" E! "), "Telegraf complains:\n{log}");
    }

    fn taken(&self) -> PathBuf {
        self.folder.path().join("taken.json")
    }
}

impl Drop for Telegraf {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.kill();
        }
    }
}

/// What it logs once it does.
const LISTENING: &str = "UDP listening on";
