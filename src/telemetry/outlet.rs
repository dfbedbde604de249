//! Writes to stderr without ever blocking for long: if the reader is stuck, lines are lost, but no time.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing_subscriber::fmt::MakeWriter;

/// How long one line may wait for a slow reader.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Writes to stderr, or counts what it could not write.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    lost: AtomicU64,
}

impl<'a> MakeWriter<'a> for Outlet {
    type Writer = Attempt<'a>;

    fn make_writer(&'a self) -> Attempt<'a> {
        Attempt { outlet: self }
    }
}

/// One line on its way.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    outlet: &'a Outlet,
}

impl Write for Attempt<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.outlet.write_to(&mut io::stderr(), line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet {
    fn write_to(&self, stream: &mut (impl Write + AsFd), line: &[u8]) {
        if !has_room(stream) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(stream, "({lost} lines were lost: stderr was not being read)");
        }
        // A failing stderr cannot be reported anywhere.
        let _ = stream.write_all(line);
    }
}

/// Whether a line can be written without waiting. If the stream cannot tell, it counts as ready.
fn has_room(stream: &impl AsFd) -> bool {
    let mut asked = [PollFd::new(stream, PollFlags::OUT)];
    !matches!(poll(&mut asked, Some(&PATIENCE)), Ok(0))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, pipe};
    use std::sync::atomic::Ordering;

    use super::Outlet;

    #[test]
    fn a_reader_that_is_stuck_costs_lines_and_no_time() {
        let (mut reader, mut writer) = pipe().unwrap();
        let outlet = Outlet::default();
        let line = [b'x'; 4000];
        for _ in 0..20 {
            outlet.write_to(&mut writer, &line);
        }
        let lost = outlet.lost.load(Ordering::Relaxed);
        assert!(lost > 0 && lost < 20, "{lost}");

        let mut some = vec![0; 16_000];
        reader.read_exact(&mut some).unwrap();
        outlet.write_to(&mut writer, b"back\n");
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with(&format!("x({lost} lines were lost: stderr was not being read)\nback\n")));
    }

    #[test]
    fn a_stream_that_is_closed_is_survived() {
        let (reader, mut writer) = pipe().unwrap();
        drop(reader);
        let outlet = Outlet::default();
        for _ in 0..3 {
            outlet.write_to(&mut writer, b"to nobody\n");
        }
    }
}
