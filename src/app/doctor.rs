//! `lictor doctor`: what of the surroundings is missing or wrong, and what to do about it. It asks and looks, and changes
//! nothing.

mod fleet;
mod sources;
mod unit;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, StatVfs};
use rustix::process::{PidfdFlags, Resource, getpid, getrlimit, pidfd_open};

pub use sources::{AskedSources, Readiness, ask_sources};

use super::places;
use crate::admin::Place;
use crate::chain::sentence;
use crate::config::Settings;
use crate::listen;
use crate::machine::policy::Handover;
use crate::service::program;
use crate::source::Kind;

/// Connections that a quiet status port takes at a time, and so the least backlog that makes sense.
const LEAST_BACKLOG: u64 = 256;
/// Each file or directory that is watched takes an instance of inotify; other programs of the user need some too.
const LEAST_INSTANCES: u64 = 64;
/// Descriptors that lictor has open at most in quiet times.
const LEAST_DESCRIPTORS: u64 = 32;
/// Room for the state, in bytes.
const LEAST_ROOM: u64 = 16 << 20;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Fine,
    /// It works, but somebody should know.
    Mind,
    /// It does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How serious it is.
    pub grade: Grade,
    /// What was looked at.
    pub subject: String,
    /// What was found, with the remedy if there is something to do.
    pub text: String,
}

impl Finding {
    fn new(grade: Grade, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { grade, subject: subject.into(), text: text.into() }
    }
}

/// Looks at everything that these settings need, and at this unit of systemd's; without a name, at the one in which this runs.
pub async fn examine(settings: &Settings, unit: Option<&str>) -> Vec<Finding> {
    let mut findings = vec![command(settings)];
    findings.extend(ask_sources(settings).await.findings);
    findings.extend(fleet::fleet(settings).await);
    findings.extend([status_port(settings), admin_socket(settings), state_directory(settings), statsd(settings)]);
    findings.extend(held_sockets(settings));
    findings.extend(kernel(settings));
    findings.extend(unit::unit(settings, unit).await);
    findings
}

/// Whether new connections can be steered from one process of the service to another.
fn held_sockets(settings: &Settings) -> Option<Finding> {
    if settings.listen.is_empty() {
        return None;
    }
    Some(match listen::can_steer() {
        Ok(()) => {
            Finding::new(Grade::Fine, "held sockets", "new connections can be steered from one process to another")
        }
        Err(why) => {
            let instead = match settings.policy.handover {
                Handover::Restart => "",
                Handover::Overlap { .. } => "; until then a change is a stop and a start, whatever apply.handover says",
            };
            Finding::new(Grade::Mind, "held sockets", why + instead)
        }
    })
}

fn command(settings: &Settings) -> Finding {
    let command = &settings.command;
    let path = std::env::var_os("PATH");
    match program::resolve(&command.program, command.directory.as_deref(), path.as_deref()) {
        Ok(found) => Finding::new(Grade::Fine, "command", found.display().to_string()),
        Err(error) => Finding::new(Grade::Wrong, "command", sentence(&error)),
    }
}

fn status_port(settings: &Settings) -> Finding {
    let address = settings.status.address;
    match TcpListener::bind(address) {
        Ok(_) => Finding::new(Grade::Fine, "status port", format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let text = format!("{address} is taken, by the lictor that runs or by something else: see `ss -ltnp`");
            Finding::new(Grade::Mind, "status port", text)
        }
        Err(error) => {
            let text = format!("{address} cannot be used: {error}; set status.address to one of this host's");
            Finding::new(Grade::Wrong, "status port", text)
        }
    }
}

fn admin_socket(settings: &Settings) -> Finding {
    const SUBJECT: &str = "admin socket";
    let Some(place) = places::socket(settings) else {
        return Finding::new(Grade::Mind, SUBJECT, "there is no default place for this user; set admin.socket");
    };
    let path = place.path().display().to_string();
    if let Some(group) = settings.admin.group.as_deref()
        && group.parse::<u32>().is_err()
        && uzers::get_group_by_name(group).is_none()
    {
        return Finding::new(
            Grade::Wrong,
            SUBJECT,
            format!("there is no group {group}; set admin.group to one that exists"),
        );
    }
    let nearest = match &place {
        // Only the default directory is made by lictor.
        Place::Configured(path) => path.parent().filter(|directory| directory.is_dir()),
        Place::Default(path) => nearest_directory(path),
    };
    match nearest {
        Some(directory) if may_write(directory) => Finding::new(Grade::Fine, SUBJECT, path),
        Some(directory) => {
            let text = format!("{path}: {} is not writable for this user; set admin.socket", directory.display());
            Finding::new(Grade::Wrong, SUBJECT, text)
        }
        None => Finding::new(Grade::Wrong, SUBJECT, format!("{path} has no directory; set admin.socket")),
    }
}

fn state_directory(settings: &Settings) -> Finding {
    const SUBJECT: &str = "state directory";
    let directory = places::state_directory(settings);
    let shown = directory.display();
    if directory.exists() && !directory.is_dir() {
        let text = format!("{shown} exists but is not a directory; move it away or set state.directory");
        return Finding::new(Grade::Wrong, SUBJECT, text);
    }
    let below = directory.join("x");
    let Some(found) = nearest_directory(&below) else {
        return Finding::new(Grade::Wrong, SUBJECT, format!("{shown} cannot be made; set state.directory"));
    };
    if !may_write(found) {
        let text = format!(
            "{} is not writable for this user, so nothing survives a restart of lictor; set state.directory",
            found.display()
        );
        return Finding::new(Grade::Wrong, SUBJECT, text);
    }
    let mode = fs::metadata(&directory).map(|known| known.permissions().mode() & 0o077).unwrap_or_default();
    let room = rustix::fs::statvfs(found).map(|StatVfs { f_bavail, f_frsize, .. }| f_bavail.saturating_mul(f_frsize));
    match room {
        _ if mode != 0 => Finding::new(Grade::Mind, SUBJECT, format!("others can look into {shown}: chmod 0700 it")),
        Ok(room) if room < LEAST_ROOM => {
            Finding::new(Grade::Mind, SUBJECT, format!("the disk of {shown} is nearly full: make room on it"))
        }
        _ => Finding::new(Grade::Fine, SUBJECT, shown.to_string()),
    }
}

/// The directory in which this stands or, if that is not there yet, in which it would be made.
fn nearest_directory(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|directory| directory.is_dir())
}

fn may_write(directory: &Path) -> bool {
    rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Whether something listens on a port of this host; that cannot be seen for a port of another host.
fn statsd(settings: &Settings) -> Finding {
    const SUBJECT: &str = "statsd";
    let address = &settings.statsd.address;
    let here = address.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
    let Some(port) = here.map(|address| address.port()) else {
        return Finding::new(
            Grade::Fine,
            SUBJECT,
            format!("{address}; whether something listens there cannot be seen from here"),
        );
    };
    let tables: Vec<String> =
        ["/proc/net/udp", "/proc/net/udp6"].iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    if tables.iter().any(|table| listens(table, port)) {
        return Finding::new(Grade::Fine, SUBJECT, format!("something listens on {address}"));
    }
    let text = format!(
        "nothing listens on {address}, so metrics are lost; start Telegraf with inputs.statsd, or set statsd.address"
    );
    Finding::new(Grade::Mind, SUBJECT, text)
}

/// Whether a table of the kernel's has a socket on this local port.
fn listens(table: &str, port: u16) -> bool {
    let local = |line: &str| line.split_whitespace().nth(1)?.rsplit(':').next().map(str::to_owned);
    let port = format!("{port:04X}");
    table.lines().skip(1).any(|line| local(line).as_deref() == Some(&port))
}

fn kernel(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(_) => Finding::new(Grade::Fine, "kernel", rustix::system::uname().release().to_string_lossy()),
        Err(error) => {
            let text = format!(
                "pidfd_open is not to be had ({error}): lictor needs Linux 5.4 or later without a filter on it"
            );
            Finding::new(Grade::Wrong, "kernel", text)
        }
    });
    if let Some(few) = number("/proc/sys/net/core/somaxconn").filter(|backlog| *backlog < LEAST_BACKLOG) {
        let text = format!("net.core.somaxconn is {few}: set it to 4096, or a burst of connections is turned away");
        findings.push(Finding::new(Grade::Mind, "listen backlog", text));
    }
    let watches = settings.sources.iter().any(|source| !matches!(source.kind, Kind::Consul(_)));
    let instances = number("/proc/sys/fs/inotify/max_user_instances");
    if let Some(few) = instances.filter(|instances| watches && *instances < LEAST_INSTANCES) {
        let text = format!("fs.inotify.max_user_instances is {few}: raise it, or changes of files are seen late");
        findings.push(Finding::new(Grade::Mind, "inotify", text));
    }
    if let Some(few) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < LEAST_DESCRIPTORS) {
        let text = format!("the limit of open files is {few}: raise it (ulimit -n, or LimitNOFILE= in the unit)");
        findings.push(Finding::new(Grade::Wrong, "open files", text));
    }
    findings
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::listens;

    #[test]
    fn a_socket_is_found_in_the_kernel_s_table() {
        let table = "  sl  local_address rem_address   st tx_queue\n 80: 0100007F:1FBD 00000000:0000 07 00000000\n";
        assert!(listens(table, 8125) && !listens(table, 8126) && !listens("", 8125));
    }
}
