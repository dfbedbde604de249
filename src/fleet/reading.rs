//! What of an instance's configuration `lictor promote` has to know: which folders of the KV store it reads and how, and
//! what a change of a variable asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layout::short_line;
use super::mark::{Key, Mark};
use crate::environment::format::Format;
use crate::environment::glob::Glob;
use crate::environment::schema::most_exact;
use crate::environment::{Environment, Mapping};
use crate::machine::policy::{KeyRule, OnChange};
use crate::secret::Secret;

/// More rules than any configuration has; a record has to stay small.
const RULES: usize = 64;

/// What an instance reads, as its configuration says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The folders, later ones win.
    pub folders: Vec<Folder>,
    /// What a change of a variable asks for.
    pub on_change: Vec<KeyRule>,
}

/// One folder of the KV store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// How a variable names it as its origin: `consul billing/`.
    pub origin: Arc<str>,
    /// Its path, with `/` at the end.
    pub path: String,
    /// The key that seals its edits, relative to it.
    pub commit_key: Option<String>,
    /// How its keys become names.
    pub mapping: Mapping,
}

/// What an instance reads, as its record shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingShown {
    /// The folders.
    #[serde(default)]
    pub folders: Vec<FolderShown>,
    /// What a change of a variable asks for; where no rule matches, a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_change: Vec<RuleShown>,
}

/// One folder, and what of it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderShown {
    /// Its path, with `/` at the end.
    pub path: String,
    /// How many of the variables that run come from it.
    #[serde(default)]
    pub variables: usize,
    /// The keyed mark of these variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// The key that seals its edits, relative to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_key: Option<String>,
    /// The path that stands before each name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The template of the names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Whether odd characters of the names become `_`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sanitize: bool,
    /// Whether the names are in upper case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upcase: bool,
}

/// What a change of the variables that match asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleShown {
    /// The label of the rule.
    pub key: String,
    /// What is asked for.
    pub on_change: OnChange,
}

impl Reading {
    /// What the record shows while this runs. Without the fleet's key nothing is said of what runs.
    pub(super) fn shown(&self, running: Option<(&Key, &Environment)>) -> ReadingShown {
        let folder = |folder: &Folder| {
            let mapping = &folder.mapping;
            let of_it = running.map(|(key, environment)| {
                let all = environment.variables().iter();
                let of_it = all.filter(|(_, variable)| variable.origin == folder.origin);
                let marks = key.marks_of(of_it.map(|(name, variable)| (name.as_str(), &variable.value)));
                (marks.iter().count(), marks.whole())
            });
            FolderShown {
                path: folder.path.clone(),
                variables: of_it.as_ref().map_or(0, |(count, _)| *count),
                mark: of_it.map(|(_, mark)| mark),
                commit_key: folder.commit_key.clone(),
                prefix: mapping.prefix.clone(),
                format: mapping.format.as_ref().map(ToString::to_string),
                sanitize: mapping.sanitize,
                upcase: mapping.upcase,
            }
        };
        // A rule for a restart counts beside one that asks for less of more variables.
        let any_milder = self.on_change.iter().any(|rule| rule.on_change != OnChange::Restart);
        let rules = self.on_change.iter().filter(|_| any_milder);
        let rule = |rule: &KeyRule| RuleShown { key: short_line(rule.label.as_str()), on_change: rule.on_change };
        ReadingShown {
            folders: self.folders.iter().map(folder).collect(),
            on_change: rules.take(RULES).map(rule).collect(),
        }
    }
}

impl ReadingShown {
    /// The folder of this path, if it is read.
    pub fn folder(&self, path: &str) -> Option<&FolderShown> {
        self.folders.iter().rev().find(|folder| folder.path == path)
    }

    /// What changes of these variables ask for together.
    pub fn asked<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> OnChange {
        let rule = |rule: &RuleShown| Some((Glob::parse(&rule.key).ok()?, rule.on_change));
        let rules: Vec<(Glob, OnChange)> = self.on_change.iter().filter_map(rule).collect();
        let of = |name| most_exact(&rules, name, |(label, _)| label).map_or(OnChange::Restart, |(_, asked)| *asked);
        names.into_iter().map(of).max().unwrap_or(OnChange::Ignore)
    }
}

impl FolderShown {
    /// How its keys become names; `None`: its template is one of a newer lictor.
    pub fn mapping(&self) -> Option<Mapping> {
        let format = self.format.as_deref().map(Format::parse).transpose().ok()?;
        Some(Mapping { prefix: self.prefix.clone(), format, sanitize: self.sanitize, upcase: self.upcase })
    }

    /// How many variables these keys make and what their mark is, by the fleet's key; the key that seals is none. Of two
    /// keys with one name the later in byte order counts, as in every environment.
    pub fn marked<'a>(
        &self,
        key: &Key,
        pairs: impl IntoIterator<Item = (&'a str, &'a Secret)>,
    ) -> Option<(usize, Mark)> {
        let mapping = self.mapping()?;
        let sealing = |name: &str| self.commit_key.as_deref() == Some(name);
        let pairs: BTreeMap<&str, &Secret> = pairs.into_iter().filter(|(name, _)| !sealing(name)).collect();
        let mut variables = BTreeMap::new();
        for (name, value) in pairs {
            if let Some(name) = mapping.name(name) {
                variables.insert(name, value);
            }
        }
        let marks = key.marks_of(variables.iter().map(|(name, value)| (name.as_str(), *value)));
        Some((variables.len(), marks.whole()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::environment::{Variable, Visibility};

    fn reading() -> Reading {
        let mapping = Mapping {
            prefix: None,
            format: Some(Format::parse("app_{{ key }}").unwrap()),
            sanitize: true,
            upcase: true,
        };
        let rule = |label: &str, on_change| KeyRule { label: Glob::parse(label).unwrap(), on_change };
        Reading {
            folders: vec![Folder {
                origin: Arc::from("consul billing/"),
                path: "billing/".into(),
                commit_key: Some(".commit".into()),
                mapping,
            }],
            on_change: vec![
                rule("APP_LOG_*", OnChange::Reload),
                rule("APP_LOG_FILE", OnChange::Restart),
                rule("APP_NOTE", OnChange::Ignore),
            ],
        }
    }

    #[test]
    fn a_folder_and_what_runs_of_it_have_one_mark() {
        let key = Key::new(&[7; 32]);
        let variable = |value: &str, origin: &str| Variable::new(value.into(), Arc::from(origin), Visibility::Secret);
        let environment = Environment::new(BTreeMap::from([
            ("APP_DB_HOST".to_owned(), variable("db", "consul billing/")),
            ("APP_PORT".to_owned(), variable("80", "consul billing/")),
            ("OTHER".to_owned(), variable("x", "custom")),
        ]));
        let shown = reading().shown(Some((&key, &environment)));
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("\"db\"") && !text.contains("\"80\""), "{text}");
        let shown: ReadingShown = serde_json::from_str(&text).unwrap();
        let folder = shown.folder("billing/").unwrap();
        let (db, port, seal) = ("db".into(), "80".into(), "1".into());
        let mark = |pairs: Vec<(&'static str, &Secret)>| folder.marked(&key, pairs.clone()).unwrap();
        let same = mark(vec![("db/host", &db), ("port", &port), (".commit", &seal)]);
        assert_eq!((2, folder.mark.clone().unwrap()), same);
        assert_ne!(mark(vec![("db/host", &port), ("port", &port)]).1, same.1);
        assert_ne!(mark(vec![("db/host", &db)]).1, same.1);
    }

    #[test]
    fn the_rules_say_what_a_change_asks_for() {
        let shown = reading().shown(None);
        for (names, asked) in [
            (&["APP_NOTE"][..], OnChange::Ignore),
            (&["APP_NOTE", "APP_LOG_LEVEL"], OnChange::Reload),
            (&["APP_LOG_LEVEL", "APP_PORT"], OnChange::Restart),
            (&["APP_LOG_FILE"], OnChange::Restart),
            (&[], OnChange::Ignore),
        ] {
            assert_eq!(shown.asked(names.iter().copied()), asked, "{names:?}");
        }
    }
}
