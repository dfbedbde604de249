//! Folders of the KV store.

mod rows;

use std::fmt::{self, Write as _};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::client::{Client, Endpoint};
use super::error::{Error, Whom};
use super::head::{Credentials, Found};
use super::key;
use super::watch::{Consistency, Query};
use crate::secret::Secret;

pub use rows::Row;

/// The largest answer that is read. Consul's own limit for one value is half a MiB.
const LIMIT: usize = 64 << 20;
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

/// The answer to a listing, as it came.
pub struct Listing {
    /// For the next blocking query.
    pub index: u64,
    folder: Folder,
    body: Vec<u8>,
}

/// Its values are not shown.
impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listing({} at {})", self.folder.path, self.index)
    }
}

impl Listing {
    /// The keys in byte order, with values that are decoded for whoever wants them.
    ///
    /// # Errors
    /// It is not Consul's list of this folder.
    pub fn rows(&self) -> Result<Vec<Row<'_>>, Error> {
        rows::rows(&self.folder.path, &self.body).map_err(|reason| self.folder.endpoint.unreadable(reason))
    }
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
        let listing = self.listing(folder, query).await?;
        let pairs = decode(&folder.path, &listing.body).map_err(|reason| folder.endpoint.unreadable(reason))?;
        Ok(List { index: listing.index, pairs })
    }

    /// The same for a large folder of which little changes: the answer as it came.
    ///
    /// # Errors
    /// No answer, a refusal, an answer that is cut, too large, or hides keys from us.
    pub async fn listing(&self, folder: &Folder, query: &Query) -> Result<Listing, Error> {
        let Folder { datacenter, endpoint, .. } = folder;
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
        let body = match answer.head.found {
            Found::Nothing => b"[]".to_vec(),
            Found::Something => answer.body,
        };
        Ok(Listing { index: answer.head.index, folder: folder.clone(), body })
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

/// The pairs of a list. The folder's own key is left out; `sub/` is kept, as it could be meant.
pub fn decode(folder: &str, body: &[u8]) -> Result<Vec<Pair>, &'static str> {
    rows::rows(folder, body)?.into_iter().map(Row::pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::rows::KEYS;
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
