//! The page: JSON, read from front to back, so that a hostile one takes no more memory than its text.

mod clean;
mod name;
mod runtime;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

pub use runtime::Runtime;

use super::settings::Rules;
use walk::Walk;

/// One number that the service publishes.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Words of `[a-z0-9_]` with dots between them.
    pub name: String,
    /// What it is sent as.
    pub sent_as: SentAs,
    /// Finite.
    pub value: f64,
}

/// What a number is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentAs {
    /// Its value.
    Gauge,
    /// What it has grown by: it only grows.
    Counter,
}

/// What a page says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The runtime's numbers, if `memstats` is published.
    pub runtime: Option<Runtime>,
    /// How many there are, if that is published under a name by which it is known.
    pub goroutines: Option<f64>,
    /// The service's own that are allowed, by name.
    pub numbers: Vec<Number>,
    /// Allowed, but too many, too deep, or of a name that another one has.
    pub left_out: usize,
    /// Values that are not JSON: `NaN`, an infinity, or nothing.
    pub not_json: usize,
}

/// This is not what `expvar` writes.
#[derive(Debug, thiserror::Error)]
#[error("it is not what Go's expvar writes (line {}, column {})", .0.line(), .0.column())]
pub struct PageError(serde_json::Error);

/// Reads a page.
pub fn read(body: &[u8], rules: &Rules) -> Result<Page, PageError> {
    let cleaned = clean::clean(body);
    let mut reader = serde_json::Deserializer::from_str(&cleaned.json);
    let page = Top(rules).deserialize(&mut reader).map_err(PageError)?;
    reader.end().map_err(PageError)?;
    Ok(Page { not_json: cleaned.nulls, ..page })
}

/// Names that people give to `runtime.NumGoroutine()`.
const GOROUTINES: [&str; 5] = ["goroutines", "num_goroutine", "num_goroutines", "numgoroutine", "numgoroutines"];

/// What is found on the way.
#[derive(Debug)]
struct Found<'a> {
    rules: &'a Rules,
    numbers: BTreeMap<String, (SentAs, f64)>,
    goroutines: Option<f64>,
    left_out: usize,
}

impl Found<'_> {
    fn take(&mut self, path: &[String], value: f64) {
        if let [word] = path
            && GOROUTINES.iter().any(|known| word.eq_ignore_ascii_case(known))
        {
            self.goroutines = Some(value);
            return;
        }
        let Some(name) = name::of(path) else {
            self.left_out += 1;
            return;
        };
        if !value.is_finite() || !self.rules.allow.iter().any(|glob| glob.matches(&name)) {
            return;
        }
        if self.numbers.len() >= self.rules.max_series || self.numbers.contains_key(&name) {
            self.left_out += 1;
            return;
        }
        let counts = self.rules.counters.iter().any(|glob| glob.matches(&name));
        self.numbers.insert(name, (if counts { SentAs::Counter } else { SentAs::Gauge }, value));
    }
}

struct Top<'a>(&'a Rules);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with what is published")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut found = Found { rules: self.0, numbers: BTreeMap::new(), goroutines: None, left_out: 0 };
        let mut runtime: Option<Runtime> = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                // What Go never writes there costs the runtime's numbers alone.
                "memstats" => runtime = serde_json::from_str(map.next_value::<&RawValue>()?.get()).ok(),
                "cmdline" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => map.next_value_seed(Walk { path: &mut vec![key], found: &mut found })?,
            }
        }
        let number = |(name, (sent_as, value))| Number { name, sent_as, value };
        let numbers = found.numbers.into_iter().map(number).collect();
        Ok(Page { runtime, goroutines: found.goroutines, numbers, left_out: found.left_out, not_json: 0 })
    }
}
