//! Makes the kernel kill the service rather than lictor when memory is short, because lictor can start it again.

use std::fs;

/// By how much lictor's unit lowers its score.
const LOWERED_BY: i32 = 500;

/// Gives a process that lictor has started the score that it would have without lictor. A score below zero, as from lictor's unit,
/// was meant for lictor alone, so the process gets [`LOWERED_BY`] more, but at most zero. Any other score is inherited.
pub(super) fn let_it_be_as_any(pid: u32) {
    let own = fs::read_to_string("/proc/self/oom_score_adj").ok().and_then(|text| text.trim().parse().ok());
    let Some(score) = own.and_then(score_beside) else { return };
    // It may have ended already.
    let _ = fs::write(format!("/proc/{pid}/oom_score_adj"), score.to_string());
}

/// The score of a process if lictor's is `own`; `None`: the same.
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
