//! A promotion's plan and progress as a person reads them.

use std::fmt::Write as _;

use crate::line::{counted, one_line};
use crate::promote::effect::Effect;
use crate::promote::follow::Progress;
use crate::promote::plan::{Plan, Value};

/// The longest value that is shown.
const LONGEST: usize = 200;

/// Whether values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Names alone.
    Hidden,
    /// Whoever looks asked for them.
    Shown,
}

/// The plan.
pub(super) fn plan(from: &str, to: &str, plan: &Plan, effect: &Effect, values: Values) -> String {
    let mut text = format!("{from} to {to}\n");
    // Writing to a string does not fail.
    for change in &plan.changes {
        let (sign, before, after) = match (&change.before, &change.after) {
            (None, after) => ('+', None, after.as_ref()),
            (Some(before), None) => ('-', Some(&before.value), None),
            (Some(before), after) => ('~', Some(&before.value), after.as_ref()),
        };
        let _ = write!(text, "  {sign} {}", one_line(&change.key, LONGEST));
        if values == Values::Shown {
            let shown = [before, after].into_iter().flatten().map(shown).collect::<Vec<_>>();
            let _ = write!(text, ": {}", shown.join(" → "));
        }
        text.push('\n');
    }
    for key in &plan.kept {
        let _ = writeln!(text, "  = {} is kept as it is on each side", one_line(key, LONGEST));
    }
    let same = counted(plan.same.len() as u64, "key");
    let _ = match (plan.is_empty(), plan.same.len()) {
        (true, _) => writeln!(text, "nothing to write: {same} the same"),
        (false, 0) => Ok(()),
        (false, _) => writeln!(text, "{same} the same"),
    };
    let Effect { restart, reload, ignore, unknown } = *effect;
    let parts = [
        (restart, "would restart, in turns"),
        (reload, "would get the reload signal"),
        (ignore, "would go on, it counts from the next start"),
        (unknown, "do not say what they would do"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !plan.is_empty() {
        let whole = if parts.is_empty() { "none has a record that reads this folder".into() } else { parts.join("; ") };
        let _ = writeln!(text, "the target's instances: {whole}");
    }
    text
}

/// A step of the target's fleet.
pub(super) fn progress(progress: &Progress) -> String {
    match progress {
        Progress::Good { instances } => format!("good on {}", counted(*instances as u64, "instance")),
        Progress::Failed { why } => one_line(&format!("failed: {why}"), 400).into_owned(),
        Progress::UnderWay { instances: 0, .. } => {
            "no instance of the target has a record that reads this folder; waiting for one".into()
        }
        Progress::UnderWay { good, instances } => {
            format!("good on {good} of {}", counted(*instances as u64, "instance"))
        }
    }
}

fn shown(value: &Value) -> String {
    match value.bytes.expose_str() {
        Some(text) => format!("{:?}", one_line(text, LONGEST)),
        None => counted(value.bytes.len() as u64, "byte"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Values, plan};
    use crate::promote::effect::Effect;
    use crate::promote::plan::{Change, Held, Plan, Value};

    #[test]
    fn values_are_shown_to_whoever_asks_alone() {
        let value = |text: &str| Value { bytes: text.into(), flags: 0 };
        let change = |key: &str, before: Option<&str>, after: Option<&str>| Change {
            key: key.into(),
            before: before.map(|text| Held { value: value(text), index: 1 }),
            after: after.map(value),
        };
        let made = Plan {
            changes: vec![
                change("ADDED", None, Some("s3cret-a")),
                change("CHANGED", Some("s3cret-b"), Some("s3cret-c")),
                change("GONE", Some("s3cret-d"), None),
            ],
            kept: vec!["DATABASE_URL".into()],
            same: vec![("SAME".into(), 4)],
            set: BTreeMap::new(),
        };
        let effect = Effect { restart: 2, reload: 0, ignore: 0, unknown: 1 };
        let hidden = plan("b/ at x", "b/ at y", &made, &effect, Values::Hidden);
        assert_eq!(
            hidden,
            "b/ at x to b/ at y\n  + ADDED\n  ~ CHANGED\n  - GONE\n  = DATABASE_URL is kept as it is on each side\n\
             1 key the same\nthe target's instances: 2 would restart, in turns; 1 do not say what they would do\n"
        );
        let shown = plan("b/ at x", "b/ at y", &made, &effect, Values::Shown);
        assert!(shown.contains("~ CHANGED: \"s3cret-b\" → \"s3cret-c\""), "{shown}");
    }
}
