//! Standard output that remembers failures: if an answer was lost on a full disk, the exit code must not be 0.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Write};
use std::rc::Rc;

use crate::exit;

/// Writes to standard output. Clones share the record of failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Stdout(Rc<RefCell<Option<io::Error>>>);

impl Stdout {
    /// The exit code: `code`, unless that means success and the answer could not be written. It is not a failure if the
    /// reader has ended (`lictor status | head -1`).
    pub(super) fn ended(&self, code: u8) -> u8 {
        let _ = io::Write::flush(&mut self.clone());
        match &*self.0.borrow() {
            Some(error) => {
                let _ = writeln!(io::stderr(), "lictor: the answer cannot be written to standard output: {error}");
                if code == exit::OK { exit::OUTPUT } else { code }
            }
            None => code,
        }
    }

    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted)
        {
            let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.0.borrow_mut().get_or_insert(copy);
        }
        done
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.noted(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.noted(io::stdout().flush())
    }
}
