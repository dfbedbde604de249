//! Turns the page that Go writes into JSON: a value that JSON does not have becomes `null`, so that only this value is lost.
//!
//! Go's `expvar` writes each variable's own text. A float that is not a number gives `NaN`, a function whose result cannot be encoded
//! gives nothing at all, and older releases quote names as Go does (`\x00`, `\a`).

/// A page that a JSON parser reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub(super) json: String,
    /// How many values were replaced by `null`.
    pub(super) nulls: usize,
}

/// Replaces what JSON does not allow. Brackets, commas and colons stay as they are: a page whose structure is broken is
/// still an error.
pub(super) fn clean(body: &[u8]) -> Cleaned {
    let page = String::from_utf8_lossy(body);
    let mut cleaner = Cleaner { rest: &page, json: String::with_capacity(page.len()), nulls: 0, wants_value: false };
    while cleaner.step() {}
    Cleaned { json: cleaner.json, nulls: cleaner.nulls }
}

struct Cleaner<'p> {
    rest: &'p str,
    json: String,
    nulls: usize,
    /// After a colon: a value has to come.
    wants_value: bool,
}

impl Cleaner<'_> {
    /// Takes the next piece; false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            ' ' | '\t' | '\r' | '\n' => self.copy(1),
            '"' => self.string(),
            '{' | '[' => {
                self.wants_value = false;
                self.copy(1);
            }
            ',' | '}' | ']' => {
                if self.wants_value {
                    self.null();
                }
                self.copy(1);
            }
            ':' => {
                self.copy(1);
                self.wants_value = true;
            }
            _ => self.word(),
        }
        true
    }

    fn copy(&mut self, bytes: usize) {
        let (piece, rest) = self.rest.split_at(bytes);
        self.json.push_str(piece);
        self.rest = rest;
    }

    fn null(&mut self) {
        self.json.push_str("null");
        self.nulls += 1;
        self.wants_value = false;
    }

    /// A number or a word, up to what ends it.
    fn word(&mut self) {
        let ends = |letter: char| matches!(letter, ' ' | '\t' | '\r' | '\n' | '"' | '{' | '[' | ',' | '}' | ']' | ':');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if matches!(word, "true" | "false" | "null") || is_finite_number(word) {
            self.json.push_str(word);
            self.wants_value = false;
        } else {
            self.null();
        }
        self.rest = rest;
    }

    /// A text in quotes, with escapes and control characters that JSON does not know replaced by underscores.
    fn string(&mut self) {
        self.wants_value = false;
        self.copy(1);
        loop {
            let plain = self.rest.find(|letter: char| letter == '"' || letter == '\\' || letter < ' ');
            self.copy(plain.unwrap_or(self.rest.len()));
            match self.rest.chars().next() {
                None => return,
                Some('"') => return self.copy(1),
                Some('\\') => match escape(self.rest) {
                    Some(bytes) => self.copy(bytes),
                    None => self.underscore(),
                },
                Some(_) => self.underscore(),
            }
        }
    }

    /// In place of one byte.
    fn underscore(&mut self) {
        self.json.push('_');
        self.rest = &self.rest[1..];
    }
}

/// The length of the escape at the beginning of these bytes, if it is one of JSON's. Surrogates are left out: half a pair is not
/// text, and no name needs a pair.
fn escape(text: &str) -> Option<usize> {
    match text.as_bytes().get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => {
            let digits = text.get(2..6).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            let number = u32::from_str_radix(digits, 16).ok()?;
            char::from_u32(number).map(|_| 6)
        }
        _ => None,
    }
}

/// Whether it is a number in JSON's grammar (`-0.5`, `1e+06`) that fits a float.
fn is_finite_number(word: &str) -> bool {
    let value: Result<f64, _> = serde_json::from_str(word);
    value.is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::{Cleaned, clean};

    #[test]
    fn what_json_does_not_know_is_replaced_alone() {
        for (page, json, nulls) in [
            (r#"{"a": 1, "b": -0.5e+3, "c": "x: NaN, \"y\" \u00e9", "d": [true, null]}"#, "", 0),
            (r#"{"a": NaN, "b": 2}"#, r#"{"a": null, "b": 2}"#, 1),
            (r#"{"a": +Inf, "b": [-Inf, 3]}"#, r#"{"a": null, "b": [null, 3]}"#, 2),
            (r#"{"a": , "b": }"#, r#"{"a": null, "b": null}"#, 2),
            (r#"{"a": 1e999}"#, r#"{"a": null}"#, 1),
            (r#"{"a": 0x1p-2, "b": 01, "c": .5}"#, r#"{"a": null, "b": null, "c": null}"#, 3),
            ("{\"a\u{1}\n\": 1}", r#"{"a__": 1}"#, 0),
            (r#"{"\x01\a\U0001f600": 1, "\ud800": 2}"#, r#"{"_x01_a_U0001f600": 1, "_ud800": 2}"#, 0),
            (r#"{"é": "😀"}"#, "", 0),
            (r#"{"open"#, "", 0),
            ("<html>", "null", 1),
        ] {
            let json = if json.is_empty() { page } else { json };
            assert_eq!(clean(page.as_bytes()), Cleaned { json: json.to_owned(), nulls }, "{page}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_do_no_harm() {
        assert_eq!(clean(b"{\"a\xff\": 1, \"b\": \xfe}").json, "{\"a\u{fffd}\": 1, \"b\": null}");
        assert_eq!(clean(b"\"\\").json, "\"_");
    }

    #[test]
    fn json_stays_as_it_is() {
        proptest::proptest!(|(words in proptest::collection::vec(("\\PC*", proptest::num::f64::NORMAL), 0..8))| {
            let map: serde_json::Map<_, _> = words.into_iter().map(|(name, value)| (name, value.into())).collect();
            let text = serde_json::Value::Object(map).to_string();
            let cleaned = clean(text.as_bytes());
            proptest::prop_assert_eq!((cleaned.json, cleaned.nulls), (text, 0));
        });
    }
}
