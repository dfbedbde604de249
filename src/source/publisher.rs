//! Publishes the newest snapshot of a source.

use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::environment::{Entry, Freshness, Snapshot};

/// The sending end of one source. It keeps the last good entries through every failure.
#[derive(Debug)]
pub struct Publisher {
    name: Arc<str>,
    sender: watch::Sender<Arc<Snapshot>>,
}

impl Publisher {
    /// A source of this name that has not answered yet.
    pub fn new(name: &Arc<str>) -> (Self, watch::Receiver<Arc<Snapshot>>) {
        let (sender, receiver) = watch::channel(Arc::default());
        (Self { name: Arc::clone(name), sender }, receiver)
    }

    /// The source has answered with these keys, in byte order. The keys that are published are only replaced if they
    /// differ.
    pub fn answered(&self, entries: Arc<[Entry]>, index: Option<u64>, warnings: Vec<String>) {
        let mut recovered = None;
        self.sender.send_modify(|snapshot| {
            let snapshot = Arc::make_mut(snapshot);
            if snapshot.entries.as_ref() != Some(&entries) {
                snapshot.entries = Some(entries);
            }
            let freshness = &mut snapshot.freshness;
            recovered = freshness.failing_since_unix_ms.take();
            *freshness = Freshness {
                contact_unix_ms: Some(Clock.unix_ms()),
                failing_since_unix_ms: None,
                error: None,
                class: None,
                errors: freshness.errors,
                errors_by_class: std::mem::take(&mut freshness.errors_by_class),
                index,
                warnings,
            };
        });
        if recovered.is_some() {
            tracing::info!(source = &*self.name, "the source answers again");
        }
    }

    /// An attempt has failed, for this reason: a sentence without a secret, and its class as a metric tag.
    pub fn failed(&self, class: &str, sentence: &str) {
        let mut before = None;
        self.sender.send_modify(|snapshot| {
            let freshness = &mut Arc::make_mut(snapshot).freshness;
            freshness.failing_since_unix_ms.get_or_insert_with(|| Clock.unix_ms());
            freshness.errors = freshness.errors.saturating_add(1);
            *freshness.errors_by_class.entry(class.to_owned()).or_default() += 1;
            before = freshness.class.replace(class.to_owned());
            freshness.error = Some(sentence.to_owned());
        });
        // A warning once for each class of error: an outage of hours must not log thousands of lines.
        if before.as_deref() == Some(class) {
            tracing::debug!(source = &*self.name, class, "{sentence}");
        } else {
            tracing::warn!(source = &*self.name, class, "{sentence}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Publisher;
    use crate::environment::Entry;

    #[test]
    fn a_failure_keeps_what_was_good_and_an_answer_ends_it() {
        let (publisher, receiver) = Publisher::new(&"file /x".into());
        assert_eq!(receiver.borrow().entries, None);

        let entries = || -> Arc<[Entry]> { [Entry::new("a".into(), "1".into())].into() };
        publisher.answered(entries(), Some(7), vec![]);
        let good = receiver.borrow().clone();
        publisher.failed("io", "cannot read /x");
        publisher.failed("denied", "cannot read /x");
        let failing = receiver.borrow().clone();
        assert_eq!(failing.entries, good.entries);
        assert_eq!(failing.freshness.errors, 2);
        let classes = [("denied".to_owned(), 1), ("io".to_owned(), 1)].into();
        assert_eq!(failing.freshness.errors_by_class, classes);
        assert_eq!(failing.freshness.index, Some(7));
        assert_eq!(failing.freshness.contact_unix_ms, good.freshness.contact_unix_ms);
        assert!(failing.freshness.failing_since_unix_ms.is_some());

        publisher.answered(entries(), Some(8), vec![]);
        let again = receiver.borrow().clone();
        assert!(Arc::ptr_eq(again.entries.as_ref().unwrap(), good.entries.as_ref().unwrap()), "equal, so kept");
        assert_eq!((again.freshness.errors, again.freshness.error.as_deref()), (2, None));
        assert_eq!(again.freshness.errors_by_class, classes);
        assert_eq!(again.freshness.failing_since_unix_ms, None);
    }
}
