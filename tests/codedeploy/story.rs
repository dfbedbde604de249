//! The whole story, on two hosts behind a load balancer: deployments, changes of the configuration, a bad value, a bad
//! build; and no request is lost from beginning to end.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::bundle;
use crate::host::Host;
use crate::wait::eventually;

/// Requests a second.
const RATE: u32 = 100;
/// Both hosts are in one network of their own.
const ADDRESSES: [&str; 2] = ["10.97.0.1", "10.97.0.2"];
/// Where clients find the service.
const BALANCER: &str = "10.97.0.1:9090";

const PROGRAMS: [&str; 3] = ["consul", "consul-template", "telegraf"];

/// Times short enough for a test, and room for the load balancer.
const QUICK: &str = r#"
fleet {
  bake = "1s"
}
drain {
  wait  = "700ms"
  quiet = "300ms"
  max   = "20s"
}
apply {
  watch = "5s"
}
"#;

fn hosts() -> [Host; 2] {
    let hosts = [Host::booted(&PROGRAMS, QUICK), Host::booted(&PROGRAMS, QUICK)];
    let [one, two] = hosts.each_ref().map(|host| host.rig().pid().to_string());
    let linked = Command::new("ip")
        .args(["link", "add", "eth0", "netns", &one, "type", "veth", "peer", "name", "eth0", "netns", &two])
        .output()
        .unwrap();
    assert!(linked.status.success(), "{linked:?}");
    for (host, address) in hosts.iter().zip(ADDRESSES) {
        host.rig().done(&format!("ip address add {address}/24 dev eth0"));
        host.rig().done("ip link set eth0 up");
        let [first, _] = ADDRESSES;
        let joins = if address == first {
            "-server -bootstrap-expect=1".to_owned()
        } else {
            format!("-retry-join={first} -retry-interval=1s")
        };
        let node = if address == first { "host-a" } else { "host-b" };
        host.rig().done(&format!(
            "systemd-run --quiet --unit consul consul agent {joins} -node {node} -bind {address} -data-dir /var/lib/consul \
             -config-dir /etc/consul.d -log-level warn"
        ));
    }
    for host in &hosts {
        eventually("both agents are in the cluster", || {
            let members = host.rig().run("consul catalog nodes");
            let text = String::from_utf8_lossy(&members.stdout).into_owned();
            (text.contains("host-a") && text.contains("host-b")).then_some(())
        });
    }
    hosts[0].put("WORKERS", "4");
    hosts[0].put("DATABASE_FILE", "/var/lib/billing/database");
    hosts
}

/// Telegraf, as it comes; what it takes stands in a file.
fn watch(host: &Host) {
    host.rig().write(
        "/srv/telegraf.conf",
        "[agent]\n  interval = \"1s\"\n  flush_interval = \"1s\"\n[[inputs.statsd]]\n  service_address = \"127.0.0.1:8125\"\n  \
         metric_separator = \".\"\n[[outputs.file]]\n  files = [\"/srv/metrics\"]\n  data_format = \"influx\"\n",
    );
    host.rig().done("systemd-run --quiet --unit telegraf telegraf --config /srv/telegraf.conf");
}

/// nginx, whose list of servers consul-template writes.
fn balance(host: &Host) {
    let rig = host.rig();
    rig.write(
        "/srv/servers.ctmpl",
        "{{ range service \"billing\" }}server {{ .Address }}:{{ .Port }} max_fails=0;\n{{ else }}server 127.0.0.1:1;\n{{ end }}",
    );
    rig.write(
        "/srv/nginx.conf",
        &format!(
            "daemon off;\nuser root;\npid /run/nginx.pid;\nerror_log /srv/nginx.errors;\nevents {{ }}\nhttp {{\n  access_log off;\n  \
             upstream billing {{\n    include /srv/servers.conf;\n    keepalive 32;\n  }}\n  server {{\n    listen {BALANCER};\n    \
             location / {{\n      proxy_pass http://billing;\n      proxy_next_upstream off;\n      proxy_http_version 1.1;\n      \
             proxy_set_header Connection \"\";\n    }}\n  }}\n}}\n"
        ),
    );
    rig.write(
        "/srv/template.hcl",
        "template {\n  source = \"/srv/servers.ctmpl\"\n  destination = \"/srv/servers.conf\"\n  \
         command = \"test ! -s /run/nginx.pid || kill -HUP $(cat /run/nginx.pid)\"\n}\n",
    );
    rig.done("consul-template -config /srv/template.hcl -once");
    rig.done("systemd-run --quiet --unit balancer nginx -c /srv/nginx.conf");
    rig.done("systemd-run --quiet --unit consul-template consul-template -config /srv/template.hcl");
}

/// Waits until the load balancer sends requests to so many hosts.
fn until_before(host: &Host, count: usize) {
    eventually(&format!("{count} hosts are in traffic"), || {
        let list = fs::read_to_string(host.rig().path("/srv/servers.conf")).unwrap();
        (list.matches(":8080").count() == count).then_some(())
    });
}

/// Clients, until their stdin is closed.
fn clients(host: &Host) -> Child {
    let load = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/load");
    Command::new("nsenter")
        .args(["--net", "--target", &host.rig().pid().to_string()])
        .arg(load)
        .args(["-url", &format!("http://{BALANCER}/"), "-rate", &RATE.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until both serve with this state of their config.
fn until_both(hosts: &[Host; 2], what: &str, predicate: impl Fn(&Value) -> bool) {
    for host in hosts {
        host.until(what, |board| board["healthy"] == true && board["traffic"] == "in" && predicate(board));
    }
    until_before(&hosts[0], 2);
}

fn is_good(board: &Value) -> bool {
    board["config"]["state"] == "good" && board["config"]["settled"] == true && board["candidate"].is_null()
}

#[test]
fn from_the_first_deployment_to_a_bad_build_no_request_is_lost() {
    let hosts = hosts();
    let [one, two] = &hosts;
    hosts.iter().for_each(watch);
    let mut agents = [one.agent(), two.agent()];
    for agent in &agents {
        agent.deploy(&bundle::old()).succeeded();
    }
    balance(one);
    until_both(&hosts, "deployed", is_good);
    let mut load = clients(one);

    // A change of the configuration: one host after the other.
    let before = hosts.each_ref().map(Host::pid);
    one.put("WORKERS", "8");
    for (host, before) in hosts.iter().zip(before) {
        host.until("on the new value", |board| is_good(board) && board["process"]["pid"] != before);
    }
    until_both(&hosts, "changed", is_good);

    // A bad one: one host takes it back, and the other one stops on it.
    let before = hosts.each_ref().map(Host::pid);
    one.put("WORKERS", "many");
    until_both(&hosts, "taken back, or stopped on", |board| {
        board["config"]["state"] == "reverted" || board["config"]["state"] == "halted"
    });
    let untouched = hosts.iter().zip(before).filter(|(host, before)| host.pid() == *before).count();
    assert_eq!(untouched, 1, "it was tried on one host");
    one.put("WORKERS", "8");
    until_both(&hosts, "mended", is_good);

    // A bad build: the deployment to the first host fails, the second one is not touched, and a rollback heals.
    agents[0].variables = vec![("VALIDATE_TIMEOUT", "1s")];
    let bad = agents[0].deploy(&bundle::broken());
    assert!(bad.failed_in("check_service.sh").last_line().starts_with("no: "), "{bad:#?}");
    two.runs("1.214");
    agents[0].variables = vec![("VALIDATE_TIMEOUT", "15s")];
    agents[0].deploy(&bundle::old()).succeeded();
    until_both(&hosts, "rolled back", is_good);

    // And a good one, on one host after the other.
    for (host, agent) in hosts.iter().zip(&agents) {
        agent.deploy(&bundle::new()).succeeded();
        host.runs("1.215");
        until_both(&hosts, "deployed", is_good);
    }

    drop(load.stdin.take());
    let tally: Value = serde_json::from_slice(&load.wait_with_output().unwrap().stdout).unwrap();
    assert!(tally["sent"].as_u64().unwrap() > 1000, "{tally}");
    assert_eq!(tally["failed"], 0, "{tally}");

    // All of it stands in the metrics.
    let metrics = |host: &Host| fs::read_to_string(host.rig().path("/srv/metrics")).unwrap_or_default();
    eventually("Telegraf has heard of all of it", || {
        let told = hosts.iter().map(metrics).collect::<String>();
        let counted = |name: &str, tag: &str| told.lines().any(|line| line.starts_with(name) && line.contains(tag));
        let changes = ["applied", "reverted", "halted"]
            .iter()
            .all(|result| counted("lictor.config.changes", &format!("result={result}")));
        (changes
            && counted("lictor.fleet.turns", "result=good")
            && counted("lictor.fleet.turn_wait_ms", "")
            && counted("lictor.drain_ms", ""))
        .then_some(())
    });
}
