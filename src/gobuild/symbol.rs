//! The text of a Go string variable, found by the ELF symbol of its name.
//!
//! The tables of a large program are tens of MiB, so they are read in pieces: first the names, for the places where the
//! wanted one stands, then the symbols, for one whose name is at such a place.

use std::fmt::Write;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, Rela, Sym};

use super::elf::{Class, Elf, Section, Stretch};
use super::input::CHUNK;

/// The name's places in the table of names: as itself, and as the end of longer ones.
const MOST_PLACES: usize = 256;
/// The longest name that is looked for.
const LONGEST_NAME: usize = 1_024;
/// A longer string is not a version.
const LONGEST_TEXT: u64 = 200;

/// The text of the variable; `None` if the symbol is gone, or is not a string with a text.
pub(super) fn text_of(elf: &Elf<'_>, symbol: &str) -> Option<String> {
    if symbol.is_empty() || symbol.len() > LONGEST_NAME {
        return None;
    }
    let table = elf.sections.iter().find(|section| section.kind == elf::SHT_SYMTAB)?;
    let address = match elf.class {
        Class::Bits32 => address_of::<FileHeader32<Endianness>>(elf, table, symbol),
        Class::Bits64 => address_of::<FileHeader64<Endianness>>(elf, table, symbol),
    }?;
    let width = elf.class.pointer();
    let header = elf.at_address(address, 2 * width).ok()?;
    let (pointer, length) = header.split_at_checked(usize::try_from(width).ok()?)?;
    let (pointer, length) = (elf.pointer(pointer)?, elf.pointer(length)?);
    if length == 0 || length > LONGEST_TEXT {
        return None;
    }
    // A position independent program may leave the pointer to the loader.
    let pointer = if pointer == 0 { relocated(elf, address)? } else { pointer };
    String::from_utf8(elf.at_address(pointer, length).ok()?).ok()
}

fn address_of<H: FileHeader<Endian = Endianness>>(elf: &Elf<'_>, table: &Section, symbol: &str) -> Option<u64> {
    let names = elf.sections.get(table.link)?.stretch;
    let places = places_of(elf, names, linker_name(symbol).as_bytes());
    let is_string = |entry: &H::Sym| {
        entry.st_type() == elf::STT_OBJECT
            && entry.st_size(elf.endian).into() == 2 * elf.class.pointer()
            && !entry.is_undefined(elf.endian)
            && places.binary_search(&u64::from(entry.st_name(elf.endian))).is_ok()
    };
    if places.is_empty() {
        return None;
    }
    let entry = pieces::<H::Sym>(elf, table.stretch).find_map(|piece| piece.into_iter().find(is_string))?;
    Some(entry.st_value(elf.endian).into())
}

/// A variable's name as the linker writes it: dots in the last element of the package's path, and what is not plain
/// ASCII, are escaped.
fn linker_name(symbol: &str) -> String {
    let Some((package, name)) = symbol.rsplit_once('.') else { return symbol.to_owned() };
    let last = package.rfind('/').map_or(0, |slash| slash + 1);
    let mut written = String::with_capacity(symbol.len());
    for (index, byte) in package.bytes().enumerate() {
        let escaped = (byte == b'.' && index >= last) || byte <= b' ' || matches!(byte, b'%' | b'"') || byte >= 0x7f;
        if escaped {
            // Writing to a string does not fail.
            let _ = write!(written, "%{byte:02x}");
        } else {
            written.push(char::from(byte));
        }
    }
    written.push('.');
    written.push_str(name);
    written
}

/// Where the name stands in the table of names, with its final zero, in ascending order.
fn places_of(elf: &Elf<'_>, names: Stretch, name: &[u8]) -> Vec<u64> {
    let wanted = [name, b"\0"].concat();
    let mut places = Vec::new();
    let mut at = 0;
    let end = names.size;
    while at < end && places.len() < MOST_PLACES {
        let size = CHUNK.min(end - at);
        let Some(bytes) = names.offset.checked_add(at).and_then(|offset| elf.input.bytes(offset, size).ok()) else {
            break;
        };
        let found = bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted.as_slice());
        places.extend(found.map(|(index, _)| at + index as u64).take(MOST_PLACES));
        if size < CHUNK {
            break;
        }
        // The next piece repeats the end of this one, so that no name is cut in two.
        at += size - (wanted.len() as u64 - 1);
    }
    places
}

/// What the loader would write at this address: the addend of its RELATIVE relocation.
fn relocated(elf: &Elf<'_>, address: u64) -> Option<u64> {
    let mut tables = elf.sections.iter().filter(|section| section.kind == elf::SHT_RELA);
    tables.find_map(|table| match elf.class {
        Class::Bits32 => addend_at::<FileHeader32<Endianness>>(elf, table.stretch, address),
        Class::Bits64 => addend_at::<FileHeader64<Endianness>>(elf, table.stretch, address),
    })
}

fn addend_at<H: FileHeader<Endian = Endianness>>(elf: &Elf<'_>, table: Stretch, address: u64) -> Option<u64> {
    // Relative ones name no symbol; the rest cannot be resolved without a loader.
    let relative =
        |entry: &H::Rela| entry.r_offset(elf.endian).into() == address && entry.symbol(elf.endian, false).is_none();
    let entry = pieces::<H::Rela>(elf, table).find_map(|piece| piece.into_iter().find(relative))?;
    u64::try_from(entry.r_addend(elf.endian).into()).ok()
}

/// The entries of a table, some thousands at a time; it ends where the file cannot be read.
fn pieces<T: object::pod::Pod>(elf: &Elf<'_>, table: Stretch) -> impl Iterator<Item = Vec<T>> {
    let entry = size_of::<T>() as u64;
    let count = table.size / entry;
    let piece = CHUNK / entry;
    let starts = (0..count).step_by(usize::try_from(piece).unwrap_or(1));
    starts.map_while(move |start| {
        let offset = table.offset.checked_add(start * entry)?;
        elf.input.table(offset, piece.min(count - start)).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::linker_name;

    #[test]
    fn names_are_written_as_the_linker_does() {
        assert_eq!(linker_name("main.version"), "main.version");
        assert_eq!(linker_name("example.com/a.b/build.Version"), "example.com/a.b/build.Version");
        assert_eq!(linker_name("gopkg.in/yaml.v3.Version"), "gopkg.in/yaml%2ev3.Version");
        assert_eq!(linker_name("plain"), "plain");
    }
}
