//! Where the figures come from.

use std::fs::read_to_string;
use std::process::Command;

/// Host, processor, kernel, and how busy it was before anything was measured.
pub fn machine() -> String {
    let uname = rustix::system::uname();
    let cpus = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> =
        cpus.lines().filter_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1)).collect();
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{}: {} × {}, Linux {}, load {} at the start; {}",
        uname.nodename().to_string_lossy(),
        models.len(),
        models.first().unwrap_or(&"an unnamed processor"),
        uname.release().to_string_lossy(),
        load.split(' ').next().unwrap_or("unknown"),
        go(),
    )
}

/// The service is a Go program; how long it takes to start is its runtime's.
fn go() -> String {
    let run = Command::new("go").args(["env", "GOVERSION"]).output();
    run.map(|run| String::from_utf8_lossy(&run.stdout).trim().to_owned()).unwrap_or_default()
}
