//! The build ids that linkers leave as ELF notes.

use object::endian::Endian;

use super::elf::{Elf, SegmentKind};

const LONGEST: u64 = 16 << 10;
const MOST_SEGMENTS: usize = 16;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BuildIds {
    /// What the Go linker wrote, or was told to write.
    pub(super) go: Option<Vec<u8>>,
    /// What `ld --build-id` wrote, or Go in its manner.
    pub(super) gnu: Option<Vec<u8>>,
}

/// Reads the notes of the program; damaged ones are passed over.
pub(super) fn build_ids(elf: &Elf<'_>) -> BuildIds {
    let mut found = BuildIds::default();
    let notes = elf.segments.iter().filter_map(|segment| match segment.kind {
        SegmentKind::Notes(align) => Some((segment.stretch, align)),
        SegmentKind::Data | SegmentKind::Fixed => None,
    });
    for (stretch, align) in notes.take(MOST_SEGMENTS) {
        let Ok(bytes) = elf.input.bytes(stretch.offset, stretch.size.min(LONGEST)) else { continue };
        let mut rest = bytes.as_slice();
        while let Some(note) = next(elf, if align == 8 { 8 } else { 4 }, &mut rest) {
            match (note.owner, note.kind) {
                (b"Go\0\0", 4) => found.go = Some(note.content.to_vec()),
                (b"GNU\0", 3) => found.gnu = Some(note.content.to_vec()),
                _ => {}
            }
        }
    }
    found
}

struct Note<'b> {
    owner: &'b [u8],
    kind: u32,
    content: &'b [u8],
}

/// The note at the start of the bytes, and the bytes moved behind it.
fn next<'b>(elf: &Elf<'_>, align: usize, rest: &mut &'b [u8]) -> Option<Note<'b>> {
    let bytes = *rest;
    let number = |at: usize| Some(elf.endian.read_u32(*bytes.get(at..)?.first_chunk()?));
    let owner_size = usize::try_from(number(0)?).ok()?;
    let content_size = usize::try_from(number(4)?).ok()?;
    let owner_end = 12_usize.checked_add(owner_size)?;
    let content_start = owner_end.checked_next_multiple_of(align)?;
    let content_end = content_start.checked_add(content_size)?;
    let content = bytes.get(content_start..content_end)?;
    *rest = content_end.checked_next_multiple_of(align).and_then(|end| bytes.get(end..)).unwrap_or_default();
    Some(Note { owner: bytes.get(12..owner_end)?, kind: number(8)?, content })
}
