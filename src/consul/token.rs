//! The token: fixed, or in a file that another program renews.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;

use super::Connection;
use super::error::{Error, TOKEN_FILE};

/// Longer than any token.
const LIMIT: u64 = 4096;

/// Whether the token is still the one that the last request was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It is the same.
    Unchanged,
    /// It is a new one. An index must not be used with another token than the one that it was read with.
    Changed,
}

/// Where the token comes from, and the present token. Its `Debug` does not show it.
#[derive(Clone, Debug)]
pub(super) enum Token {
    None,
    Fixed(HeaderValue),
    File { path: PathBuf, seen: Option<Stamp>, value: Option<HeaderValue> },
}

/// The metadata by which a change of a file is noticed without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { inode: metadata.ino(), size: metadata.size(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

impl Token {
    pub(super) fn of(connection: &Connection) -> Result<Self, Error> {
        if let Some(path) = &connection.token_file {
            return Ok(Self::File { path: path.clone(), seen: None, value: None });
        }
        let Some(token) = connection.token.as_ref().filter(|token| !token.is_empty()) else {
            return Ok(Self::None);
        };
        let unusable = Error::Setting { what: "token", reason: "it has characters that a token cannot have" };
        header(token.expose()).map(Self::Fixed).ok_or(unusable)
    }

    /// Reads the file again if it has changed. A token that was read once is kept while the file is missing or broken, because the
    /// file may just be being replaced.
    pub(super) fn renew(&mut self) -> Result<Renewal, Error> {
        let Self::File { path, seen, value } = self else {
            return Ok(Renewal::Unchanged);
        };
        match read_if_changed(path, *seen) {
            Ok(None) => Ok(Renewal::Unchanged),
            Ok(Some((stamp, token))) => {
                *seen = Some(stamp);
                let renewal = if value.as_ref() == Some(&token) { Renewal::Unchanged } else { Renewal::Changed };
                *value = Some(token);
                Ok(renewal)
            }
            Err(_) if value.is_some() => Ok(Renewal::Unchanged),
            Err(error) => Err(error),
        }
    }

    pub(super) fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::None => None,
            Self::Fixed(value) => Some(value),
            Self::File { value, .. } => value.as_ref(),
        }
    }
}

fn read_if_changed(path: &Path, seen: Option<Stamp>) -> Result<Option<(Stamp, HeaderValue)>, Error> {
    let failed = |source| Error::File { what: TOKEN_FILE, path: path.to_owned(), source };
    let unusable = |reason| Error::Content { what: TOKEN_FILE, path: path.to_owned(), reason };
    let metadata = fs::metadata(path).map_err(failed)?;
    let stamp = Stamp::of(&metadata);
    if seen == Some(stamp) {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(failed(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes)).map_err(failed)?;
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err(unusable("it is empty; write the token into it"));
    }
    if bytes.len() as u64 > LIMIT {
        return Err(unusable("it is too long for a token"));
    }
    header(token)
        .map(|token| Some((stamp, token)))
        .ok_or_else(|| unusable("it has characters that a token cannot have"))
}

/// The header's value, marked so that no HTTP library prints it.
fn header(token: &[u8]) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(token.trim_ascii()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(path: &Path) -> Token {
        let mut connection = Connection::at("127.0.0.1:8500");
        connection.token_file = Some(path.to_owned());
        connection.token = Some("loses".into());
        Token::of(&connection).unwrap()
    }

    fn shown(token: &Token) -> Option<&[u8]> {
        token.header().map(HeaderValue::as_bytes)
    }

    #[test]
    fn a_file_is_read_trimmed_and_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let mut token = in_file(&path);
        assert!(token.renew().unwrap_err().to_string().contains("token_file"));

        fs::write(&path, "  one\n").unwrap();
        assert_eq!(token.renew().unwrap(), Renewal::Changed);
        assert_eq!(shown(&token), Some(&b"one"[..]));
        assert_eq!(token.renew().unwrap(), Renewal::Unchanged);

        fs::write(folder.path().join("new"), "two").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(token.renew().unwrap(), Renewal::Changed);
        assert_eq!(shown(&token), Some(&b"two"[..]));

        fs::remove_file(&path).unwrap();
        assert_eq!(token.renew().unwrap(), Renewal::Unchanged);
        assert_eq!(shown(&token), Some(&b"two"[..]));
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for content in ["", " \n", "hun\nter2", &"hunter2".repeat(1000)] {
            fs::write(&path, content).unwrap();
            let error = in_file(&path).renew().unwrap_err();
            assert!(!error.sentence().contains("ter2"), "{error}");
            assert_eq!(error.class().as_str(), "denied");
        }
        assert!(in_file(folder.path()).renew().is_err(), "a folder is no token");
    }

    #[test]
    fn debug_does_not_show_it() {
        let mut connection = Connection::at("127.0.0.1:8500");
        connection.token = Some("hunter2".into());
        let token = Token::of(&connection).unwrap();
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
