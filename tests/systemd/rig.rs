//! A booted systemd with the unit in it, and what a test asks of it.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::program;
use crate::wait::{PATIENCE, eventually};

/// The instance under test; its user is called the same.
pub const UNIT: &str = "lictor@svc";
/// Where programs are looked for in it.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The number of that user, and of its group.
pub const USER: u32 = 4711;

static SERVICE: LazyLock<PathBuf> = LazyLock::new(|| program::build("1.214"));

/// One systemd; ended with everything in it when dropped.
#[derive(Debug)]
pub struct Rig {
    folder: TempDir,
    boot: Child,
    pid: u32,
}

impl Rig {
    /// Boots one whose instance `svc` has this configuration besides what every test needs.
    pub fn boot(config: &str) -> Self {
        let rig = Self::bare(&[]);
        fs::create_dir(rig.path("/srv/conf.d")).unwrap();
        fs::create_dir(rig.path("/srv/out")).unwrap();
        chown(rig.path("/srv/out"), Some(USER), Some(USER)).unwrap();
        rig.write("/etc/lictor/svc.hcl", &format!("{BASE}{config}"));
        rig
    }

    /// Boots one without an instance, with these programs in its `/usr/local/bin`, besides `lictor` and the service.
    pub fn bare(programs: &[(&str, &Path)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::Builder::new().prefix("lictor-rig-").tempdir().unwrap();
        let console = File::create(folder.path().join("console")).unwrap();
        // `make bench` measures the release.
        let lictor = std::env::var_os("LICTOR").unwrap_or_else(|| env!("CARGO_BIN_EXE_lictor").into());
        let lictor = PathBuf::from(lictor);
        let boot = Command::new(root.join("tests/rig/boot"))
            .args([folder.path(), &lictor, &SERVICE])
            .arg(root.join("systemd/lictor@.service"))
            .args(programs.iter().map(|(name, program)| format!("{name}:{}", program.display())))
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        let mut rig = Self { folder, boot, pid: 0 };
        rig.pid = eventually("systemd has booted", || {
            let ended = rig.boot.try_wait().unwrap();
            assert!(ended.is_none(), "the rig cannot run: {}", rig.console());
            let children = format!("/proc/{0}/task/{0}/children", rig.boot.id());
            rig.pid = fs::read_to_string(children).ok()?.trim().parse().ok()?;
            rig.run("systemctl is-active basic.target").status.success().then_some(rig.pid)
        });
        rig
    }

    /// Runs these words in it, to their end, as root who has just logged in.
    pub fn run(&self, words: &str) -> Output {
        let mut command = Command::new("timeout");
        command.arg("60").args(self.entering()).args(words.split(' '));
        command.env_clear().env("PATH", PATH);
        command.current_dir("/").stdin(Stdio::null()).output().unwrap()
    }

    /// The words that make a command one inside.
    pub fn entering(&self) -> [String; 4] {
        ["nsenter".into(), "--all".into(), "--target".into(), self.pid.to_string()]
    }

    /// The same, which must succeed; gives what it said.
    pub fn done(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {output:?}\n{}", self.report());
        String::from_utf8(output.stdout).unwrap()
    }

    /// The number of its first process, seen from here: its namespaces are the rig's.
    #[allow(dead_code, reason = "tests/codedeploy joins several")]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where a file of its is, seen from here.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid))
    }

    /// Writes a file in one step.
    pub fn write(&self, path: &str, text: &str) {
        let place = self.path(path);
        let new = place.with_file_name(".new");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&new, text).unwrap();
        fs::rename(&new, &place).unwrap();
    }

    /// Sets a variable of the service's configuration.
    pub fn set(&self, name: &str, value: &str) {
        self.write(&format!("/srv/conf.d/{name}"), value);
    }

    /// Takes a variable away.
    pub fn unset(&self, name: &str) {
        fs::remove_file(self.path(&format!("/srv/conf.d/{name}"))).unwrap();
    }

    /// Changes the unit as an operator would.
    pub fn drop_in(&self, text: &str) {
        self.write("/etc/systemd/system/lictor@svc.service.d/test.conf", &format!("[Service]\n{text}"));
        self.done("systemctl daemon-reload");
    }

    /// What systemd knows of the unit.
    pub fn property(&self, name: &str) -> String {
        self.done(&format!("systemctl show --property {name} --value {UNIT}")).trim().to_owned()
    }

    /// Waits until a property of the unit is as described; gives it.
    pub fn until(&self, name: &str, what: &str, predicate: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        eventually(what, || {
            let value = self.property(name);
            assert!(Instant::now() < end, "{name} is {value:?}, not: {what}\n{}", self.report());
            predicate(&value).then_some(value)
        })
    }

    /// Begins these words in it, without waiting for their end.
    pub fn spawn(&self, words: &str) {
        let mut command = Command::new("timeout");
        command.arg("60").args(self.entering()).args(words.split(' '));
        command.env_clear().env("PATH", PATH).stdout(Stdio::null()).stderr(Stdio::null());
        // It ends with the rig at the latest.
        drop(command.current_dir("/").stdin(Stdio::null()).spawn().unwrap());
    }

    /// The numbers of the service's own processes, in the order of their start.
    pub fn services(&self) -> Vec<u32> {
        self.running("/usr/local/bin/billing")
    }

    /// The numbers of the processes of a program, in the order of their start.
    pub fn running(&self, program: &str) -> Vec<u32> {
        let mut pids = Vec::new();
        for entry in fs::read_dir(self.path("/proc")).unwrap() {
            let Some(pid) = entry.unwrap().file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that has ended while we looked is none.
            let words = fs::read(self.path(&format!("/proc/{pid}/cmdline"))).unwrap_or_default();
            if words.starts_with(program.as_bytes()) {
                pids.push(pid);
            }
        }
        pids.sort_unstable();
        pids
    }

    /// The one process of the service.
    pub fn service(&self) -> u32 {
        let pids = self.services();
        assert_eq!(pids.len(), 1, "{pids:?}\n{}", self.report());
        pids[0]
    }

    /// What lictor and the service have written to the journal, and systemd about them.
    pub fn journal(&self) -> String {
        self.done("journalctl --sync");
        self.done(&format!("journalctl --no-pager --output short-precise --unit {UNIT}"))
    }

    fn console(&self) -> String {
        fs::read_to_string(self.folder.path().join("console")).unwrap_or_default()
    }

    fn report(&self) -> String {
        let journal = self.run(&format!("journalctl --no-pager --output short-precise --unit {UNIT}"));
        format!("--- console\n{}\n--- journal\n{}", self.console(), String::from_utf8_lossy(&journal.stdout))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // With the first process of its namespace everything ends.
        let _ = self.boot.kill();
        let _ = self.boot.wait();
        let Ok(group) = fs::read_to_string(self.folder.path().join("group")) else { return };
        eventually("nothing is left of the rig", || {
            let mut find = Command::new("find");
            find.args([group.trim(), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"]);
            let _ = find.stderr(Stdio::null()).status();
            (!Path::new(group.trim()).exists()).then_some(())
        });
    }
}

/// Whether this is the status of a service that is well.
pub fn is_good(status: &str) -> bool {
    status.starts_with("svc 1.214 up, healthy; config ") && status.ends_with(" good")
}

/// What every test needs; times are short.
pub const BASE: &str = r#"
directory {
  path = "/srv/conf.d"
}
wait {
  min = "50ms"
  max = "500ms"
}
exec {
  command = ["/usr/local/bin/billing", "-addr", "127.0.0.1:8080"]
  env {
    custom = ["TERM_DUMP=/srv/out/term"]
  }
}
apply {
  min_healthy = "300ms"
  deadline    = "3s"
}
crash {
  backoff     = "100ms"
  max_backoff = "1s"
}
check "Web" {
  http {
    url = "http://127.0.0.1:8080/healthz"
  }
  interval = "100ms"
  timeout  = "1s"
}
"#;
