//! Whether a file can be trusted. Pure.

/// The largest file that is read, in bytes.
pub(super) const LARGEST: u64 = 64 << 20;

/// The metadata of an open file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) kind: FileKind,
    pub(super) owner: u32,
    /// The permission bits.
    pub(super) mode: u32,
    pub(super) size: u64,
}

/// The type of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Regular,
    Other,
}

/// A file is trusted if only we can have written it, and if it is not too large to be ours.
pub(super) fn trust(seen: Seen, us: u32) -> Result<(), String> {
    if seen.kind != FileKind::Regular {
        Err("it is not a regular file".to_owned())
    } else if seen.owner != us {
        Err(format!("it belongs to uid {} and not to the user that lictor runs as", seen.owner))
    } else if seen.mode & 0o022 != 0 {
        Err("others than its owner may write it".to_owned())
    } else if seen.size > LARGEST {
        Err(format!("it is larger than {} MiB", LARGEST >> 20))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FileKind, LARGEST, Seen, trust};

    #[test]
    fn only_what_nobody_else_can_have_written() {
        let ours = Seen { kind: FileKind::Regular, owner: 7, mode: 0o600, size: LARGEST };
        assert_eq!(trust(ours, 7), Ok(()));
        assert_eq!(trust(Seen { mode: 0o644, ..ours }, 7), Ok(()), "it was readable: that does not make it false");
        for other in [
            Seen { kind: FileKind::Other, ..ours },
            Seen { owner: 0, ..ours },
            Seen { mode: 0o620, ..ours },
            Seen { mode: 0o602, ..ours },
            Seen { size: LARGEST + 1, ..ours },
        ] {
            assert!(trust(other, 7).is_err(), "{other:?}");
        }
    }
}
