//! `appspec.yml`: the part of YAML that people write into it, and the agent's rules about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::diagnostics::Diagnostics;

/// All events of a deployment in place, in their order. `DownloadBundle` and `Install` are the agent's own.
pub const EVENTS: [&str; 7] = [
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];

/// What an appspec says.
#[derive(Debug)]
pub struct AppSpec {
    /// Source in the bundle, destination on the host.
    pub files: Vec<(String, String)>,
    /// `file_exists_behavior`.
    pub exists: Exists,
    pub permissions: Vec<Permission>,
    pub hooks: BTreeMap<String, Vec<Script>>,
}

/// What happens to a file that is there and is not the last deployment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exists {
    Disallow,
    Overwrite,
    Retain,
}

#[derive(Debug)]
pub struct Permission {
    pub object: String,
    pub pattern: String,
    pub owner: Option<String>,
    pub group: Option<String>,
    pub mode: Option<u32>,
}

#[derive(Debug)]
pub struct Script {
    pub location: String,
    /// In seconds.
    pub timeout: u64,
    pub runas: Option<String>,
}

impl AppSpec {
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let text = fs::read_to_string(path).map_err(|error| Diagnostics::of_agent(format!("appspec.yml: {error}")))?;
        Self::parse(&text).map_err(Diagnostics::of_agent)
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<(usize, String)> = text
            .lines()
            .map(|line| line.split(" #").next().unwrap().trim_end())
            .filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
            .map(|line| (line.len() - line.trim_start().len(), line.trim_start().to_owned()))
            .collect();
        let mut lines = lines.as_slice();
        let root = block(&mut lines, 0)?;
        if root["version"] != "0.0" || root["os"] != "linux" {
            return Err("version must be the number 0.0, and os linux".to_owned());
        }
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let word = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
        let need = |value: &Value, name: &str| word(value, name).ok_or_else(|| format!("{name} is missing in {value}"));
        let mut hooks = BTreeMap::new();
        for (event, scripts) in root["hooks"].as_object().cloned().unwrap_or_default() {
            if !EVENTS.contains(&event.as_str()) || matches!(event.as_str(), "DownloadBundle" | "Install") {
                return Err(format!("unknown hook {event}"));
            }
            let script = |script: &Value| {
                let timeout = word(script, "timeout").map_or(Ok(3600), |timeout| timeout.parse());
                let timeout = timeout.map_err(|error| format!("timeout: {error}"))?;
                Ok(Script { location: need(script, "location")?, timeout, runas: word(script, "runas") })
            };
            hooks.insert(event, list(&scripts).iter().map(script).collect::<Result<_, String>>()?);
        }
        let permission = |value: &Value| {
            Ok(Permission {
                object: need(value, "object")?,
                pattern: word(value, "pattern").unwrap_or_else(|| "**".to_owned()),
                owner: word(value, "owner"),
                group: word(value, "group"),
                mode: word(value, "mode").map(|mode| self::mode(&mode)).transpose()?,
            })
        };
        Ok(Self {
            files: list(&root["files"])
                .iter()
                .map(|file| Ok((need(file, "source")?, need(file, "destination")?)))
                .collect::<Result<_, String>>()?,
            exists: match root["file_exists_behavior"].as_str() {
                None | Some("DISALLOW") => Exists::Disallow,
                Some("OVERWRITE") => Exists::Overwrite,
                Some("RETAIN") => Exists::Retain,
                Some(other) => return Err(format!("file_exists_behavior: {other}")),
            },
            permissions: list(&root["permissions"]).iter().map(permission).collect::<Result<_, String>>()?,
            hooks,
        })
    }
}

/// An unquoted number with a leading zero is octal to YAML before the agent sees it, and then another number.
fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    if digits.is_none() && text.starts_with('0') {
        return Err(format!(
            "mode: {text} is read as an octal number, and then as another mode: write it without the 0"
        ));
    }
    u32::from_str_radix(digits.unwrap_or(text), 8).map_err(|error| format!("mode: {text}: {error}"))
}

/// A mapping or a sequence whose lines begin at this column; scalars stay as they are written.
fn block(lines: &mut &[(usize, String)], column: usize) -> Result<Value, String> {
    let mut map = Map::new();
    let mut items = Vec::new();
    while let Some((at, text)) = lines.first().cloned().filter(|(at, _)| *at >= column) {
        if at > column {
            return Err(format!("{text:?} is indented too far"));
        }
        let deeper = |lines: &[(usize, String)]| lines.first().map(|line| line.0).filter(|next| *next > at);
        if let Some(item) = text.strip_prefix("- ") {
            if !item.contains(": ") && !item.ends_with(':') {
                items.push(item.into());
                *lines = &lines[1..];
                continue;
            }
            let inner = at + 2;
            let mut own: Vec<(usize, String)> = vec![(inner, item.to_owned())];
            *lines = &lines[1..];
            while let Some(line) = lines.first().filter(|line| line.0 > at) {
                own.push(line.clone());
                *lines = &lines[1..];
            }
            items.push(block(&mut own.as_slice(), inner)?);
            continue;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| format!("{text:?} is no `name: value`"))?;
        *lines = &lines[1..];
        let value = match (value.trim(), deeper(lines)) {
            ("", Some(inner)) => block(lines, inner)?,
            (scalar, None) if !scalar.starts_with(['&', '*', '{', '[', '|', '>']) => scalar.into(),
            (scalar, _) => return Err(format!("{name}: {scalar:?} is not understood here")),
        };
        if map.insert(name.to_owned(), value).is_some() {
            return Err(format!("{name} twice"));
        }
    }
    match (map.is_empty(), items.is_empty()) {
        (false, true) => Ok(map.into()),
        (true, _) => Ok(items.into()),
        (false, false) => Err("a mapping and a sequence in one".to_owned()),
    }
}
