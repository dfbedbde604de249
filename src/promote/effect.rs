//! What the target's instances would do with a plan, according to their records.

use super::plan::Plan;
use crate::fleet::operator::Picture;
use crate::machine::policy::OnChange;

/// The numbers of instances by what they would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// They restart, in turns.
    pub restart: usize,
    /// They get the reload signal.
    pub reload: usize,
    /// They run on; the change counts from their next start on.
    pub ignore: usize,
    /// Their records do not show it.
    pub unknown: usize,
}

/// What the plan means for the instances that read this folder.
pub fn effect(plan: &Plan, folder: &str, picture: &Picture) -> Effect {
    let mut effect = Effect::default();
    for record in &picture.instances {
        let Some(reading) = &record.shown.reading else {
            effect.unknown += 1;
            continue;
        };
        let Some(read) = reading.folder(folder) else { continue };
        let Some(mapping) = read.mapping() else {
            effect.unknown += 1;
            continue;
        };
        let names: Vec<String> = plan.changes.iter().filter_map(|change| mapping.name(&change.key)).collect();
        match reading.asked(names.iter().map(String::as_str)) {
            OnChange::Restart => effect.restart += 1,
            OnChange::Reload => effect.reload += 1,
            OnChange::Ignore => effect.ignore += 1,
        }
    }
    effect
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plan::tests::pairs;
    use super::super::plan::{Rules, Sealing};
    use super::*;

    #[test]
    fn each_instance_goes_by_its_own_rules() {
        let rules = json!([{ "key": "LOG_*", "on_change": "reload" }, { "key": "NOTE", "on_change": "ignore" }]);
        let folder = |path: &str| json!([{ "path": path, "upcase": true }]);
        let record = |reading: serde_json::Value| {
            serde_json::from_value(json!({ "node": "n", "id": "i", "reading": reading })).unwrap()
        };
        let picture = Picture {
            instances: vec![
                record(json!({ "folders": folder("b/"), "on_change": rules })),
                record(json!({ "folders": folder("b/") })),
                record(json!({ "folders": folder("other/") })),
                record(json!(null)),
            ],
            ..Picture::default()
        };
        let plan =
            |key: &str| Plan::between(&pairs(&[(key, "1")]), &[], &Rules::default(), Sealing::default()).unwrap();
        let of = |key: &str| effect(&plan(key), "b/", &picture);
        assert_eq!(of("log_level"), Effect { restart: 1, reload: 1, ignore: 0, unknown: 1 });
        assert_eq!(of("note"), Effect { restart: 1, reload: 0, ignore: 1, unknown: 1 });
        assert_eq!(of("port"), Effect { restart: 2, reload: 0, ignore: 0, unknown: 1 });
    }
}
