//! The mark of a run: the variable `LICTOR_RUN`, which each process of a run inherits from the one that lictor started.
//!
//! It is read from `/proc/PID/environ`. By it, lictor recognises to which run a process belongs, even if that has left its group and
//! lost its parents, or was started by an earlier lictor. It is not secret and grants no rights. A process that has cleared or
//! overwritten its environment has no mark.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

/// The variable with the mark.
pub(super) const VARIABLE: &str = "LICTOR_RUN";

/// Longer environments are not searched: the kernel's own limit is 6 MiB.
const LONGEST: u64 = 8 << 20;

/// If lictor is itself the service of another lictor, it passes that one's mark on, up to this many bytes.
const LONGEST_INHERITED: usize = 512;

/// Identifies one start of the service among all starts with one state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// A random number, chosen once for a state directory, or for a lictor without one.
    lineage: u64,
    /// The number of the start in that lineage.
    start: u64,
}

impl Mark {
    /// The mark before the first start of a new lineage.
    pub fn of_new_lineage() -> Self {
        Self { lineage: fastrand::u64(..), start: 0 }
    }

    /// The mark of the next start.
    #[must_use]
    pub fn next(self) -> Self {
        Self { start: self.start + 1, ..self }
    }

    /// The number of the start; later starts have larger numbers.
    pub(super) fn number(self) -> u64 {
        self.start
    }

    /// Whether both belong to the same lineage.
    pub(super) fn is_kin_of(self, other: Self) -> bool {
        self.lineage == other.lineage
    }

    /// The value of the variable for a process of this run.
    pub(super) fn value(self, inherited: Option<&OsStr>) -> OsString {
        let mut value = inherited.filter(|value| value.len() <= LONGEST_INHERITED).unwrap_or_default().to_owned();
        if !value.is_empty() {
            value.push(",");
        }
        value.push(self.to_string());
        value
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.lineage, self.start)
    }
}

/// The text is not a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the mark of a run")]
pub struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let (lineage, start) = text.split_once(':').filter(|(lineage, _)| lineage.len() == 16).ok_or(NoMark)?;
        let lineage = u64::from_str_radix(lineage, 16).map_err(|_| NoMark)?;
        Ok(Self { lineage, start: start.parse().map_err(|_| NoMark)? })
    }
}

/// The marks of a live process; empty if it has none or we may not read them. Reading may block if the process hangs.
pub(super) fn of(pid: u32) -> Vec<Mark> {
    let mut environment = Vec::new();
    let opened = File::open(format!("/proc/{pid}/environ"));
    match opened.map(|file| file.take(LONGEST).read_to_end(&mut environment)) {
        Ok(Ok(_)) => within(&environment),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

fn within(environment: &[u8]) -> Vec<Mark> {
    let value = |entry: &[u8]| Some(entry.strip_prefix(VARIABLE.as_bytes())?.strip_prefix(b"=")?.to_vec());
    let value = environment.split(|byte| *byte == 0).find_map(value).unwrap_or_default();
    let words = OsStr::from_bytes(&value).to_str().unwrap_or_default().split(',');
    words.filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Mark, within};

    #[test]
    fn a_mark_has_its_way_back_and_nothing_else_is_one() {
        let mark = Mark { lineage: 0xab, start: 17 };
        assert_eq!(mark.to_string(), "00000000000000ab:17");
        assert_eq!("00000000000000ab:17".parse(), Ok(mark));
        for text in
            ["", ":", "ab:17", "00000000000000ab", "00000000000000ab:", "00000000000000ab:-1", "00000000000000zz:1"]
        {
            assert!(text.parse::<Mark>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_found_among_the_variables_beside_the_mark_of_an_outer_lictor() {
        let (outer, mark) = (Mark { lineage: 1, start: 3 }, Mark { lineage: 2, start: 4 });
        let value = mark.value(Some(outer.value(None).as_os_str())).into_string().unwrap();
        let environment = format!("A=LICTOR_RUN=x\0XLICTOR_RUN={outer}\0LICTOR_RUN={value}\0Z=\0");
        assert_eq!(within(environment.as_bytes()), [outer, mark]);
        assert_eq!(within(b"LICTOR_RUN_OF=1\0\xff=\xff"), []);
    }
}
