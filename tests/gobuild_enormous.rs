//! A hostile ELF file costs little memory and little time. Alone in its process, whose memory is measured.

use std::fs::File;
use std::os::unix::fs::FileExt;

use lictor::gobuild;

/// What all of it together may have added to our memory, in KiB.
const MOST_MEMORY: u64 = 16 << 10;

/// A line of `/proc/self/status`, in KiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let value = status.lines().find_map(|text| text.strip_prefix(line)).expect("a known line");
    value.trim_end_matches("kB").trim().parse().expect("a number")
}

/// Little-endian numbers of these sizes in bytes.
fn numbers(fields: &[(u64, usize)]) -> Vec<u8> {
    fields.iter().flat_map(|(value, size)| value.to_le_bytes()[..*size].to_vec()).collect()
}

const HUGE: u64 = 1 << 39;
const STRINGS: u64 = 2 << 20;
const BUILD_INFO: u64 = 3 << 20;
const SYMBOLS: u64 = 4 << 20;
const SECTIONS: u64 = 5 << 20;

fn segment(kind: u64) -> Vec<u8> {
    numbers(&[(kind, 4), (6, 4), (0, 8), (0, 8), (0, 8), (HUGE, 8), (HUGE, 8), (4, 8)])
}

fn section(name: u64, kind: u64, offset: u64, link: u64) -> Vec<u8> {
    numbers(&[(name, 4), (kind, 4), (2, 8), (0, 8), (offset, 8), (HUGE, 8), (link, 4), (0, 4), (1, 8), (24, 8)])
}

/// A file of a tebibyte, nearly all of it holes, whose headers name as much of it as they can; the symbol of its version
/// is there, but its pointer is left to thousands of tables of relocations.
fn enormous(symbol: &str) -> File {
    let file = tempfile::tempfile().expect("a temporary file");
    file.set_len(1 << 40).expect("a file system with holes");
    let put = |bytes: &[u8], at: u64| file.write_all_at(bytes, at).expect("room");
    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header.extend(numbers(&[(2, 2), (62, 2), (1, 4), (0, 8), (64, 8), (SECTIONS, 8), (0, 4), (64, 2), (56, 2)]));
    header.extend(numbers(&[(4_000, 2), (64, 2), (8_192, 2), (3, 2)]));
    let (loaded, notes) = (1, 4);
    header.extend([segment(loaded).repeat(2_000), segment(notes).repeat(2_000)].concat());
    put(&header, 0);
    put(b"\0.go.buildinfo\0", STRINGS);
    put(format!("\0{symbol}\0").as_bytes(), STRINGS + 64);
    put(b"\xff Go buildinf:\x08\x02", BUILD_INFO);
    put(b"\x08go1.26.8\0", BUILD_INFO + 32);
    // An object of 16 bytes at an address where the pointer is 0 and the length is not.
    let variable = SYMBOLS + 48;
    put(&numbers(&[(0, 8), (0, 8), (0, 8), (65, 4), (1, 2), (1, 2), (variable, 8), (16, 8), (0, 8), (5, 8)]), SYMBOLS);
    let first =
        [section(0, 0, 0, 0), section(1, 1, BUILD_INFO, 0), section(0, 2, SYMBOLS, 3), section(0, 3, STRINGS, 0)];
    put(&[first.concat(), section(0, 4, 1 << 38, 0).repeat(8_188)].concat(), SECTIONS);
    file
}

#[test]
fn enormous_headers_cost_neither_memory_nor_time() {
    let before = memory("VmRSS:");
    for symbol in ["main.version", "main.other"] {
        let file = enormous(symbol);
        assert_eq!(gobuild::read_file(&file).expect("a Go program, as far as that goes").go, "go1.26.8");
        assert_eq!(gobuild::version_of(&file, "main.version").version, None);
        assert_eq!(gobuild::identity_of_file(&file).0.split(':').next(), Some("stat"));
        // Without sections the segments are searched, here in vain.
        file.write_all_at(&[0; 16], BUILD_INFO).expect("room");
        for sections in [0_u64, 0xffff] {
            file.write_all_at(&numbers(&[(sections, 2)]), 0x3c).expect("room");
            assert!(gobuild::read_file(&file).is_err());
            assert_eq!(gobuild::identity_of_file(&file).0.split(':').next(), Some("stat"));
        }
    }
    let grown = memory("VmHWM:").saturating_sub(before);
    assert!(grown < MOST_MEMORY, "{grown} KiB more than the {before} before");
}
