//! Standard output that does not forget a failure: an answer that was lost on a full disk must not end with 0.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Write};
use std::rc::Rc;

use crate::exit;

/// Writes to standard output. Clones share what is known of its failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Stdout(Rc<RefCell<Option<io::Error>>>);

impl Stdout {
    /// What to end with: `code`, unless all went well but the answer could not be written. A reader that has gone away
    /// (`lictor status | head -1`) is no failure.
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
