//! What lictors would write into the fleet's folder.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::Consul;

/// Now, in Unix milliseconds.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// An instance that is well.
pub fn instance(node: &str, version: &str) -> Value {
    json!({
        "v": 1, "node": node, "id": "billing", "service": "billing", "owner": "00", "limit": "1", "at": now(),
        "ready": true, "healthy": true, "on_trial": false, "phase": "up", "version": version, "installed": version,
        "settled": true, "state": "good", "config": "3fa9c0ffee12bead",
        "details": {
            "started": now() - 7_200_000, "in_use_since": now() - 3_600_000, "variables": 12, "restarts": 1,
            "checks": [{ "name": "Database", "role": "readiness", "state": "passing", "since": now() - 7_000_000 }],
        },
    })
}

/// The same with a change at this step.
pub fn at_step(node: &str, version: &str, state: &str, step: &str) -> Value {
    let mut record = instance(node, version);
    record["state"] = state.into();
    record["settled"] = false.into();
    if step == "trial" {
        record["config"] = "b00b1e5000000000".into();
    }
    record["on_trial"] = (step == "trial").into();
    record["details"]["candidate"] =
        json!({ "change": "c0ffee", "step": step, "since": now() - 4_000, "keys": ["GREETING", "POOL_SIZE"] });
    record
}

pub fn put(consul: &Consul, service: &str, record: &Value) {
    let node = record["node"].as_str().unwrap();
    consul.put(&format!("lictor/{service}/instances/{node},billing"), record.to_string());
}

/// What an instance tells of the last day.
pub fn tell(consul: &Consul, service: &str, node: &str, events: &Value) {
    let record = json!({ "v": 1, "node": node, "id": "billing", "version": "1.215", "events": events });
    consul.put(&format!("lictor/{service}/history/{node},billing"), record.to_string());
}

/// Five hosts: a deployment in the morning, a good change, a bad one that is halted, an outage.
pub fn a_day(consul: &Consul, service: &str) {
    let hours = |hours: u64| now() - hours * 3_600_000;
    for (place, node) in ["host-a", "host-b", "host-c", "host-d", "host-e"].into_iter().enumerate() {
        let place = place as u64;
        let mut record = instance(node, if place == 4 { "1.214" } else { "1.215" });
        let later = place * 40_000;
        let steps = json!({ "settling": 400, "turn": 1 + later, "switched": 1_800, "trial": 10_200 });
        let written = json!([{ "key": "POOL_SIZE", "source": "consul billing/", "index": 4711, "flags": 42, "session": "5e55-10" }]);
        let mut events = vec![
            json!({ "at": hours(20) + later, "what": "deployed", "version": "1.215", "why": "1.214 before" }),
            json!({ "at": hours(9) + later, "what": "applied", "change": "900d", "keys": ["POOL_SIZE"], "steps": steps, "written": written }),
        ];
        if place == 1 {
            events.push(json!({ "at": hours(3), "what": "reverted", "change": "bad5e7", "keys": ["DATABASE_URL"],
                "why": "exited with 1", "steps": { "switched": 900, "trial": 2_300 } }));
            record["state"] = "reverted".into();
            record["note"] = "Reverted: exited with 1".into();
        } else {
            events.push(json!({ "at": hours(3) + 900, "what": "halted", "change": "bad5e7", "keys": ["DATABASE_URL"],
                "why": "taken back by billing on host-b: exited with 1" }));
            record["state"] = "halted".into();
            record["note"] = "Halted: taken back by billing on host-b: exited with 1".into();
        }
        if place == 3 {
            events.push(json!({ "at": hours(1), "what": "outage", "why": "killed by SIGSEGV", "took_ms": 95_000 }));
        }
        put(consul, service, &record);
        tell(consul, service, node, &json!(events));
    }
    let halt = json!({ "state": "halt", "by": { "node": "host-b", "id": "billing" }, "reason": "exited with 1",
        "at": hours(3), "pairs": { "DATABASE_URL": "00ff00ff00ff00ff" } });
    consul.put(&format!("lictor/{service}/rollout/bad5e7"), halt.to_string());
}
