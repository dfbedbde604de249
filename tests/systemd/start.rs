//! What `systemctl start` waits for, and what there is then.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use tokio::time::Instant;

use crate::rig::{Rig, UNIT, USER, is_good};

#[test]
fn start_returns_when_the_service_is_healthy_and_all_is_in_its_place() {
    let rig = Rig::boot("admin {\n  group = \"web\"\n}\n");
    rig.drop_in("SupplementaryGroups=web\n");
    rig.set("SLOW_START", "1s");
    let start = Instant::now();
    rig.done(&format!("systemctl start {UNIT}"));
    assert!(start.elapsed() >= Duration::from_secs(1), "it returned before the service listened");
    assert_eq!(rig.property("ActiveState"), "active");
    let status = rig.property("StatusText");
    assert!(status.starts_with("svc 1.214 up, healthy; config "), "{status}");

    // Both run as the instance's user, who owns the folders.
    for pid in [rig.property("MainPID"), rig.service().to_string()] {
        assert_eq!(fs::metadata(rig.path(&format!("/proc/{pid}"))).unwrap().uid(), USER, "{pid}");
    }
    for (folder, mode) in [("/run/lictor/svc", 0o755), ("/var/lib/lictor/svc", 0o700)] {
        let folder = fs::metadata(rig.path(folder)).unwrap();
        assert_eq!((folder.uid(), folder.mode() & 0o777), (USER, mode));
    }
    let socket = fs::metadata(rig.path("/run/lictor/svc/svc.sock")).unwrap();
    assert_eq!((socket.gid(), socket.mode() & 0o777), (USER + 1, 0o660), "admin.group can be set in the sandbox");
    // Who has just logged in has no $RUNTIME_DIRECTORY.
    for words in ["lictor status", "lictor status --name svc"] {
        let text = rig.done(words);
        assert!(text.starts_with("svc  up, healthy"), "{text}");
    }
    let environment = fs::read(rig.path(&format!("/proc/{}/environ", rig.service()))).unwrap();
    for name in ["NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID="] {
        assert!(!environment.windows(name.len()).any(|part| part == name.as_bytes()), "the service sees {name}");
    }
}

#[test]
fn a_service_that_does_not_get_healthy_is_started_at_the_deadline_with_the_reason() {
    let rig = Rig::boot("");
    // Without more time being asked for, this would be over long before.
    rig.drop_in("TimeoutStartSec=1s\n");
    rig.set("SICK", "1");
    let start = Instant::now();
    rig.done(&format!("systemctl start {UNIT}"));
    assert!(start.elapsed() >= Duration::from_secs(3), "before apply.deadline");
    let status = rig.property("StatusText");
    assert!(status.starts_with("svc 1.214 starting: Web is Unhealthy ("), "{status}");
    assert_eq!(rig.property("NRestarts"), "0");
    // It is the same lictor, and still at work.
    rig.unset("SICK");
    rig.until("StatusText", "healthy on the new wish", is_good);
}

#[test]
fn while_a_source_is_waited_for_the_status_says_for_which() {
    let rig = Rig::boot("prefix {\n  path = \"billing/\"\n}\nstate {\n  boot_grace = \"1s\"\n}\n");
    rig.done(&format!("systemctl start --no-block {UNIT}"));
    let status = rig.until("StatusText", "Consul is missed", |status| status.contains(": "));
    assert!(status.starts_with("svc not started; waiting for consul billing/: "), "{status}");
    assert_eq!(rig.property("ActiveState"), "activating");
    rig.until("ActiveState", "started at the deadline", |state| state == "active");
    assert_eq!(rig.property("StatusText"), status);
}

#[test]
fn each_instance_has_its_own_user_and_folders_and_is_found_by_its_name() {
    let rig = Rig::boot("");
    rig.write("/etc/lictor/web.hcl", WEB);
    rig.done("systemctl start lictor@svc lictor@web");
    let several = rig.run("lictor status");
    assert_eq!(several.status.code(), Some(2), "{several:?}");
    assert!(String::from_utf8_lossy(&several.stderr).contains("svc, web; say which with --name"), "{several:?}");
    let text = rig.done("lictor status --name web");
    assert!(text.starts_with("web  up, healthy"), "{text}");
    let folder = fs::metadata(rig.path("/run/lictor/web")).unwrap();
    assert_eq!(folder.uid(), USER + 1);
    // The end of one takes nothing of the other's away.
    rig.done("systemctl stop lictor@web");
    let text = rig.done("lictor status");
    assert!(text.starts_with("svc  up, healthy"), "{text}");
}

const WEB: &str = r#"
directory {
  path = "/srv/conf.d"
}
exec {
  command = ["/usr/local/bin/billing", "-addr", "127.0.0.1:8081"]
}
status {
  address = "127.0.0.1:8128"
}
"#;
