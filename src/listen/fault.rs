//! A bug of the kernel that forbids steering: CVE-2026-52910. In a kernel without the fix, a BPF program that is
//! replaced may still be running when its memory is freed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The kernel function that came with the fix.
const REMEDY: &[u8] = b"sk_reuseport_prog_free_rcu";

/// The first version with the fix, in each series. Distributions fix older versions too.
const MENDED: [(u32, u32, u32); 3] = [(6, 6, 143), (6, 12, 93), (6, 18, 44)];

/// The files that list the functions of the kernel: its BPF types, and its symbols, which systemd's
/// `ProtectKernelTunables=` hides.
const NAMES: [&str; 2] = ["/sys/kernel/btf/vmlinux", "/proc/kallsyms"];

/// Whether this kernel has the fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has.
    Mended,
    /// It does not.
    There,
    /// Unknown: neither its version nor its functions show it.
    Unknown,
}

/// Whether this kernel has the fix. If the version does not show that, it takes up to 100 ms.
pub(super) fn of_kernel() -> Fault {
    let release = rustix::system::uname();
    if release.release().to_str().is_ok_and(is_new_enough) {
        return Fault::Mended;
    }
    of_names(NAMES.iter().map(Path::new))
}

fn of_names<'a>(lists: impl Iterator<Item = &'a Path>) -> Fault {
    let mut known = Fault::Unknown;
    for list in lists {
        match names(list, REMEDY) {
            Ok(true) => return Fault::Mended,
            Ok(false) => known = Fault::There,
            Err(error) => {
                tracing::debug!(list = %list.display(), %error, "does not tell which functions the kernel has");
            }
        }
    }
    known
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

/// Whether a file contains these bytes. An empty file is an error: it is masked.
fn names(list: &Path, wanted: &[u8]) -> io::Result<bool> {
    let mut file = File::open(list)?;
    let mut buffer = vec![0; 64 * 1024];
    // The end of the previous block, where the bytes may begin.
    let mut kept = 0;
    let mut read_at_all = false;
    loop {
        let read = file.read(&mut buffer[kept..])?;
        if read == 0 {
            return if read_at_all { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        read_at_all = true;
        let filled = kept + read;
        if buffer[..filled].windows(wanted.len()).any(|part| part == wanted) {
            return Ok(true);
        }
        kept = filled.min(wanted.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Fault, REMEDY, is_new_enough, of_names};

    #[test]
    fn versions_that_have_the_remedy() {
        for mended in ["6.6.143", "6.6.144-generic", "6.12.93", "6.18.44-fc", "6.18.50+deb13-amd64"] {
            assert!(is_new_enough(mended), "{mended}");
        }
        for unsure in ["6.6.142", "6.1.200", "6.12.92", "5.15.0-91-generic", "7.0.0", "", "6", "six.six.143", "6.6"] {
            assert!(!is_new_enough(unsure), "{unsure}");
        }
    }

    #[test]
    fn what_the_kernel_s_lists_of_functions_say() {
        let folder = tempfile::tempdir().unwrap();
        let list = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        // Across the edge of what is read at once.
        let with = list("with", &[&vec![b'x'; 64 * 1024 - 7], REMEDY, b"y"].concat());
        let without = list("without", &vec![b'x'; 200_000]);
        let masked = list("masked", b"");
        let missing = folder.path().join("missing");
        let of = |lists: &[&Path]| of_names(lists.iter().copied());
        assert_eq!(of(&[&without, &with]), Fault::Mended);
        assert_eq!(of(&[&missing, &without]), Fault::There);
        assert_eq!(of(&[&missing, &masked]), Fault::Unknown);
    }
}
