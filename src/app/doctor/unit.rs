//! The unit that lictor runs in: what systemd knows of it, against what lictor needs. The reference for it is the unit that
//! is shipped, `systemd/lictor@.service`.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use tokio::process::Command;

use super::{Finding, Grade};
use crate::config::Settings;
use crate::line::one_line;

/// How long `systemctl` may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of the status port, the service's own and those to Consul take more than a few hundred descriptors.
const LEAST_DESCRIPTORS: u64 = 1024;
/// Each socket that `listen` holds is kept twice by systemd.
const KEPT_EACH: u64 = 2;
/// The longest value that is shown.
const LONGEST: usize = 60;

/// What is asked of systemd.
const PROPERTIES: &str = "LoadState,ActiveState,Type,NotifyAccess,KillMode,ExecStopPost,ExecReload,Restart,RestartPreventExitStatus,\
                          StartLimitIntervalUSec,TimeoutStopUSec,WatchdogUSec,FileDescriptorStoreMax,LimitNOFILE,\
                          OOMPolicy,OOMScoreAdjust,User,RuntimeDirectory,StateDirectory,StateDirectoryMode";

/// The words that a property may have.
struct Words {
    property: &'static str,
    fine: &'static [&'static str],
    grade: Grade,
    why: &'static str,
    remedy: &'static str,
}

const WORDS: [Words; 5] = [
    Words {
        property: "Type",
        fine: &["notify", "notify-reload"],
        grade: Grade::Wrong,
        why: "systemd waits for no healthy service and hears neither the status nor the watchdog's pings",
        remedy: "Type=notify",
    },
    Words {
        property: "NotifyAccess",
        fine: &["main", "none"],
        grade: Grade::Mind,
        why: "what the service runs may speak for the unit",
        remedy: "NotifyAccess=main",
    },
    Words {
        property: "KillMode",
        fine: &["process"],
        grade: Grade::Wrong,
        why: "a lictor that is killed takes the service along",
        remedy: "KillMode=process",
    },
    Words {
        property: "Restart",
        fine: &["always", "on-failure"],
        grade: Grade::Wrong,
        why: "a lictor that is killed is not started again",
        remedy: "Restart=always",
    },
    Words {
        property: "OOMPolicy",
        fine: &["continue"],
        grade: Grade::Mind,
        why: "a service that is killed for its memory takes lictor along",
        remedy: "OOMPolicy=continue",
    },
];

/// Looks at this unit or, without a name, at the one in which this runs; nothing if that is none of the system's services.
pub(super) async fn unit(settings: &Settings, named: Option<&str>) -> Vec<Finding> {
    let Some(unit) = named.map(str::to_owned).or_else(own) else { return Vec::new() };
    match show(&unit).await {
        Ok(shown) => judged(&unit, &shown, settings),
        Err(why) => vec![Finding::new(Grade::Mind, "unit", why)],
    }
}

/// The service of the system's systemd in which this process runs.
fn own() -> Option<String> {
    std::env::var_os("INVOCATION_ID")?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let unit = |line: &str| {
        let path = line.splitn(3, ':').nth(2)?;
        let name = path.rsplit('/').next()?;
        (path.starts_with("/system.slice/") && name.ends_with(".service")).then(|| name.to_owned())
    };
    groups.lines().find_map(unit)
}

async fn show(unit: &str) -> Result<Shown, String> {
    let mut systemctl = Command::new("systemctl");
    systemctl.args(["show", "--property", PROPERTIES, "--", unit]).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, systemctl.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(Shown::read(&String::from_utf8_lossy(&output.stdout))),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("systemctl cannot show {unit}: {}", one_line(said.trim(), 200)))
        }
        Ok(Err(error)) => Err(format!("systemctl cannot be run: {error}; leave --unit out on a host without systemd")),
        Err(_) => Err(format!("systemctl did not show {unit} within {}", humantime::format_duration(PATIENCE))),
    }
}

/// The properties of one unit.
struct Shown(BTreeMap<String, String>);

impl Shown {
    fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Empty if it is not set, or not known to this systemd.
    fn get(&self, property: &str) -> &str {
        self.0.get(property).map_or("", String::as_str)
    }

    /// `None`: no limit.
    fn number(&self, property: &str) -> Option<u64> {
        self.get(property).parse().ok()
    }

    /// `None`: no limit.
    fn span(&self, property: &str) -> Option<Duration> {
        match self.get(property) {
            "0" => Some(Duration::ZERO),
            text => humantime::parse_duration(text).ok(),
        }
    }
}

fn judged(unit: &str, shown: &Shown, settings: &Settings) -> Vec<Finding> {
    if shown.get("LoadState") != "loaded" {
        let text =
            format!("systemd has not loaded {unit} (it is {}): see `systemctl status {unit}`", shown.get("LoadState"));
        return vec![Finding::new(Grade::Wrong, "unit", text)];
    }
    let mut findings: Vec<Finding> = WORDS.iter().filter_map(|words| misworded(shown, words)).collect();
    findings.extend(stop(shown, settings));
    findings.extend(life(shown));
    findings.extend(limits(shown, settings));
    findings.extend(places(shown, settings));
    if findings.is_empty() {
        findings.push(Finding::new(Grade::Fine, "unit", format!("{unit} is set as lictor needs it")));
    }
    findings
}

fn misworded(shown: &Shown, words: &Words) -> Option<Finding> {
    let Words { property, fine, grade, why, remedy } = *words;
    let value = shown.get(property);
    // A systemd that does not know the property does not have what it is for either.
    (!value.is_empty() && !fine.contains(&value)).then(|| finding(grade, &format!("{property}={value}"), why, remedy))
}

/// What is wrong, why that matters, and what to write instead.
fn finding(grade: Grade, what: &str, why: &str, remedy: &str) -> Finding {
    Finding::new(grade, "unit", format!("{}: {why}; set {remedy}", one_line(what, LONGEST)))
}

/// What happens when the unit stops.
fn stop(shown: &Shown, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if shown.get("KillMode") == "process" && !shown.get("ExecStopPost").contains("after-stop") {
        let why = "after a stop nobody ends what a killed lictor has left";
        let remedy = "ExecStopPost=-lictor after-stop --unit %n";
        findings.push(finding(Grade::Wrong, "ExecStopPost= without lictor after-stop", why, remedy));
    }
    let drain = settings.registration.as_ref().map(|registration| registration.drain.max).unwrap_or_default();
    let needs = settings.command.kill_timeout + drain;
    if let Some(short) = shown.span("TimeoutStopUSec").filter(|allowed| *allowed < needs) {
        let [short, needs] = [short, needs].map(humantime::format_duration);
        let why = format!(
            "if lictor hangs, systemd ends it before a stop of the service is over (exec.kill_timeout and drain.max: {needs})"
        );
        findings.push(finding(
            Grade::Mind,
            &format!("TimeoutStopSec={short}"),
            &why,
            &format!("TimeoutStopSec={needs} or more"),
        ));
    }
    findings
}

/// What brings lictor back, and what keeps it from coming back.
fn life(shown: &Shown) -> Vec<Finding> {
    let mut findings = Vec::new();
    let prevented = shown.get("RestartPreventExitStatus");
    if !prevented.split_whitespace().any(|code| code == "78" || code == "CONFIG") {
        let why = "with a wrong configuration it is started again and again";
        findings.push(finding(
            Grade::Mind,
            &format!("RestartPreventExitStatus={prevented}"),
            why,
            "RestartPreventExitStatus=78",
        ));
    }
    if let Some(interval) = shown.span("StartLimitIntervalUSec").filter(|interval| !interval.is_zero()) {
        let what = format!("StartLimitIntervalSec={}", humantime::format_duration(interval));
        let why = "after a few starts in that time systemd gives up for good";
        findings.push(finding(Grade::Mind, &what, why, "StartLimitIntervalSec=0 in [Unit]"));
    }
    // Of a unit that has not been started systemd does not tell.
    let is_off = match shown.span("WatchdogUSec") {
        Some(interval) => interval.is_zero(),
        None => shown.get("ActiveState") == "active",
    };
    if is_off {
        findings.push(finding(
            Grade::Mind,
            "WatchdogSec=0",
            "a lictor that hangs is not started again",
            "WatchdogSec=30s",
        ));
    }
    if shown.get("ExecReload").is_empty() {
        let why = "`systemctl reload` does nothing";
        findings.push(finding(Grade::Mind, "ExecReload=", why, "ExecReload=lictor reload --name %i"));
    }
    findings
}

/// What lictor may use.
fn limits(shown: &Shown, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needs = settings.listen.len() as u64 * KEPT_EACH;
    if let Some(few) = shown.number("FileDescriptorStoreMax").filter(|few| *few < needs) {
        let why =
            format!("while lictor is started again, connections to the sockets of listen are lost ({needs} are kept)");
        let what = format!("FileDescriptorStoreMax={few}");
        findings.push(finding(Grade::Wrong, &what, &why, "FileDescriptorStoreMax=64"));
    }
    if let Some(few) = shown.number("LimitNOFILE").filter(|few| *few < LEAST_DESCRIPTORS) {
        let why = "lictor and the service may run out of descriptors";
        findings.push(finding(Grade::Mind, &format!("LimitNOFILE={few}"), why, "LimitNOFILE=524288"));
    }
    if let Ok(adjust @ 0..) = shown.get("OOMScoreAdjust").parse::<i64>() {
        let why = "when memory runs out, lictor is as likely to be killed as any other program";
        findings.push(finding(Grade::Mind, &format!("OOMScoreAdjust={adjust}"), why, "OOMScoreAdjust=-500"));
    }
    findings
}

/// Where lictor may write.
fn places(shown: &Shown, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_root = matches!(shown.get("User"), "" | "root" | "0");
    if !is_root && settings.admin.socket.is_none() && shown.get("RuntimeDirectory").is_empty() {
        let why = "this user cannot make the admin socket";
        findings.push(finding(Grade::Wrong, "RuntimeDirectory=", why, "RuntimeDirectory=lictor/%i"));
    }
    if !is_root && settings.state.directory.is_none() && shown.get("StateDirectory").is_empty() {
        let why = "good environments do not outlive a restart of lictor";
        findings.push(finding(Grade::Wrong, "StateDirectory=", why, "StateDirectory=lictor/%i"));
    }
    let mode = shown.get("StateDirectoryMode");
    if !shown.get("StateDirectory").is_empty() && !mode.is_empty() && mode.trim_start_matches('0') != "700" {
        let why = "others can look into the directory that holds values";
        findings.push(finding(Grade::Mind, &format!("StateDirectoryMode={mode}"), why, "StateDirectoryMode=0700"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{Finding, Grade, Shown, judged};
    use crate::config::{self, Flags, Inputs, Settings};

    const SHIPPED: &str = include_str!("../../../systemd/lictor@.service");
    /// What systemd 252 shows of a service that somebody has written without a thought of lictor.
    const BARE: &str = "LoadState=loaded\nType=simple\nNotifyAccess=none\nKillMode=control-group\nExecStopPost=\n\
                        ExecReload=\nRestart=no\nRestartPreventExitStatus=\nStartLimitIntervalUSec=10s\n\
                        TimeoutStopUSec=20s\nWatchdogUSec=0\nFileDescriptorStoreMax=0\nLimitNOFILE=512\nOOMPolicy=stop\n\
                        OOMScoreAdjust=0\nUser=billing\nRuntimeDirectory=\nStateDirectory=\nStateDirectoryMode=0755\n";
    const GOOD: &str = "LoadState=loaded\nType=notify\nNotifyAccess=main\nKillMode=process\n\
                        ExecStopPost={ path=lictor ; argv[]=lictor after-stop --unit x.service ; ignore_errors=yes }\n\
                        ExecReload={ path=lictor ; argv[]=lictor reload --name x }\nRestart=always\n\
                        RestartPreventExitStatus=78\nStartLimitIntervalUSec=0\nTimeoutStopUSec=1min 30s\nWatchdogUSec=30s\n\
                        FileDescriptorStoreMax=64\nLimitNOFILE=infinity\nOOMPolicy=continue\nOOMScoreAdjust=-500\n\
                        User=billing\nRuntimeDirectory=lictor/x\nStateDirectory=lictor/x\nStateDirectoryMode=0700\n";

    fn settings() -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.hcl");
        let text = "prefix {\n  path = \"a\"\n}\nexec {\n  command = [\"/bin/app\"]\n}\n\
                    listen \"http\" {\n  address = \"127.0.0.1:8080\"\n}\n";
        std::fs::write(&path, text).unwrap();
        let inputs = Inputs { paths: &[path], flags: &Flags::default(), command: &[], lookup: &|_: &str| None };
        config::load(inputs).unwrap().0
    }

    fn found(shown: &str) -> Vec<Finding> {
        judged("x.service", &Shown::read(shown), &settings())
    }

    #[test]
    fn a_unit_as_it_should_be_is_one_line() {
        let all = found(GOOD);
        assert_eq!((all.len(), all[0].grade), (1, Grade::Fine), "{all:#?}");
    }

    #[test]
    fn each_fault_has_its_remedy_and_the_shipped_unit_has_it_too() {
        let all = found(BARE);
        let remedy = |finding: &Finding| finding.text.rsplit_once("; set ").unwrap().1.replace(" in [Unit]", "");
        let remedies: Vec<String> = all.iter().map(remedy).collect();
        assert_eq!(remedies.len(), 14, "{all:#?}");
        for remedy in &remedies {
            let of_its_own = ["TimeoutStopSec=30s or more", "LimitNOFILE=524288"].contains(&remedy.as_str());
            assert!(of_its_own || SHIPPED.lines().any(|line| line == remedy), "{remedy} is not in the shipped unit");
        }
        let wrong = |word: &str| all.iter().any(|found| found.grade == Grade::Wrong && found.text.starts_with(word));
        for word in ["Type=simple: ", "KillMode=control-group: ", "Restart=no: ", "FileDescriptorStoreMax=0: "] {
            assert!(wrong(word), "{word}: {all:#?}");
        }
        let kept = found(&GOOD.replace("ExecStopPost={", "ExecStopPost=").replace("after-stop", "something"));
        assert!(kept.len() == 1 && kept[0].text.contains("lictor after-stop --unit %n"), "{kept:#?}");
    }

    #[test]
    fn a_unit_that_is_not_there_is_said() {
        let all = found("LoadState=not-found\nType=simple\n");
        assert!(all.len() == 1 && all[0].text.contains("not-found") && all[0].grade == Grade::Wrong, "{all:#?}");
    }
}
