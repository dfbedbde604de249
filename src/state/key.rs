//! `fingerprint.key`: the key that this host's fingerprints are made with. It is made once, and is as secret as the values.

use std::io;

use ring::rand::{SecureRandom, SystemRandom};

use super::directory::{self, Directory};
use crate::environment::FingerprintKey;

/// A key for this run of lictor only: fingerprints made with it cannot be compared with others.
///
/// # Errors
/// The kernel provides no random bytes.
pub fn ephemeral_key() -> io::Result<FingerprintKey> {
    random().map(|bytes| FingerprintKey::new(&bytes))
}

/// The key in the directory; `None`: there is none. The error is the end of a sentence.
pub(super) fn look(directory: &Directory) -> Result<Option<FingerprintKey>, String> {
    let Some(text) = directory.read(directory::KEY)? else { return Ok(None) };
    let bytes = from_hexadecimal(text.trim_ascii()).ok_or("it does not hold 64 hexadecimal digits")?;
    Ok(Some(FingerprintKey::new(&bytes)))
}

/// The key in the directory; a new one is made if there is none. If that cannot be written, it holds for this run of lictor only.
pub(super) fn look_or_make(directory: &Directory) -> io::Result<FingerprintKey> {
    let path = || directory.path().join(directory::KEY);
    match look(directory) {
        Ok(Some(key)) => return Ok(key),
        Ok(None) => {}
        Err(why) => tracing::warn!(
            "{} is not used: {why}; a new key is made, and what was in quarantine may be tried once more",
            path().display()
        ),
    }
    let bytes = random()?;
    if let Err(error) = directory.replace(directory::KEY, format!("{}\n", in_hexadecimal(&bytes)).as_bytes()) {
        tracing::warn!(
            "cannot write {}: {error}; until its next start lictor makes fingerprints with a temporary key",
            path().display()
        );
    }
    Ok(FingerprintKey::new(&bytes))
}

fn random() -> io::Result<[u8; FingerprintKey::LENGTH]> {
    let mut bytes = [0; FingerprintKey::LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the kernel gives no random bytes"))?;
    Ok(bytes)
}

fn in_hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

fn from_hexadecimal(text: &[u8]) -> Option<[u8; FingerprintKey::LENGTH]> {
    let mut bytes = [0; FingerprintKey::LENGTH];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::{look, look_or_make};
    use crate::state::directory::{Directory, KEY};

    #[test]
    fn it_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        assert!(look(&directory).unwrap().is_none());
        let made = look_or_make(&directory).unwrap();
        assert_eq!(look_or_make(&directory).unwrap().id(), made.id());
        let permissions = fs::metadata(folder.path().join(KEY)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        let other = look_or_make(&Directory::open(other.path()).unwrap()).unwrap();
        assert_ne!(other.id(), made.id(), "another host has another key");
    }

    #[test]
    fn a_damaged_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        for damaged in ["", "abc", &"g".repeat(64), &"0".repeat(66)] {
            fs::write(folder.path().join(KEY), damaged).unwrap();
            assert!(look(&directory).is_err(), "{damaged}");
            let made = look_or_make(&directory).unwrap();
            assert_eq!(look(&directory).unwrap().unwrap().id(), made.id());
        }
    }
}
