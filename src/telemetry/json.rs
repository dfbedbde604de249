//! Writes each event as one JSON object on a line, for log collectors.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::chain;

/// The longest text of one member, in characters: no line grows without limit.
const LONGEST: usize = 2000;

/// Formats events: `timestamp` (RFC 3339, UTC), `level`, `message`, `target`, and the fields beside them. An error is written with
/// its causes, as one text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut members = Members::default();
        members.put("timestamp", timestamp.into());
        members.put("level", event.metadata().level().as_str().into());
        event.record(&mut members);
        members.put("target", event.metadata().target().into());
        writeln!(writer, "{}", Value::Object(members.0))
    }
}

/// The members of the object, in their order.
#[derive(Debug, Default)]
struct Members(Map<String, Value>);

impl Members {
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn text(&mut self, field: &Field, text: &str) {
        let mut letters = text.chars();
        let mut short: String = letters.by_ref().take(LONGEST).collect();
        if letters.next().is_some() {
            short.push_str("...");
        }
        self.put(field.name(), short.into());
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing to a string cannot fail, but for a value that refuses to be shown.
        let _ = write!(text, "{value:?}");
        self.text(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, &chain::sentence(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{fmt, registry};

    use super::Json;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn told(tell: impl FnOnce()) -> Value {
        let lines = Lines::default();
        let layer = fmt::layer().with_writer(lines.clone()).event_format(Json);
        tracing::subscriber::with_default(registry().with(layer), tell);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        serde_json::from_str(&text).unwrap()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the command cannot be run")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_line_is_an_object_with_the_whole_chain_of_an_error() {
        let error = Outer(io::Error::other("no such file"));
        let line = told(|| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                run = 7,
                quick = true,
                key = "A",
                "not \"told\"\n2"
            );
        });
        let expected = json!({
            "level": "WARN", "message": "not \"told\"\n2", "error": "the command cannot be run: no such file",
            "run": 7, "quick": true, "key": "A", "target": "lictor::telemetry::json::tests",
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&line[name], value, "{name} of {line}");
        }
        assert!(humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).is_ok(), "{line}");
    }

    #[test]
    fn no_line_grows_without_limit() {
        let line = told(|| tracing::info!("{}", "é".repeat(100_000)));
        assert_eq!(line["message"].as_str().map(|text| text.chars().count()), Some(super::LONGEST + 3));
    }
}
