//! From JSON to words and values. `serde_json` provides the raw text of each value, so its place in the file is known.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::place::{Page, Place};
use super::report::Report;
use super::tree::{Entry, Node, Object, Value};

/// The deepest nesting, the same as for HCL.
const MAX_DEPTH: usize = 64;

/// Reads a file, and reports what is wrong with it.
pub(crate) fn read(page: &Page<'_>, report: &mut Report) -> Object {
    if page.text().trim().is_empty() {
        return Object::default();
    }
    let raw: &RawValue = match serde_json::from_str(page.text()) {
        Ok(raw) => raw,
        Err(error) => {
            report.unreadable(&page.at(error.line(), error.column().max(1)), plain(&error));
            return Object::default();
        }
    };
    let node = Walk { page, report }.node(raw, 0);
    match node.value {
        Value::Object(object) => object,
        Value::Broken => Object::default(),
        _ => {
            report.unreadable(&node.place, "the whole file must be one object: { ... }");
            Object::default()
        }
    }
}

struct Walk<'a> {
    page: &'a Page<'a>,
    report: &'a mut Report,
}

impl Walk<'_> {
    fn node(&mut self, raw: &RawValue, depth: usize) -> Node {
        let place = self.place(raw);
        let value = self.value(raw, depth).unwrap_or_else(|sentence| {
            self.report.error(&place, sentence);
            Value::Broken
        });
        Node { place, value }
    }

    fn value(&mut self, raw: &RawValue, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("this is nested too deeply".to_owned());
        }
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'{') => {
                let members: Members<'_> = parse(text)?;
                let entries = members.0.into_iter().map(|(word, raw)| {
                    let Node { place, value } = self.node(raw, depth + 1);
                    Entry::attribute(word, place, value)
                });
                Ok(Value::Object(Object { entries: entries.collect() }))
            }
            Some(b'[') => {
                let nodes: Vec<Node> =
                    parse::<Vec<&RawValue>>(text)?.into_iter().map(|raw| self.node(raw, depth + 1)).collect();
                let broken = nodes.iter().any(|node| node.value == Value::Broken);
                Ok(if broken { Value::Broken } else { Value::List(nodes) })
            }
            Some(b'"') => parse(text).map(Value::Text),
            Some(b't' | b'f') => parse(text).map(Value::Bool),
            Some(b'n') => Err("null is not a value: leave the word out".to_owned()),
            _ => number(text),
        }
    }

    fn place(&self, raw: &RawValue) -> Place {
        let offset = (raw.get().as_ptr() as usize).saturating_sub(self.page.text().as_ptr() as usize);
        self.page.place(offset)
    }
}

fn number(text: &str) -> Result<Value, String> {
    let number: serde_json::Number = parse(text)?;
    let float = || number.as_f64().map(Value::Float);
    number.as_i64().map(Value::Integer).or_else(float).ok_or_else(|| "this number is out of range".to_owned())
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| plain(&error))
}

/// The message without the position, because that is relative to the value.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

/// The members of an object in the order of the file, including names that occur twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Each<'a> {
            type Value = Members<'a>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each(std::marker::PhantomData))
    }
}
