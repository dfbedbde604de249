//! Reads what a lictor wrote into the fleet's folder, or says why it cannot be read.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::layout::LARGEST;

/// Why a record cannot be read, as the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is too large.
    #[error("it is larger than any record that lictor writes")]
    TooLarge,
    /// It is something else.
    #[error("it is not a record that lictor wrote")]
    NotOurs,
    /// Its words may mean something else by now.
    #[error("a newer lictor wrote it, in a form that this one does not know")]
    Newer,
}

/// The part that records of every form have.
#[derive(Deserialize)]
struct Form {
    v: u32,
}

/// What is in this record.
///
/// # Errors
/// It is too large, or something else.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    if bytes.len() > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|_| Unreadable::NotOurs)
}

/// The same for a record that says its form, of which `newest` is the last that this lictor knows.
pub(super) fn parse_form<T: DeserializeOwned>(bytes: &[u8], newest: u32) -> Result<T, Unreadable> {
    match parse::<Form>(bytes) {
        Ok(form) if form.v > newest => Err(Unreadable::Newer),
        _ => parse(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::InstanceRecord;
    use super::Unreadable;

    #[test]
    fn what_is_wrong_with_a_record_is_told_apart() {
        let read = |bytes: &[u8]| InstanceRecord::parse(bytes).map(|record| record.member.node);
        assert_eq!(read(br#"{"v":1,"node":"a","id":"b"}"#), Ok("a".to_owned()));
        assert_eq!(read(br#"{"node":"a","id":"b"}"#), Ok("a".to_owned()), "the first lictors");
        for newer in [&br#"{"v":2,"node":"a","id":"b"}"#[..], br#"{"v":3,"node":7}"#] {
            assert_eq!(read(newer), Err(Unreadable::Newer));
        }
        for other in [&b""[..], b"null", b"[]", b"\xff", br#"{"v":-1}"#, &b"[".repeat(100_000)] {
            assert_eq!(read(other), Err(Unreadable::NotOurs));
        }
        assert_eq!(read(&vec![b' '; 512 << 10]), Err(Unreadable::TooLarge));
    }
}
