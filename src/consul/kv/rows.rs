//! The rows of a listing, as Consul sends them. Keys are read at once, values only when somebody asks for them: of a large folder
//! little changes between two answers.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Pair;
use crate::secret::Secret;

/// A session's id is a UUID; what is longer is none.
const SESSION: usize = 64;
/// More keys than any folder of configuration has.
pub(super) const KEYS: usize = 100_000;

/// One key, with its value as it was sent.
#[derive(Clone)]
pub struct Row<'a> {
    /// Relative to the folder.
    pub key: Cow<'a, str>,
    /// When it was last written.
    pub modify_index: u64,
    flags: u64,
    value: Option<Text<'a>>,
    session: Option<Text<'a>>,
}

/// Its value is not shown.
impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} at {})", self.key, self.modify_index)
    }
}

impl Row<'_> {
    /// The value: raw bytes; Consul's `null` means no bytes.
    ///
    /// # Errors
    /// It is not base64, so that it is not Consul's.
    pub fn value(&self) -> Result<Secret, &'static str> {
        let encoded = self.value.as_ref().map_or("", |value| &value.0);
        STANDARD.decode(encoded).map(Secret::from).map_err(|_| "a value that is not base64")
    }

    pub(super) fn pair(self) -> Result<Pair, &'static str> {
        let value = self.value()?;
        let session = self.session.filter(|session| session.0.len() <= SESSION).map(|session| session.0.into());
        let (flags, modify_index) = (self.flags, self.modify_index);
        Ok(Pair { key: self.key.into_owned(), value, flags, modify_index, session })
    }

    /// As Consul would send it.
    #[cfg(test)]
    pub fn of(key: &str, value: &[u8], modify_index: u64) -> Row<'static> {
        let value = Some(Text(STANDARD.encode(value).into()));
        Row { key: key.to_owned().into(), modify_index, flags: 0, value, session: None }
    }
}

/// Text that is borrowed from the answer if it has no escapes. Within an `Option` serde would copy a bare `Cow`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<Text<'a>>,
    #[serde(default)]
    flags: u64,
    #[serde(default)]
    modify_index: u64,
    #[serde(borrow, default)]
    session: Option<Text<'a>>,
}

/// A list that is given up as soon as it is too long.
struct Raws<'a>(Vec<Raw<'a>>);

impl<'de> Deserialize<'de> for Raws<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RawsVisitor)
    }
}

struct RawsVisitor;

impl<'de> Visitor<'de> for RawsVisitor {
    type Value = Raws<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut raws = Vec::new();
        while let Some(raw) = list.next_element()? {
            if raws.len() == KEYS {
                return Err(A::Error::invalid_length(KEYS + 1, &self));
            }
            raws.push(raw);
        }
        Ok(Raws(raws))
    }
}

/// The rows of a list in byte order. The folder's own key is left out.
pub(super) fn rows<'a>(folder: &str, body: &'a [u8]) -> Result<Vec<Row<'a>>, &'static str> {
    let Raws(raw) = serde_json::from_slice(body).map_err(|_| "its answer is not a list of up to 100000 keys")?;
    let mut rows = Vec::with_capacity(raw.len());
    for Raw { key, value, flags, modify_index, session } in raw {
        if key == folder {
            continue;
        }
        let key = match key {
            Cow::Borrowed(key) => key.strip_prefix(folder).map(Cow::Borrowed),
            Cow::Owned(key) => key.strip_prefix(folder).map(|key| Cow::Owned(key.to_owned())),
        };
        rows.push(Row { key: key.ok_or("a key outside the folder")?, modify_index, flags, value, session });
    }
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    if rows.windows(2).any(|two| two[0].key == two[1].key) {
        return Err("the same key twice");
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::rows;

    #[test]
    fn what_has_no_escapes_is_not_copied_and_a_value_is_decoded_when_it_is_asked_for() {
        let body = br#"[{"Key":"a/x","Value":"eA==","ModifyIndex":7},{"Key":"a/y","Value":"%"},{"Key":"a/\u00fc"}]"#;
        let rows = rows("a/", body).unwrap();
        assert!(matches!(rows[0].key, Cow::Borrowed("x")) && matches!(rows[2].key, Cow::Owned(_)));
        assert!(matches!(rows[0].value.as_ref().unwrap().0, Cow::Borrowed("eA==")));
        assert_eq!((rows[0].value().unwrap().expose(), rows[0].modify_index), (&b"x"[..], 7));
        assert!(rows[1].value().is_err() && rows[2].value().unwrap().is_empty());
        assert_eq!(format!("{:?}", rows[0]), "Row(x at 7)");
    }
}
