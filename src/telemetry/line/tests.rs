use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{fmt, registry};

use super::{Decoration, LONGEST, Line};

/// A stderr that a test can read.
#[derive(Clone, Default)]
struct Kept(Arc<watch::Sender<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_modify(|kept| kept.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(decoration: Decoration, log: impl FnOnce()) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let layer = fmt::layer().with_writer(move || writer.clone()).event_format(Line::new(decoration));
    with_default(registry().with(layer), log);
    String::from_utf8(kept.0.borrow().clone()).unwrap()
}

#[test]
fn the_journal_gets_priorities_and_no_time() {
    let lines = written(Decoration::Journal, || {
        tracing::error!("one");
        tracing::warn!(count = 2, name = "x y", "two");
        tracing::info!(path = %"/a", "three");
        tracing::debug!("four");
    });
    assert_eq!(lines, "<3>one\n<4>two count=2 name=\"x y\"\n<6>three path=/a\n<7>four\n");
}

#[test]
fn plain_lines_have_time_and_level() {
    let line = written(Decoration::Plain, || tracing::info!("ready"));
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
    assert_eq!(rest, "INFO  ready\n");
    let line = written(Decoration::Colour, || tracing::error!("bad"));
    assert!(line.ends_with(" \u{1b}[31mERROR\u{1b}[0m bad\n"), "{line:?}");
}

#[test]
fn a_message_cannot_begin_a_second_line_or_be_endless() {
    let line = written(Decoration::Journal, || tracing::info!(why = "a\nb", "said\n<3>forged \u{1b}[2J"));
    assert_eq!(line, "<6>said\\n<3>forged \\u{1b}[2J why=\"a\\nb\"\n");
    let line = written(Decoration::Journal, || tracing::info!("{}", "ä".repeat(100_000)));
    assert!(line.len() <= LONGEST + 10 && line.ends_with("...\n"), "{}", line.len());
}

#[test]
fn an_error_is_shown_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read /x")]
    struct Outer(#[source] io::Error);
    let error = Outer(io::Error::other("no luck"));
    let line = written(Decoration::Journal, || {
        tracing::warn!(error = &error as &dyn std::error::Error, "source failed");
    });
    assert_eq!(line, "<4>source failed error=cannot read /x: no luck\n");
}
