//! Replaces lictor by the program on the disk, in the same process (`lictor reexec`): after an upgrade, while the
//! service runs.
//!
//! The process keeps its PID, so the service manager notices nothing, and the service stays a child of it. Descriptors
//! are passed as systemd passes them (`LISTEN_FDS`, `LISTEN_FDNAMES`, `LISTEN_PID`). Before anything is given up, the
//! new program has to show that it is lictor, and that it accepts the configuration.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::fcntl_dupfd_cloexec;

use crate::machine::event::Exit;
use crate::service::OwnChildren;
use crate::service::errand::{self, Errand, Finished};

/// How long the new program may take to print its version, and then to read the configuration.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where passed descriptors begin.
const FIRST: RawFd = 3;

/// Variables that the service manager sets for the process that it starts; a program that is only tried out must not
/// get them.
const ADDRESSED: [&str; 7] =
    ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// The program that this process was started from, by the path that an upgrade replaces, and its arguments.
#[derive(Clone, Debug)]
pub struct Origin {
    program: PathBuf,
    words: Vec<OsString>,
}

impl Origin {
    /// The program of this process. Call it at the start, before an upgrade can replace the file.
    ///
    /// # Errors
    /// `/proc` does not show which program runs.
    pub fn of_this_process() -> io::Result<Self> {
        let words: Vec<OsString> = std::env::args_os().collect();
        let running = std::env::current_exe()?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let called = words.first().map(PathBuf::from).and_then(|name| named(&name, &path));
        Ok(Self { program: program(called, running), words })
    }

    /// The file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Tries the program out: it has to print its version, and to accept the configuration that this process was
    /// started with. Returns what it printed.
    ///
    /// # Errors
    /// Why it cannot take over, as a sentence.
    pub async fn try_out(&self, own: &OwnChildren) -> Result<String, String> {
        let shown = self.program.display();
        let Finished { exit, output } = self.run(vec!["--version".to_owned()], own).await?;
        let said = first_line(&output);
        match exit {
            Some(Exit::Code(0)) if said.starts_with("lictor ") => {}
            Some(Exit::Code(0)) => return Err(format!("{shown} is not lictor: its --version does not say so")),
            None => return Err(format!("{shown} does not say its version within {} s", PATIENCE.as_secs())),
            Some(_) => return Err(format!("{shown} cannot say its version: {said}")),
        }
        if let Some(words) = self.words_of_check() {
            let Finished { exit, output } = self.run(words, own).await?;
            if exit != Some(Exit::Code(0)) {
                let why = first_line(&output);
                return Err(format!("{said} does not accept the configuration: {why}"));
            }
        }
        Ok(said)
    }

    /// `lictor run ...` as `lictor check ...`, which takes the same words.
    fn words_of_check(&self) -> Option<Vec<String>> {
        let (first, others) = self.words.get(1..)?.split_first()?;
        if first != "run" {
            return None;
        }
        let others = others.iter().map(|word| word.clone().into_string()).collect::<Result<Vec<_>, _>>().ok()?;
        Some(std::iter::once("check".to_owned()).chain(others).collect())
    }

    async fn run(&self, arguments: Vec<String>, own: &OwnChildren) -> Result<Finished, String> {
        let heard = |name: &OsString| !ADDRESSED.iter().any(|addressed| name == addressed);
        let errand = Errand {
            program: self.program.clone(),
            arguments,
            environment: std::env::vars_os().filter(|(name, _)| heard(name)).collect(),
            directory: None,
            user: None,
            timeout: PATIENCE,
        };
        errand::run(errand, own).await.map_err(|error| crate::chain::sentence(&error))
    }

    /// Executes the new program in this process, with these descriptors. If that fails, the present program is executed
    /// again, because it has given up too much to go on.
    ///
    /// # Errors
    /// Neither can be executed.
    pub fn execute(&self, passed: &[(String, OwnedFd)]) -> io::Result<Infallible> {
        let error = match self.prepare(passed) {
            Ok(execution) => {
                let error = execution.go(&self.program);
                tracing::error!(program = %self.program.display(), %error, "cannot be executed; the same lictor begins anew");
                execution.go(Path::new("/proc/self/exe"))
            }
            Err(error) => error,
        };
        Err(error)
    }

    fn prepare(&self, passed: &[(String, OwnedFd)]) -> io::Result<Execution> {
        let above = FIRST + RawFd::try_from(passed.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // First to numbers above all of the final ones, so that none overwrites another.
        let copies = passed.iter().map(|(_, descriptor)| Ok(fcntl_dupfd_cloexec(descriptor, above)?));
        let descriptors = copies.collect::<io::Result<_>>()?;
        let text = |word: &OsStr| Ok(CString::new(word.as_bytes())?);
        let names: Vec<_> = passed.iter().map(|(name, _)| name.as_str()).collect();
        let told = [
            format!("LISTEN_FDS={}", passed.len()),
            format!("LISTEN_FDNAMES={}", names.join(":")),
            format!("LISTEN_PID={}", std::process::id()),
        ];
        let others = std::env::vars_os().filter(|(name, _)| !name.as_bytes().starts_with(b"LISTEN_"));
        let others = others.map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        let variables = others.chain(told.map(String::into_bytes)).map(|word| Ok(CString::new(word)?));
        Ok(Execution {
            words: self.words.iter().map(|word| text(word)).collect::<io::Result<_>>()?,
            variables: variables.collect::<io::Result<_>>()?,
            descriptors,
        })
    }
}

/// The arguments of the system call.
struct Execution {
    words: Vec<CString>,
    variables: Vec<CString>,
    descriptors: Vec<OwnedFd>,
}

impl Execution {
    /// Returns only if it fails. Unlike the one of `std` it leaves the signal mask as it is: signals that arrive
    /// meanwhile stay pending for the new program.
    #[expect(unsafe_code, reason = "std's exec unblocks every signal before the new program can hear them")]
    fn go(&self, program: &Path) -> io::Error {
        let Ok(program) = CString::new(program.as_os_str().as_bytes()) else {
            return io::ErrorKind::InvalidInput.into();
        };
        let list = |texts: &[CString]| {
            let texts = texts.iter().map(|text| text.as_ptr());
            texts.chain([std::ptr::null()]).collect::<Vec<_>>()
        };
        let (words, variables) = (list(&self.words), list(&self.variables));
        for (place, descriptor) in (FIRST..).zip(&self.descriptors) {
            // SAFETY: both are numbers. What had this place is closed, and whoever owned it never runs again: this
            // process either becomes another program or ends.
            if unsafe { libc::dup2(descriptor.as_raw_fd(), place) } < 0 {
                return io::Error::last_os_error();
            }
        }
        // SAFETY: the path and every word end with a NUL, each list ends with a null, and all of them live in this
        // frame or in `self`.
        unsafe { libc::execve(program.as_ptr(), words.as_ptr(), variables.as_ptr()) };
        io::Error::last_os_error()
    }
}

/// The path that a person or a unit started it by, if that leads to the running program: it may be a link to the newest
/// version.
fn program(called: Option<PathBuf>, running: PathBuf) -> PathBuf {
    let leads_to_it = |called: &PathBuf| std::fs::canonicalize(called).is_ok_and(|file| file == running);
    called.filter(leads_to_it).unwrap_or_else(|| undeleted(running))
}

/// The file that is now at its path, if it was replaced before this process looked.
fn undeleted(running: PathBuf) -> PathBuf {
    match running.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(before) if !running.exists() => PathBuf::from(OsStr::from_bytes(before)),
        _ => running,
    }
}

/// The path of a program of this name, from `PATH`.
fn named(name: &Path, path: &OsStr) -> Option<PathBuf> {
    if name.as_os_str().as_bytes().contains(&b'/') {
        return std::path::absolute(name).ok();
    }
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    crate::line::one_line(line.trim(), 300).into_owned()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use super::{Origin, named, program, undeleted};
    use crate::service::OwnChildren;

    fn script(folder: &Path, text: &str, mode: u32) -> Origin {
        let program = folder.join("lictor");
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
        Origin { program, words: ["lictor", "run", "-c", "a.hcl"].map(OsString::from).into() }
    }

    #[tokio::test]
    async fn only_a_lictor_that_accepts_the_configuration_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let own = OwnChildren::default();
        let good = "#!/bin/sh\n[ \"$1\" = --version ] && echo lictor 9.9 && exit\n[ \"$*\" = 'check -c a.hcl' ]\n";
        assert_eq!(script(folder.path(), good, 0o755).try_out(&own).await.as_deref(), Ok("lictor 9.9"));
        for (text, mode, why) in [
            (good, 0o644, "cannot run "),
            ("garbage", 0o755, "cannot run "),
            ("#!/bin/sh\necho hello\n", 0o755, "is not lictor"),
            ("#!/bin/sh\necho broken pipe\nexit 127\n", 0o755, "cannot say its version: broken pipe"),
            (
                "#!/bin/sh\n[ \"$1\" = --version ] && echo lictor 9.9 && exit\necho a.hcl:1:1: no\nexit 78\n",
                0o755,
                "lictor 9.9 does not accept the configuration: a.hcl:1:1: no",
            ),
        ] {
            let refused = script(folder.path(), text, mode).try_out(&own).await.unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        let nothing = Origin { program: folder.path().join("none"), words: Vec::new() };
        let refused = nothing.try_out(&own).await.unwrap_err();
        assert!(refused.contains("does not exist"), "{refused}");
    }

    #[test]
    fn a_link_to_what_runs_is_what_an_upgrade_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (file, link) = (folder.join("lictor-1"), folder.join("lictor"));
        std::fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(named(Path::new("lictor"), folder.as_os_str()), Some(link.clone()));
        assert_eq!(named(&link, "".as_ref()), Some(link.clone()));
        assert_eq!(program(Some(link.clone()), file.clone()), link);
        assert_eq!(program(Some(folder.join("other")), file.clone()), file);
        assert_eq!(undeleted(folder.join("gone (deleted)")), folder.join("gone"));
        assert_eq!(undeleted(PathBuf::from("/usr/bin/lictor")), PathBuf::from("/usr/bin/lictor"));
    }
}
