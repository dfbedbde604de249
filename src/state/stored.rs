//! The stored form of the files: JSON with the number of its format. Pure.
//!
//! `Environment` hides values when it is serialised, on purpose, so the form with values is written by hand here: one variable
//! after the other, because five environments of ten thousand variables would take many megabytes at once. An error in reading never
//! quotes the text, which may be a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

use super::calendar::Calendar;
use super::identity::{MadeWith, StateIdentity};
use crate::environment::{Environment, Fingerprint, FingerprintKey, SourceKeys, Variable, Visibility};
use crate::machine::hold::{GuardRecord, Hold};
use crate::machine::ledger::{Good, Quarantined};
use crate::machine::{Build, GenerationId};
use crate::secret::Secret;

/// The format that is written: fingerprints are made with a key.
const FORMAT: u32 = 2;
/// The format of lictor 0.1.0, which can be read too: fingerprints are plain digests.
const UNKEYED: u32 = 1;

/// The largest generation number to believe: we would never count that far, and there must be room to count on.
const LAST_GENERATION: GenerationId = GenerationId(u64::MAX / 2);

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize)]
struct GoodFileToWrite<'a> {
    format: u32,
    #[serde(rename = "binding")]
    identity: &'a StateIdentity,
    /// The calendar of the times in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<&'a Calendar>,
    #[serde(serialize_with = "each_good")]
    good: &'a [Good],
}

#[derive(Serialize)]
struct GoodToWrite<'a> {
    fingerprint: Fingerprint,
    generation: GenerationId,
    at_unix_ms: u64,
    builds: &'a [Build],
    #[serde(serialize_with = "each_variable")]
    variables: &'a Environment,
    #[serde(skip_serializing_if = "no_source_keys")]
    record: &'a SourceKeys,
}

#[derive(Deserialize)]
struct GoodFile<'a> {
    #[serde(rename = "binding")]
    identity: Cow<'a, StateIdentity>,
    /// Missing in the file of an older lictor.
    #[serde(default)]
    calendar: Option<Calendar>,
    good: Vec<StoredGood<'a>>,
}

#[derive(Deserialize)]
struct StoredGood<'a> {
    fingerprint: Fingerprint,
    generation: GenerationId,
    at_unix_ms: u64,
    builds: Cow<'a, [Build]>,
    variables: Vec<StoredVariable<'a>>,
    /// The keys of each source in it; missing in the file of an older lictor.
    #[serde(default)]
    record: Cow<'a, SourceKeys>,
}

#[derive(Serialize, Deserialize)]
struct StoredVariable<'a> {
    name: Cow<'a, str>,
    value: StoredValue<'a>,
    origin: Cow<'a, str>,
    visibility: Visibility,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredValue<'a> {
    Text(Cow<'a, str>),
    Base64(String),
}

#[derive(Serialize, Deserialize)]
struct QuarantineFile<'a> {
    format: u32,
    #[serde(rename = "binding")]
    identity: Cow<'a, StateIdentity>,
    quarantine: Cow<'a, [Quarantined]>,
}

#[derive(Serialize, Deserialize)]
struct HoldFile<'a> {
    format: u32,
    #[serde(rename = "binding")]
    identity: Cow<'a, StateIdentity>,
    hold: Option<Cow<'a, Hold>>,
    #[serde(default)]
    guard: Cow<'a, GuardRecord>,
}

/// `good.json`.
pub(super) fn write_good(
    out: impl Write,
    identity: &StateIdentity,
    calendar: Option<&Calendar>,
    good: &[Good],
) -> serde_json::Result<()> {
    serde_json::to_writer(out, &GoodFileToWrite { format: FORMAT, identity, calendar, good })
}

fn each_good<S: Serializer>(good: &[Good], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(good.iter().map(|good| GoodToWrite {
        fingerprint: good.environment.fingerprint(),
        generation: good.generation,
        at_unix_ms: good.at_unix_ms,
        builds: &good.builds,
        variables: &good.environment,
        record: good.environment.source_keys(),
    }))
}

fn each_variable<S: Serializer>(environment: &Environment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(environment.variables().iter().map(|(name, variable)| stored(name, variable)))
}

/// `quarantine.json`.
pub(super) fn write_quarantine(
    out: impl Write,
    identity: &StateIdentity,
    quarantine: &[Quarantined],
) -> serde_json::Result<()> {
    let (identity, quarantine) = (Cow::Borrowed(identity), Cow::Borrowed(quarantine));
    serde_json::to_writer(out, &QuarantineFile { format: FORMAT, identity, quarantine })
}

/// `hold.json`, also without a hold.
pub(super) fn write_hold(
    out: impl Write,
    identity: &StateIdentity,
    hold: Option<&Hold>,
    guarded: &GuardRecord,
) -> serde_json::Result<()> {
    let (identity, hold) = (Cow::Borrowed(identity), hold.map(Cow::Borrowed));
    serde_json::to_writer(out, &HoldFile { format: FORMAT, identity, hold, guard: Cow::Borrowed(guarded) })
}

/// The good environments in a file: each of them, or why it is not used; or why none is used. Their fingerprints are converted to
/// `key`.
pub(super) fn decode_good(
    identity: &StateIdentity,
    key: &FingerprintKey,
    bytes: &[u8],
) -> Result<Vec<Result<Good, String>>, String> {
    check_format(bytes)?;
    let file: GoodFile<'_> = serde_json::from_slice(bytes).map_err(|error| damage(&error))?;
    belongs(identity, &file.identity)?;
    let made_with = file.identity.made_with(key);
    let (kept_by, now) = (file.calendar, Calendar::of_this_life());
    let by_now = |good: Good| match &kept_by {
        Some(kept_by) => Good { at_unix_ms: kept_by.read(good.at_unix_ms, &now), ..good },
        None => good,
    };
    Ok(file.good.into_iter().map(|stored| restore(stored, key, made_with).map(by_now)).collect())
}

/// The quarantine in a file, or why it is not used.
pub(super) fn decode_quarantine(
    identity: &StateIdentity,
    key: &FingerprintKey,
    bytes: &[u8],
) -> Result<Vec<Quarantined>, String> {
    check_format(bytes)?;
    let file: QuarantineFile<'_> = serde_json::from_slice(bytes).map_err(|error| damage(&error))?;
    belongs(identity, &file.identity)?;
    let made_with = file.identity.made_with(key);
    let mut quarantine = file.quarantine.into_owned();
    for held in &mut quarantine {
        held.pair.environment = translated(held.pair.environment, key, made_with)
            .ok_or("its fingerprints were made with a key that is lost")?;
    }
    Ok(quarantine)
}

/// The holds in a file, or why they are not used. The operator's hold concerns this service on this machine, whatever its sources
/// are; the guard's hold depends on the sources.
pub(super) fn decode_hold(
    identity: &StateIdentity,
    key: &FingerprintKey,
    bytes: &[u8],
) -> Result<(Option<Hold>, GuardRecord), String> {
    check_format(bytes)?;
    let file: HoldFile<'_> = serde_json::from_slice(bytes).map_err(|error| damage(&error))?;
    identity.elsewhere(&file.identity).map_or(Ok(()), |difference| Err(difference.to_owned()))?;
    let made_with = file.identity.made_with(key);
    let mut guarded = file.guard.into_owned();
    guarded.released = guarded.released.and_then(|released| translated(released, key, made_with));
    Ok((file.hold.map(Cow::into_owned), guarded))
}

/// Converts a stored fingerprint to the present key; `None`: that is not possible.
pub(super) fn translated(kept: Fingerprint, key: &FingerprintKey, made_with: MadeWith) -> Option<Fingerprint> {
    match made_with {
        MadeWith::This => Some(kept),
        MadeWith::Nothing => Some(key.of_unkeyed(kept)),
        MadeWith::Another => None,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
fn no_source_keys(record: &&SourceKeys) -> bool {
    record.is_empty()
}

fn check_format(bytes: &[u8]) -> Result<(), String> {
    match serde_json::from_slice(bytes) {
        Ok(Format { format: FORMAT | UNKEYED }) => Ok(()),
        Ok(Format { format }) => Err(format!("it has format {format}, and this lictor knows {FORMAT}")),
        Err(error) => Err(damage(&error)),
    }
}

fn belongs(here: &StateIdentity, kept: &StateIdentity) -> Result<(), String> {
    here.difference(kept).map_or(Ok(()), |difference| Err(difference.to_owned()))
}

fn damage(error: &serde_json::Error) -> String {
    format!("it is damaged at line {}, column {}", error.line(), error.column())
}

fn stored<'a>(name: &'a str, variable: &'a Variable) -> StoredVariable<'a> {
    let value = match variable.value.expose_str() {
        Some(text) => StoredValue::Text(Cow::Borrowed(text)),
        None => StoredValue::Base64(STANDARD.encode(variable.value.expose())),
    };
    let (name, origin) = (Cow::Borrowed(name), Cow::Borrowed(&*variable.origin));
    StoredVariable { name, value, origin, visibility: variable.visibility }
}

fn restore(stored: StoredGood<'_>, key: &FingerprintKey, made_with: MadeWith) -> Result<Good, String> {
    let StoredGood { fingerprint, generation, at_unix_ms, builds, variables, record } = stored;
    let variables = variables.into_iter().map(restore_variable).collect::<Option<BTreeMap<_, _>>>();
    let expected = translated(fingerprint, key, made_with);
    let environment = variables
        .map(|variables| Environment::fingerprinted(key, variables))
        .filter(|restored| expected.is_none_or(|expected| restored.fingerprint() == expected));
    let Some(environment) = environment.filter(|_| generation <= LAST_GENERATION) else {
        return Err(format!("its environment {fingerprint} is damaged"));
    };
    let environment = Arc::new(environment.with_source_keys(record.into_owned()));
    Ok(Good { environment, builds: builds.into_owned(), generation, at_unix_ms })
}

/// `None` for a variable that no process can have.
fn restore_variable(stored: StoredVariable<'_>) -> Option<(String, Variable)> {
    let value = match stored.value {
        StoredValue::Text(text) => Secret::from(text.into_owned()),
        StoredValue::Base64(text) => Secret::from(STANDARD.decode(text).ok()?),
    };
    let fit = !stored.name.is_empty() && !stored.name.contains(['=', '\0']) && !value.expose().contains(&0);
    let variable = Variable::new(value, stored.origin.into(), stored.visibility);
    fit.then(|| (stored.name.into_owned(), variable))
}

#[cfg(test)]
mod tests;
