//! As much of CBOR as the AWS SDK of Telegraf writes: maps, lists and texts of known or unknown length, and numbers.

use serde_json::{Map, Value, json};

/// The value of a whole body.
pub fn decode(body: &[u8]) -> Value {
    let mut reader = Reader(body);
    let value = reader.value().expect("not the end of a list");
    assert!(reader.0.is_empty(), "{} bytes are left", reader.0.len());
    value
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self, bytes: usize) -> u64 {
        self.take(bytes).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// `None`: the end of what has no length.
    fn value(&mut self) -> Option<Value> {
        let head = self.take(1)[0];
        let (kind, short) = (head >> 5, head & 31);
        let length = match short {
            0..=23 => Some(u64::from(short)),
            24 => Some(self.number(1)),
            25 => Some(self.number(2)),
            26 => Some(self.number(4)),
            27 => Some(self.number(8)),
            31 => None,
            _ => panic!("not CBOR: {head:#x}"),
        };
        Some(match (kind, length) {
            (7, None) => return None,
            (0, Some(number)) => json!(number),
            (1, Some(number)) => json!(-1 - i64::try_from(number).unwrap()),
            (2 | 3, Some(length)) => {
                let text = self.take(usize::try_from(length).unwrap()).to_vec();
                Value::String(String::from_utf8(text).unwrap())
            }
            (2 | 3, None) => {
                let pieces = std::iter::from_fn(|| self.value());
                Value::String(pieces.map(|piece| piece.as_str().unwrap().to_owned()).collect())
            }
            (4, length) => Value::Array(self.several(length)),
            (5, length) => {
                let all = self.several(length.map(|pairs| pairs * 2));
                let pairs = all.chunks_exact(2).map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            // A tag, here of a time: its value is told as it is.
            (6, Some(_)) => self.value().unwrap(),
            (7, Some(bits)) => match short {
                20 => json!(false),
                21 => json!(true),
                26 => json!(f32::from_bits(u32::try_from(bits).unwrap())),
                27 => json!(f64::from_bits(bits)),
                _ => Value::Null,
            },
            _ => panic!("not CBOR: {head:#x}"),
        })
    }

    fn several(&mut self, count: Option<u64>) -> Vec<Value> {
        match count {
            Some(count) => (0..count).map(|_| self.value().unwrap()).collect(),
            None => std::iter::from_fn(|| self.value()).collect(),
        }
    }
}

#[test]
fn maps_lists_texts_and_numbers() {
    let body =
        b"\xbf\x61a\x9f\x01\x20\xfb\x3f\xf8\0\0\0\0\0\0\xff\x61b\x7f\x62xy\x61z\xff\x61c\xa1\x61d\xc1\x18\x2a\xff";
    assert_eq!(decode(body), json!({"a": [1, -1, 1.5], "b": "xyz", "c": {"d": 42}}));
}
