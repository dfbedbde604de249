//! Reads everything below one published name, down to a limit: numbers are taken, strings and lists are skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Found;

/// The most words in a name.
const DEEPEST: usize = 6;

/// One value, at a path.
pub(super) struct Walk<'w, 'r> {
    pub(super) path: &'w mut Vec<String>,
    pub(super) found: &'w mut Found<'r>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.found.take(self.path, f64::from(u8::from(value)));
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.found.take(self.path, value as f64);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.found.take(self.path, value as f64);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.found.take(self.path, value);
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { path, found } = self;
        while let Some(key) = map.next_key::<String>()? {
            if path.len() >= DEEPEST {
                map.next_value::<IgnoredAny>()?;
                found.left_out += 1;
                continue;
            }
            path.push(key);
            map.next_value_seed(Walk { path: &mut *path, found: &mut *found })?;
            path.pop();
        }
        Ok(())
    }
}
