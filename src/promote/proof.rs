//! Proves that a set is good at its source: on every live instance of the fleet there.

use std::fmt;

use crate::consul::kv::Pair;
use crate::fleet::operator::Picture;
use crate::fleet::{InstanceRecord, Key};

/// The set is good on this many instances, which are all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proved {
    /// Their number.
    pub instances: usize,
}

/// Why the set is not proved: a sentence for each reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproved {
    /// The reasons.
    pub reasons: Vec<String>,
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons.join("; "))
    }
}

/// Compares the folder's present contents with what the instances run according to their records.
///
/// # Errors
/// The set is not good on every live instance, or that is not known.
pub fn prove(folder: &str, pairs: &[Pair], picture: &Picture, key: Option<&Key>) -> Result<Proved, Unproved> {
    let mut reasons: Vec<String> =
        picture.foreign.iter().map(|key| format!("{key} is not a record that can be read")).collect();
    match key {
        _ if picture.instances.is_empty() => reasons.push("no live instance has a record in the fleet's folder".into()),
        None => reasons.push("the fleet's key of the marks cannot be read".into()),
        Some(key) => {
            let lacks =
                |record: &InstanceRecord| Some(format!("{}: {}", record.member, lack(folder, pairs, record, key)?));
            reasons.extend(picture.instances.iter().filter_map(lacks));
        }
    }
    if reasons.is_empty() { Ok(Proved { instances: picture.instances.len() }) } else { Err(Unproved { reasons }) }
}

fn lack(folder: &str, pairs: &[Pair], record: &InstanceRecord, key: &Key) -> Option<String> {
    let shown = &record.shown;
    if shown.state != "good" || !shown.settled {
        return Some(shown.note.clone().unwrap_or_else(|| format!("its config is {}, not good", shown.state)));
    }
    let Some(reading) = &shown.reading else {
        return Some("its lictor is older and does not say which folders it reads".into());
    };
    let Some(read) = reading.folder(folder) else { return Some(format!("it does not read {folder}")) };
    let pairs = pairs.iter().map(|pair| (pair.key.as_str(), &pair.value));
    match read.marked(key, pairs) {
        Some((variables, mark)) if variables == read.variables && Some(&mark) == read.mark.as_ref() => None,
        Some((variables, _)) if variables > read.variables => Some(format!(
            "it runs {} of the {variables} variables that {folder} makes: the rest is overridden or has not arrived",
            read.variables
        )),
        _ => Some(format!("what it runs of {folder} is not what the folder holds now")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::plan::tests::pairs;
    use super::*;

    fn key() -> Key {
        Key::new(&[1; 32])
    }

    fn picture(instances: &[Value]) -> Picture {
        let instances = instances.iter().map(|record| serde_json::from_value(record.clone()).unwrap()).collect();
        Picture { instances, ..Picture::default() }
    }

    /// A record of an instance that runs these keys.
    fn record(node: &str, state: &str, keys: &[(&str, &str)]) -> Value {
        let values: Vec<_> = keys.iter().map(|(key, value)| (*key, crate::secret::Secret::from(*value))).collect();
        let folder = crate::fleet::FolderShown::default();
        let (variables, mark) = folder.marked(&key(), values.iter().map(|(key, value)| (*key, value))).unwrap();
        json!({
            "node": node, "id": "billing", "state": state, "settled": true,
            "reading": { "folders": [{ "path": "b/", "variables": variables, "mark": mark }] },
        })
    }

    fn reasons(instances: &[Value], keys: &[(&str, &str)]) -> String {
        prove("b/", &pairs(keys), &picture(instances), Some(&key())).map_or_else(|no| no.to_string(), |_| String::new())
    }

    #[test]
    fn it_is_proved_when_every_instance_runs_it_and_is_good() {
        let keys = [("A", "1"), ("B", "2")];
        let all = [record("a", "good", &keys), record("b", "good", &keys)];
        assert_eq!(prove("b/", &pairs(&keys), &picture(&all), Some(&key())), Ok(Proved { instances: 2 }));
    }

    #[test]
    fn what_is_missing_is_said_of_each_instance() {
        let keys = [("A", "1"), ("B", "2")];
        let good = record("a", "good", &keys);
        for (instances, part) in [
            (vec![], "no live instance"),
            (vec![good.clone(), record("b", "trial", &keys)], "billing on b: its config is trial, not good"),
            (vec![record("b", "good", &[("A", "1")])], "it runs 1 of the 2 variables"),
            (vec![record("b", "good", &[("A", "x"), ("B", "2")])], "is not what the folder holds now"),
            (vec![json!({"node": "o", "id": "x", "state": "good", "settled": true})], "its lictor is older"),
        ] {
            assert!(reasons(&instances, &keys).contains(part), "{part}: {}", reasons(&instances, &keys));
        }
        assert!(prove("b/", &pairs(&keys), &picture(&[good]), None).is_err());
    }
}
