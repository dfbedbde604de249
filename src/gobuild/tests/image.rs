//! Writes small ELF files: one writable segment, and section headers if wanted.

use object::Endianness;
use object::elf::{PT_LOAD, SHT_PROGBITS, SHT_RELA, SHT_STRTAB, SHT_SYMTAB, SectionType};
use object::endian::Endian;

/// The size of addresses in bytes, and the byte order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) width: usize,
    pub(super) order: Endianness,
}

impl Form {
    pub(super) const ALL: [Self; 4] = [
        Self { width: 8, order: Endianness::Little },
        Self { width: 8, order: Endianness::Big },
        Self { width: 4, order: Endianness::Little },
        Self { width: 4, order: Endianness::Big },
    ];

    fn number(self, number: u64, size: usize) -> Vec<u8> {
        let mut bytes = number.to_le_bytes()[..size].to_vec();
        if self.order.is_big_endian() {
            bytes.reverse();
        }
        bytes
    }

    /// Numbers one after the other; a size of 0 stands for that of an address.
    fn numbers(self, numbers: &[(u64, usize)]) -> Vec<u8> {
        let size = |size| if size == 0 { self.width } else { size };
        numbers.iter().flat_map(|(number, of)| self.number(*number, size(*of))).collect()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Headers {
    Sections,
    SegmentsOnly,
}

/// Whether a string's pointer stands in the file, or only in the addend of a relocation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pointer {
    Written,
    Relocated,
}

const OFFSET: u64 = 0x400;
const ADDRESS: u64 = 0x40_0400;
/// The build information does not stand at the start of the segment.
const FILLER: usize = 64;
const SENTINEL: &[u8; 16] = b"0123456789abcdef";

struct Section {
    name: &'static str,
    kind: SectionType,
    address: u64,
    content: Vec<u8>,
    link: u64,
}

pub(super) struct Image {
    form: Form,
    headers: Headers,
    data: Vec<u8>,
    build_info: Vec<u8>,
    others: Vec<Section>,
}

impl Image {
    pub(super) fn new(form: Form, headers: Headers) -> Self {
        Self { form, headers, data: vec![0; FILLER], build_info: Vec::new(), others: Vec::new() }
    }

    /// Puts bytes into the segment; gives their address.
    fn put(&mut self, bytes: &[u8]) -> u64 {
        self.data.resize(self.data.len().next_multiple_of(16), 0);
        let address = ADDRESS + self.data.len() as u64;
        self.data.extend_from_slice(bytes);
        address
    }

    fn put_string(&mut self, text: &[u8]) -> u64 {
        let at = self.put(text);
        self.put(&self.form.numbers(&[(at, 0), (text.len() as u64, 0)]))
    }

    fn header(&self, flags: u8) -> Vec<u8> {
        let width = u8::try_from(self.form.width).expect("a small number");
        [b"\xff Go buildinf:".as_slice(), &[width, flags]].concat()
    }

    /// As Go 1.13 to 1.17 did it.
    pub(super) fn pointer_format(mut self, release: &str, modules: &str) -> Self {
        let release = self.put_string(release.as_bytes());
        let modules = if modules.is_empty() { 0 } else { self.put_string(&framed(modules)) };
        self.build_info = self.header(u8::from(self.form.order.is_big_endian()));
        self.build_info.extend(self.form.numbers(&[(release, 0), (modules, 0)]));
        self.build_info.resize(32, 0);
        self
    }

    /// As Go does it since 1.18.
    pub(super) fn inline_format(mut self, release: &str, modules: &str) -> Self {
        self.build_info = self.header(2);
        self.build_info.resize(32, 0);
        for text in [release.as_bytes(), &framed(modules)] {
            self.build_info.extend(uvarint(text.len() as u64));
            self.build_info.extend_from_slice(text);
        }
        self
    }

    /// The same with a module information that claims this length.
    pub(super) fn inline_format_of_length(mut self, length: u64) -> Self {
        self.build_info = self.header(2);
        self.build_info.resize(32, 0);
        self.build_info.extend([8]);
        self.build_info.extend_from_slice(b"go1.26.8");
        self.build_info.extend(uvarint(length));
        self
    }

    /// A Go string variable with its symbol, and another one whose name ends alike.
    pub(super) fn variable(mut self, name: &str, text: &str, pointer: Pointer) -> Self {
        let form = self.form;
        let at = self.put(text.as_bytes());
        let written = if matches!(pointer, Pointer::Written) { at } else { 0 };
        let header = self.put(&form.numbers(&[(written, 0), (text.len() as u64, 0)]));
        let names = format!("\0other.{name}\0{name}\0");
        let place = names.len() - name.len() - 1;
        // The first symbol of a table is none; the next has our name but another size, as a function has.
        let mut symbols = form.numbers(&[(0, 4), (0, 4), (0, 0), (0, 0)]);
        symbols.resize(if form.width == 8 { 24 } else { 16 }, 0);
        for size in [1, 2 * form.width as u64] {
            let (place, object, section) = ((place as u64, 4), (1, 1), (1, 2));
            symbols.extend(match form.width {
                8 => form.numbers(&[place, object, (0, 1), section, (header, 0), (size, 0)]),
                _ => form.numbers(&[place, (header, 0), (size, 0), object, (0, 1), section]),
            });
        }
        let (relative, symbolic) = (8, (7 << if form.width == 8 { 32 } else { 8 }) | 1);
        let relocations = form.numbers(&[(header, 0), (symbolic, 0), (1, 0), (header, 0), (relative, 0), (at, 0)]);
        self.add(".rela.dyn", SHT_RELA, relocations, 0);
        let names_at = self.add(".strtab", SHT_STRTAB, names.into_bytes(), 0);
        self.add(".symtab", SHT_SYMTAB, symbols, names_at);
        self
    }

    /// Adds a section; gives its index, after the empty one and that of the build information.
    fn add(&mut self, name: &'static str, kind: SectionType, content: Vec<u8>, link: u64) -> u64 {
        self.others.push(Section { name, kind, address: 0, content, link });
        self.others.len() as u64 + 1
    }

    pub(super) fn build(mut self) -> Vec<u8> {
        let form = self.form;
        let info = std::mem::take(&mut self.build_info);
        let address = self.put(&info);
        let name = if info.is_empty() { ".data" } else { ".go.buildinfo" };
        let mut sections = vec![Section { name, kind: SHT_PROGBITS, address, content: info, link: 0 }];
        sections.append(&mut self.others);
        let mut names = vec![0];
        let mut headers =
            form.numbers(&[(0, 4), (0, 4), (0, 0), (0, 0), (0, 0), (0, 0), (0, 4), (0, 4), (0, 0), (0, 0)]);
        let header_size = headers.len();
        let mut tail = Vec::new();
        let tail_at = OFFSET + self.data.len() as u64;
        sections.push(Section { name: ".shstrtab", kind: SHT_STRTAB, address: 0, content: Vec::new(), link: 0 });
        for section in &sections {
            let offset =
                if section.address > 0 { section.address - ADDRESS + OFFSET } else { tail_at + tail.len() as u64 };
            let (kind, mut size) = (u64::from(section.kind.0), section.content.len() as u64);
            let name = names.len() as u64;
            names.extend(section.name.bytes().chain([0]));
            if section.name == ".shstrtab" {
                tail.extend_from_slice(&names);
                size = names.len() as u64;
            } else if section.address == 0 {
                tail.extend_from_slice(&section.content);
            }
            headers.extend(form.numbers(&[
                (name, 4),
                (kind, 4),
                (0, 0),
                (section.address, 0),
                (offset, 0),
                (size, 0),
                (section.link, 4),
                (0, 4),
                (1, 0),
                (0, 0),
            ]));
        }
        let count = sections.len() as u64 + 1;
        let (headers_at, count, strings) = match self.headers {
            Headers::Sections => (tail_at + tail.len() as u64, count, count - 1),
            Headers::SegmentsOnly => (0, 0, 0),
        };
        let segment_size = self.data.len() as u64;
        let (load, read_write) = ((u64::from(PT_LOAD.0), 4), (6, 4));
        let segment = match form.width {
            8 => form.numbers(&[
                load,
                read_write,
                (OFFSET, 0),
                (ADDRESS, 0),
                (0, 0),
                (segment_size, 0),
                (segment_size, 0),
                (16, 0),
            ]),
            _ => form.numbers(&[
                load,
                (OFFSET, 0),
                (ADDRESS, 0),
                (0, 0),
                (segment_size, 0),
                (segment_size, 0),
                read_write,
                (16, 0),
            ]),
        };
        let start_size = if form.width == 8 { 64 } else { 52 };
        let (class, order) = (if form.width == 8 { 2 } else { 1 }, if form.order.is_big_endian() { 2 } else { 1 });
        let mut image = vec![0x7f, b'E', b'L', b'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        image.extend(form.numbers(&[
            (2, 2),
            (62, 2),
            (1, 4),
            (ADDRESS, 0),
            (start_size, 0),
            (headers_at, 0),
            (0, 4),
            (start_size, 2),
            (segment.len() as u64, 2),
            (1, 2),
            (header_size as u64, 2),
            (count, 2),
            (strings, 2),
        ]));
        image.extend(segment);
        image.resize(usize::try_from(OFFSET).expect("a small number"), 0);
        image.extend(self.data);
        if matches!(self.headers, Headers::Sections) {
            image.extend(tail);
            image.extend(headers);
        }
        image
    }
}

fn framed(modules: &str) -> Vec<u8> {
    [SENTINEL, modules.as_bytes(), SENTINEL].concat()
}

fn uvarint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(0x80 | u8::try_from(number & 0x7f).expect("seven bits"));
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}
