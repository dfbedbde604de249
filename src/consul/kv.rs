//! Folders of the KV store.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::client::{Client, Endpoint};
use super::error::{Error, Whom};
use super::head::{Credentials, Found};
use super::key;
use super::watch::{Consistency, Query};
use crate::secret::Secret;

/// The largest answer that is read. Consul's own limit for one value is half a MiB.
const LIMIT: usize = 64 << 20;
/// A session's id is a UUID; what is longer is none.
const SESSION: usize = 64;
/// More keys than any folder of configuration has.
const KEYS: usize = 100_000;

/// A folder to be listed, prepared once.
#[derive(Clone, Debug)]
pub struct Folder {
    path: String,
    datacenter: String,
    endpoint: Endpoint,
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// For the next blocking query.
    pub index: u64,
    /// The keys in byte order; none for a 404.
    pub pairs: Vec<Pair>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Relative to the folder.
    pub key: String,
    /// Raw bytes; Consul's `null` means no bytes.
    pub value: Secret,
    /// A number whose meaning its writer decides.
    pub flags: u64,
    /// When it was last written.
    pub modify_index: u64,
    /// The session that holds it locked, if one does.
    pub session: Option<Box<str>>,
}

impl Client {
    /// Prepares a folder. Its path ends with `/`; if it does not, one is added: without it `app` would match `apple`.
    pub fn folder(&self, path: &str, datacenter: Option<&str>) -> Folder {
        let mut path = path.to_owned();
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        let datacenter = datacenter.map_or_else(String::new, |datacenter| {
            format!("&dc={}", utf8_percent_encode(datacenter, NON_ALPHANUMERIC))
        });
        let endpoint = self.endpoint(&format!("/v1/kv/{}", key::encoded(&path)), &format!("kv {path}"));
        Folder { path, datacenter, endpoint }
    }

    /// Lists a folder, or waits for it to change.
    ///
    /// # Errors
    /// No answer, a refusal, an answer that is cut, too large, not Consul's, or hides keys from us.
    pub async fn list(&self, folder: &Folder, query: &Query) -> Result<List, Error> {
        let Folder { path, datacenter, endpoint } = folder;
        let mut text = format!("recurse{datacenter}");
        if let Some(blocking) = query.blocking {
            let wait = blocking.wait.as_millis().max(1);
            // Writing to a string does not fail.
            let _ = write!(text, "&index={}&wait={wait}ms", blocking.index);
        }
        if query.consistency == Consistency::Consistent {
            text.push_str("&consistent");
        }
        let answer = self.get(endpoint, &text, query.timeout(), LIMIT).await?;
        if answer.head.hides(answer.credentials) {
            return Err(self.hidden(folder));
        }
        let pairs = match answer.head.found {
            Found::Nothing => Vec::new(),
            Found::Something => decode(path, &answer.body).map_err(|reason| endpoint.unreadable(reason))?,
        };
        Ok(List { index: answer.head.index, pairs })
    }

    /// The names of the folders in this folder, in byte order, without their slashes.
    ///
    /// # Errors
    /// No answer, a refusal, an answer that is not Consul's, or one that hides keys from us.
    pub async fn subfolders(&self, folder: &Folder) -> Result<Vec<String>, Error> {
        let Folder { path, datacenter, endpoint } = folder;
        let text = format!("keys&separator=%2F{datacenter}");
        let answer = self.get(endpoint, &text, Query::PLAIN.timeout(), LIMIT).await?;
        if answer.head.hides(answer.credentials) {
            return Err(self.hidden(folder));
        }
        let keys: Vec<String> = match answer.head.found {
            Found::Nothing => Vec::new(),
            Found::Something => serde_json::from_slice(&answer.body)
                .map_err(|_| endpoint.unreadable("its answer is not a list of keys"))?,
        };
        let name = |key: &String| Some(key.strip_prefix(path)?.strip_suffix('/')?.to_owned());
        Ok(keys.iter().filter_map(name).filter(|name| !name.is_empty()).collect())
    }

    /// Whether one key of a folder is there, as the leader and the others agree.
    ///
    /// # Errors
    /// No answer, or a refusal: unlike a list, a single key that the token may not read is refused, whether it exists
    /// or not.
    pub async fn find(&self, folder: &Folder, key: &str) -> Result<Found, Error> {
        let path = format!("{}{key}", folder.path);
        let endpoint = self.endpoint(&format!("/v1/kv/{}", key::encoded(&path)), &format!("kv {path}"));
        let query = Query { blocking: None, consistency: Consistency::Consistent };
        let answer = self.get(&endpoint, &format!("consistent{}", folder.datacenter), query.timeout(), LIMIT).await?;
        Ok(answer.head.found)
    }

    /// A list of this folder is known to leave keys out.
    pub fn hidden(&self, folder: &Folder) -> Error {
        let whom = match self.credentials() {
            Credentials::Token => Whom::Token,
            Credentials::None => Whom::Anonymous,
        };
        Error::Hidden { site: folder.endpoint.site().clone(), whom }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
    #[serde(default)]
    flags: u64,
    #[serde(default)]
    modify_index: u64,
    #[serde(borrow, default)]
    session: Option<Cow<'a, str>>,
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

/// The pairs of a list. The folder's own key is left out; `sub/` is kept, as it could be meant.
pub fn decode(folder: &str, body: &[u8]) -> Result<Vec<Pair>, &'static str> {
    let Raws(raw) = serde_json::from_slice(body).map_err(|_| "its answer is not a list of up to 100000 keys")?;
    let mut pairs = raw
        .into_iter()
        .filter(|raw| raw.key != folder)
        .map(|raw| {
            let key = raw.key.strip_prefix(folder).ok_or("a key outside the folder")?.to_owned();
            let value = raw.value.as_deref().unwrap_or_default();
            let value = STANDARD.decode(value).map_err(|_| "a value that is not base64")?.into();
            let session = raw.session.filter(|session| session.len() <= SESSION).map(Into::into);
            Ok::<_, &'static str>(Pair { key, value, flags: raw.flags, modify_index: raw.modify_index, session })
        })
        .collect::<Result<Vec<_>, _>>()?;
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    if pairs.windows(2).any(|two| two[0].key == two[1].key) {
        return Err("the same key twice");
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(folder: &str, body: &str) -> Result<Vec<String>, &'static str> {
        decode(folder, body.as_bytes()).map(|pairs| pairs.into_iter().map(|pair| pair.key).collect())
    }

    #[test]
    fn a_list_as_consul_sends_it() {
        let body = r#"[
            {"LockIndex":0,"Key":"app/","Flags":0,"Value":null,"CreateIndex":5,"ModifyIndex":5},
            {"LockIndex":0,"Key":"app/b","Flags":18446744073709551615,"Value":"AP8K","CreateIndex":6,"ModifyIndex":9},
            {"LockIndex":1,"Key":"app/a \"q\" \u00fc","Flags":0,"Value":null,"Session":"x","CreateIndex":6,"ModifyIndex":7},
            {"LockIndex":0,"Key":"app/sub/","Flags":0,"Value":null,"CreateIndex":5,"ModifyIndex":5}
        ]"#;
        let pair = |key: &str, value: &[u8], flags, modify_index| Pair {
            key: key.to_owned(),
            value: value.to_vec().into(),
            flags,
            modify_index,
            session: None,
        };
        assert_eq!(
            decode("app/", body.as_bytes()).unwrap(),
            [
                Pair { session: Some("x".into()), ..pair("a \"q\" ü", b"", 0, 7) },
                pair("b", b"\x00\xff\n", u64::MAX, 9),
                pair("sub/", b"", 0, 5)
            ]
        );
    }

    #[test]
    fn what_is_missing_has_a_default_and_what_is_new_is_passed_over() {
        assert_eq!(keys("", r#"[{"Key":"b","New":[{}]},{"Key":"a"}]"#), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(keys("a/", "[]"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_list_of_this_folder_is_refused() {
        for body in [
            "",
            "null",
            "{}",
            "[",
            "<html>",
            r#"[{"Key":"other/x"}]"#,
            r#"[{"Key":"a/x","Value":"%"}]"#,
            r#"[{"Key":"a/x"},{"Key":"a/x"}]"#,
            r#"[{"Value":"eA=="}]"#,
            r#"[{"Key":"a/x","Flags":-1}]"#,
        ] {
            assert!(keys("a/", body).is_err(), "{body}");
        }
        assert!(keys("a/", &"[".repeat(100_000)).is_err());
        let long = (0..=KEYS).map(|number| format!(r#"{{"Key":"a/{number}"}}"#)).collect::<Vec<_>>().join(",");
        assert!(keys("a/", &format!("[{long}]")).is_err());
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_an_error_and_nothing_worse(bytes: Vec<u8>, text in r#"\[(\{"Key":"a/.{0,3}","Value":.{0,9}\},?){0,3}\]"#) {
            let _ = decode("a/", &bytes);
            if let Ok(pairs) = decode("a/", text.as_bytes()) {
                prop_assert!(pairs.iter().all(|pair| !pair.key.is_empty()));
            }
        }
    }
}
