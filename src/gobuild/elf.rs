//! The headers of an ELF file, of 32 or 64 bits and either byte order, as far as Go's information needs them.

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64, SectionType};
use object::endian::Endian;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::Error;
use super::input::Input;

/// More of either than any program has: a header that names more is damaged.
const MOST_SEGMENTS: u16 = 4_096;
const MOST_SECTIONS: u16 = 8_192;
const LONGEST_NAMES: u64 = 256 << 10;

/// The width of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Bits32,
    Bits64,
}

impl Class {
    /// The size of a pointer.
    pub(super) fn pointer(self) -> u64 {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }
}

/// A stretch of the file with its address in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentKind {
    /// Loaded, and written at run time: where Go puts its information.
    Data,
    /// Loaded, and only read.
    Fixed,
    /// Notes, aligned to this many bytes.
    Notes(u64),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) kind: SegmentKind,
    pub(super) stretch: Stretch,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    name: u32,
    pub(super) kind: SectionType,
    pub(super) stretch: Stretch,
    /// The index of the section that this one refers to: a symbol table's strings.
    pub(super) link: usize,
}

/// An ELF file whose headers have been read.
#[derive(Debug)]
pub(super) struct Elf<'f> {
    pub(super) input: Input<'f>,
    pub(super) class: Class,
    pub(super) endian: Endianness,
    pub(super) segments: Vec<Segment>,
    /// Empty if there are no section headers, or none that can be read: they are not needed to run a program.
    pub(super) sections: Vec<Section>,
    names: Vec<u8>,
}

impl<'f> Elf<'f> {
    pub(super) fn parse(input: Input<'f>) -> Result<Self, Error> {
        let ident = input.bytes(0, input.size().min(16))?;
        if !ident.starts_with(&elf::ELFMAG) {
            return Err(Error::NotElf);
        }
        match ident.get(4).copied() {
            Some(1) => Self::of_class::<FileHeader32<Endianness>>(input, Class::Bits32),
            Some(2) => Self::of_class::<FileHeader64<Endianness>>(input, Class::Bits64),
            _ => Err(Error::Damaged("neither 32 nor 64 bits")),
        }
    }

    fn of_class<H: FileHeader<Endian = Endianness>>(input: Input<'f>, class: Class) -> Result<Self, Error> {
        let header: H = one(&input.table(0, 1)?)?;
        let endian = header.endian().map_err(|_| Error::Damaged("no byte order"))?;
        let segments = segments(&input, &header, endian)?;
        let (sections, names) = sections(&input, &header, endian).unwrap_or_default();
        Ok(Self { input, class, endian, segments, sections, names })
    }

    /// The section of this name.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| {
            let text = usize::try_from(section.name).ok().and_then(|start| self.names.get(start..));
            text.and_then(|text| text.strip_prefix(name.as_bytes())).is_some_and(|rest| rest.first() == Some(&0))
        })
    }

    /// What lies at this address once the program is loaded, as far as it comes from the file.
    pub(super) fn at_address(&self, address: u64, size: u64) -> Result<Vec<u8>, Error> {
        let stray = Error::Damaged("an address leads nowhere");
        for Segment { kind, stretch } in &self.segments {
            let Some(inside) = address.checked_sub(stretch.address) else { continue };
            let end = inside.checked_add(size);
            if !matches!(kind, SegmentKind::Notes(_)) && end.is_some_and(|end| end <= stretch.size) {
                let offset = stretch.offset.checked_add(inside).ok_or(stray)?;
                return self.input.bytes(offset, size);
            }
        }
        Err(stray)
    }

    /// A pointer-sized number at the start of these bytes.
    pub(super) fn pointer(&self, bytes: &[u8]) -> Option<u64> {
        Some(match self.class {
            Class::Bits32 => self.endian.read_u32(*bytes.first_chunk()?).into(),
            Class::Bits64 => self.endian.read_u64(*bytes.first_chunk()?),
        })
    }
}

fn segments<H: FileHeader<Endian = Endianness>>(
    input: &Input<'_>,
    header: &H,
    endian: Endianness,
) -> Result<Vec<Segment>, Error> {
    let count = header.e_phnum(endian);
    if count > MOST_SEGMENTS || (count > 0 && usize::from(header.e_phentsize(endian)) != size_of::<H::ProgramHeader>())
    {
        return Err(Error::Damaged("program headers of a strange size"));
    }
    let entries: Vec<H::ProgramHeader> = input.table(header.e_phoff(endian).into(), count.into())?;
    let known = entries.iter().filter_map(|entry| {
        let kind = match entry.p_type(endian) {
            elf::PT_LOAD if entry.p_flags(endian).contains(elf::PF_W) => SegmentKind::Data,
            elf::PT_LOAD => SegmentKind::Fixed,
            elf::PT_NOTE => SegmentKind::Notes(entry.p_align(endian).into()),
            _ => return None,
        };
        let (offset, size) = entry.file_range(endian);
        Some(Segment { kind, stretch: Stretch { address: entry.p_vaddr(endian).into(), offset, size } })
    });
    Ok(known.collect())
}

fn sections<H: FileHeader<Endian = Endianness>>(
    input: &Input<'_>,
    header: &H,
    endian: Endianness,
) -> Option<(Vec<Section>, Vec<u8>)> {
    let count = header.e_shnum(endian);
    if count > MOST_SECTIONS || usize::from(header.e_shentsize(endian)) != size_of::<H::SectionHeader>() {
        return None;
    }
    let entries: Vec<H::SectionHeader> = input.table(header.e_shoff(endian).into(), count.into()).ok()?;
    let sections: Vec<Section> = entries
        .iter()
        .map(|entry| Section {
            name: entry.sh_name(endian),
            kind: entry.sh_type(endian),
            stretch: Stretch {
                address: entry.sh_addr(endian).into(),
                offset: entry.sh_offset(endian).into(),
                size: entry.sh_size(endian).into(),
            },
            link: usize::try_from(entry.sh_link(endian)).unwrap_or(usize::MAX),
        })
        .collect();
    let names = sections.get(usize::from(header.e_shstrndx(endian).0))?.stretch;
    let names = input.bytes(names.offset, names.size.min(LONGEST_NAMES)).ok()?;
    Some((sections, names))
}

fn one<T: Copy>(entries: &[T]) -> Result<T, Error> {
    entries.first().copied().ok_or(Error::Damaged("no header"))
}
