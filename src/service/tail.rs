//! Keeps the last bytes of a long output.

use std::collections::VecDeque;

/// Keeps the end of what is pushed, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    /// How many bytes are kept.
    pub(super) const KEPT: usize = 4096;

    /// Adds to the end, and drops from the front what exceeds the limit.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(Self::KEPT)..];
        let excess = (self.0.len() + bytes.len()).saturating_sub(Self::KEPT);
        self.0.drain(..excess);
        self.0.extend(bytes);
    }

    /// The bytes that were kept.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;

    #[test]
    fn it_is_the_end_of_everything_however_it_comes() {
        let all: Vec<u8> = (0..20_000u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for pieces in [1, 7, 4095, 4096, 4097, 20_000] {
            let mut tail = Tail::default();
            all.chunks(pieces).for_each(|piece| tail.push(piece));
            assert_eq!(tail.into_bytes(), all[all.len() - Tail::KEPT..], "{pieces}");
        }
    }

    #[test]
    fn little_is_kept_whole() {
        let mut tail = Tail::default();
        tail.push(b"one ");
        tail.push(b"");
        tail.push(b"two");
        assert_eq!(tail.into_bytes(), b"one two");
    }
}
