//! A fault of the kernel that forbids steering: CVE-2026-52910. Where it is not mended, a program that takes the place of
//! another may still be running when its memory is given back.

use std::fs::File;
use std::io::{BufRead, BufReader};

/// The function that came with the remedy.
const REMEDY: &[u8] = b" sk_reuseport_prog_free_rcu";

/// Versions that have it: in each series from this one on. Newer kernels are asked themselves.
const MENDED: [(u32, u32, u32); 3] = [(6, 6, 143), (6, 12, 93), (6, 18, 44)];

/// Whether this kernel has the remedy. Distributions mend older versions too, so where the number does not tell, the
/// list of the kernel's functions does; that takes some 50 ms.
pub(super) fn is_mended() -> bool {
    let release = rustix::system::uname();
    release.release().to_str().is_ok_and(is_new_enough) || has_remedy()
}

fn is_new_enough(release: &str) -> bool {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse::<u32>().ok()
    };
    let mut parts = release.splitn(3, '.').map(number);
    let (Some(Some(major)), Some(Some(minor)), Some(Some(patch))) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    MENDED.iter().any(|mended| (mended.0, mended.1) == (major, minor) && patch >= mended.2)
}

fn has_remedy() -> bool {
    let Ok(file) = File::open("/proc/kallsyms") else { return false };
    let mut lines = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::with_capacity(128);
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        if line.trim_ascii_end().ends_with(REMEDY) {
            return true;
        }
        line.clear();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_that_have_the_remedy() {
        for mended in ["6.6.143", "6.6.144-generic", "6.12.93", "6.18.44-fc", "6.18.50+deb13-amd64"] {
            assert!(is_new_enough(mended), "{mended}");
        }
        for unsure in ["6.6.142", "6.1.200", "6.12.92", "5.15.0-91-generic", "7.0.0", "", "6", "six.six.143", "6.6"] {
            assert!(!is_new_enough(unsure), "{unsure}");
        }
    }
}
