//! Where Go's build information lies in the file, and its two strings: the Go release and the module information.
//!
//! Since Go 1.18 the strings follow the header; from 1.13 to 1.17 the header points to two Go string headers.

use super::Error;
use super::elf::{Elf, SegmentKind, Stretch};
use super::input::CHUNK;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER: u64 = 32;
/// The linker aligns the header to this.
const STEP: u64 = 16;
/// The magic may stand in a program's own data (in the `go` tool, say), but not often.
const MOST_CANDIDATES: u32 = 64;
const LONGEST_RELEASE: u64 = 1 << 10;
const LONGEST_MODULES: u64 = 1 << 20;
/// What the `go` command puts around the module information, on each side.
const SENTINEL: usize = 16;

/// The Go release and the module information, without its frame; empty if it was built without modules.
pub(super) fn find(elf: &Elf<'_>) -> Result<(String, String), Error> {
    if let Some(section) = elf.section(".go.buildinfo") {
        return Search::new(elf).within(section.stretch)?.ok_or(Error::NotGo);
    }
    if !elf.sections.is_empty() {
        return Err(Error::NotGo);
    }
    // Writable segments first: it lies in one of them, though not always in the first.
    let mut search = Search::new(elf);
    for wanted in [SegmentKind::Data, SegmentKind::Fixed] {
        for segment in elf.segments.iter().filter(|segment| segment.kind == wanted) {
            if let Some(found) = search.within(segment.stretch)? {
                return Ok(found);
            }
        }
    }
    Err(Error::NotGo)
}

struct Search<'e, 'f> {
    elf: &'e Elf<'f>,
    candidates: u32,
}

impl<'e, 'f> Search<'e, 'f> {
    fn new(elf: &'e Elf<'f>) -> Self {
        Self { elf, candidates: MOST_CANDIDATES }
    }

    fn within(&mut self, stretch: Stretch) -> Result<Option<(String, String)>, Error> {
        // The alignment is that of the address, which a file offset need not share.
        let Some(mut at) = stretch.address.checked_next_multiple_of(STEP).map(|start| start - stretch.address) else {
            return Ok(None);
        };
        let end = stretch.size.min(self.elf.input.size().saturating_sub(stretch.offset));
        while at + HEADER <= end && self.candidates > 0 {
            let size = CHUNK.min(end - at);
            let bytes = self.elf.input.bytes(stretch.offset + at, size)?;
            for (step, place) in bytes.chunks(16).enumerate().filter(|(_, place)| place.starts_with(MAGIC)) {
                if place.len() == 16 && self.candidates > 0 {
                    self.candidates -= 1;
                    if let Some(found) = self.decode(stretch, at + step as u64 * STEP, end) {
                        return Ok(Some(found));
                    }
                }
            }
            at += size.next_multiple_of(STEP);
        }
        Ok(None)
    }

    /// Reads the two strings of the header at `at` within the stretch; what does not fit is not Go's.
    fn decode(&self, stretch: Stretch, at: u64, end: u64) -> Option<(String, String)> {
        let header = self.elf.input.bytes(stretch.offset + at, HEADER.min(end - at)).ok()?;
        let (width, flags) = (*header.get(14)?, *header.get(15)?);
        let (release, modules) = if flags & 2 == 0 {
            let pointers = Pointers { elf: self.elf, width: width.into(), big_endian: flags & 1 != 0 };
            let release = pointers.string(header.get(16..)?, LONGEST_RELEASE)?;
            let second = 16 + usize::from(width);
            (release, pointers.string(header.get(second..)?, LONGEST_MODULES).unwrap_or_default())
        } else {
            let (release, next) = self.inline(stretch, at + HEADER, end, LONGEST_RELEASE)?;
            let (modules, _) = self.inline(stretch, next, end, LONGEST_MODULES)?;
            (release, modules)
        };
        let release = String::from_utf8(release).ok()?;
        if release.is_empty() || release.chars().any(char::is_control) {
            return None;
        }
        Some((release, unframed(&modules)))
    }

    /// A string with its length before it, and where the next one begins.
    fn inline(&self, stretch: Stretch, at: u64, end: u64, longest: u64) -> Option<(Vec<u8>, u64)> {
        let left = end.checked_sub(at)?;
        let prefix = self.elf.input.bytes(stretch.offset + at, left.min(10)).ok()?;
        let (length, width) = uvarint(&prefix)?;
        if length > longest || length > left - width {
            return None;
        }
        let text = self.elf.input.bytes(stretch.offset + at + width, length).ok()?;
        Some((text, at + width + length))
    }
}

struct Pointers<'e, 'f> {
    elf: &'e Elf<'f>,
    width: u64,
    big_endian: bool,
}

impl Pointers<'_, '_> {
    /// The Go string whose header lies where the first of these bytes point.
    fn string(&self, pointer: &[u8], longest: u64) -> Option<Vec<u8>> {
        let header = self.elf.at_address(self.number(pointer)?, 2 * self.width).ok()?;
        let address = self.number(&header)?;
        let length = self.number(header.get(usize::try_from(self.width).ok()?..)?)?;
        if length > longest {
            return None;
        }
        self.elf.at_address(address, length).ok()
    }

    fn number(&self, bytes: &[u8]) -> Option<u64> {
        Some(match (self.width, self.big_endian) {
            (4, false) => u32::from_le_bytes(*bytes.first_chunk()?).into(),
            (4, true) => u32::from_be_bytes(*bytes.first_chunk()?).into(),
            (8, false) => u64::from_le_bytes(*bytes.first_chunk()?),
            (8, true) => u64::from_be_bytes(*bytes.first_chunk()?),
            _ => return None,
        })
    }
}

/// The module information between its sentinels; without them it is none.
fn unframed(modules: &[u8]) -> String {
    let framed = modules.len() > 2 * SENTINEL && modules[modules.len() - SENTINEL - 1] == b'\n';
    let inner = if framed { &modules[SENTINEL..modules.len() - SENTINEL] } else { &[] };
    String::from_utf8_lossy(inner).into_owned()
}

/// A number in base 128, low groups first, and how many bytes it took.
fn uvarint(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let group = u64::from(byte & 0x7f);
        let shifted = group << (7 * index);
        if shifted >> (7 * index) != group {
            return None;
        }
        number |= shifted;
        if byte & 0x80 == 0 {
            return Some((number, index as u64 + 1));
        }
    }
    None
}
