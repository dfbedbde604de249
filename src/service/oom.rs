//! Who is killed when memory is short: rather the service than lictor, which can start it again.

use std::fs;

/// By so much lictor's own unit lowers its score.
const LOWERED_BY: i32 = 500;

/// Gives a process that lictor has started the score that it would have without lictor. A score that lictor got below
/// zero, as from its unit, was meant for lictor alone, so the process gets [`LOWERED_BY`] more, but no more than zero;
/// any other score is inherited.
pub(super) fn let_it_be_as_any(pid: u32) {
    let own = fs::read_to_string("/proc/self/oom_score_adj").ok().and_then(|text| text.trim().parse().ok());
    let Some(score) = own.and_then(score_beside) else { return };
    // It may have ended already.
    let _ = fs::write(format!("/proc/{pid}/oom_score_adj"), score.to_string());
}

/// What a process gets beside a lictor that has `own`; `None`: the same.
fn score_beside(own: i32) -> Option<i32> {
    (own < 0).then(|| (own + LOWERED_BY).min(0))
}

#[cfg(test)]
mod tests {
    use super::score_beside;

    #[test]
    fn only_what_was_lowered_for_lictor_is_raised_again() {
        let scores = [-1000, -900, -500, -100, 0, 300].map(score_beside);
        assert_eq!(scores, [Some(-500), Some(-400), Some(0), Some(0), None, None]);
    }
}
