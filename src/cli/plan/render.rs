//! The plan as text: the verdict, the changes, what is wrong with them, and how many there are.

use crate::cli::paint::{Cell, Paint, Tone, cell, plain, table};
use crate::environment::Change;
use crate::environment::difference::Side;
use crate::machine::plan::{Action, Basis, Plan};
use crate::machine::policy::OnChange;

/// The whole plan, aligned.
pub(super) fn render(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    let (word, tone) = worded(plan.action);
    // What is listed in full below is not repeated here.
    let listed = plan.action == Action::Rejected && !plan.violations.is_empty();
    let why = if listed { "" } else { &plan.why };
    table(&mut out, paint, "", &[vec![cell(&plan.service, Tone::Strong), cell(word, tone), plain(why)]]);
    let rows: Vec<_> = plan.changes.iter().map(row).collect();
    table(&mut out, paint, "  ", &rows);
    let broken: Vec<_> =
        plan.violations.iter().map(|violation| vec![cell("!", Tone::Bad), cell(violation, Tone::Bad)]).collect();
    table(&mut out, paint, "  ", &broken);
    if !plan.pending_restart.is_empty() {
        let names = plan.pending_restart.join(", ");
        table(&mut out, paint, "  ", &[vec![cell("pending restart", Tone::Dim), plain(names)]]);
    }
    table(&mut out, paint, "", &[vec![cell(summary(plan), Tone::Dim)]]);
    out
}

fn summary(plan: &Plan) -> String {
    let count = |kind: fn(&Change) -> bool| plan.changes.iter().filter(|change| kind(change)).count();
    let added = count(|change| change.before.is_none());
    let removed = count(|change| change.after.is_none());
    let changed = plan.changes.len() - added - removed;
    let how = match plan.effect {
        Some(OnChange::Restart) => ", by a restart",
        Some(OnChange::Reload) => ", by a reload",
        Some(OnChange::Ignore) => ", from the next start on",
        None => "",
    };
    let basis = match (plan.basis, plan.running) {
        (Basis::Running, _) => "",
        (Basis::Kept, Some(_)) => "; no lictor runs: this is against the last good environment",
        (Basis::Kept, None) => "; no lictor runs, and nothing good is kept",
    };
    match plan.wish {
        None => format!("the sources have given nothing to compare with yet{basis}"),
        Some(_) if plan.changes.is_empty() => format!("no changes{basis}"),
        Some(_) => format!("{added} to add, {changed} to change, {removed} to remove{how}{basis}"),
    }
}

fn worded(action: Action) -> (&'static str, Tone) {
    match action {
        Action::Waiting => ("waiting", Tone::Warn),
        Action::Nothing => ("nothing to do", Tone::Good),
        Action::Trial => ("on trial", Tone::Warn),
        Action::Restart => ("restart", Tone::Warn),
        Action::Reload => ("reload", Tone::Warn),
        Action::Held => ("held", Tone::Warn),
        Action::Halted => ("halted", Tone::Warn),
        Action::Rejected => ("rejected", Tone::Bad),
        Action::Quarantined => ("quarantined", Tone::Bad),
        Action::Retry => ("tried again later", Tone::Bad),
    }
}

fn row(change: &Change) -> Vec<Cell> {
    let (mark, tone) = match (&change.before, &change.after) {
        (None, _) => ("+", Tone::Good),
        (_, None) => ("-", Tone::Bad),
        (Some(_), Some(_)) => ("~", Tone::Warn),
    };
    let sides: Vec<_> = [&change.before, &change.after].into_iter().flatten().collect();
    let origin = sides.last().map_or("", |side| &side.origin);
    let shown: Vec<_> = sides.iter().map(|side| value(side)).collect();
    vec![cell(mark, tone), plain(&change.name), plain(origin), cell(shown.join(" -> "), Tone::Dim)]
}

fn value(side: &Side) -> String {
    match &side.value {
        Some(value) => value.clone(),
        None => format!("{} ({} bytes)", side.fingerprint, side.length),
    }
}
