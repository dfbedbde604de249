//! *checked*: the schema and the check command may reject a wish before anything is touched. Without either it passes.

use std::sync::Arc;

use super::super::moment::Moment;
use super::super::numbers::CheckId;
use super::super::policy::StepSetting;
use super::Decision;
use crate::environment::Environment;

/// A wish that was rejected, or about which the check command did not answer. A rejected wish is not checked again,
/// unless the check command rejected it and there is nothing else to run.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Refusal {
    pub(in super::super) environment: Arc<Environment>,
    pub(in super::super) reason: String,
    pub(in super::super) by: Judge,
    /// How often in a row.
    pub(in super::super) times: u32,
    /// When the check command is asked again.
    pub(in super::super) again: Option<Moment>,
}

impl Refusal {
    pub(in super::super) fn is_about(&self, wish: &Environment) -> bool {
        *self.environment == *wish
    }

    /// Whether this wish may not set out now.
    pub(in super::super) fn bars(&self, now: Moment, wish: &Environment) -> bool {
        self.is_about(wish) && self.again.is_none_or(|at| now < at)
    }

    /// When the refusal ends, if it ends by itself and has not ended yet.
    pub(in super::super) fn due(&self, now: Moment) -> Option<Moment> {
        self.again.filter(|at| *at > now)
    }
}

/// Who rejected it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Judge {
    /// The rules of `key {}`: they decide the same for every build.
    Schema,
    /// The check command, or a reload that failed: either may succeed with another build.
    Command,
    /// Nobody: the check command did not answer, and is asked again.
    Nobody,
}

/// The schema comes first: a wish that breaks it is not worth a run of the command.
pub(in super::super) fn decide(violations: &[String], setting: StepSetting, asked: Option<CheckId>) -> Decision {
    match (setting, asked) {
        _ if !violations.is_empty() => Decision::Reject(violations.join("; ")),
        (StepSetting::Disabled, _) => Decision::Pass,
        (StepSetting::Enabled, None) => Decision::Ask,
        (StepSetting::Enabled, Some(_)) => Decision::Wait(None),
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckId, Decision, StepSetting, decide};

    #[test]
    fn a_wish_that_breaks_the_schema_is_rejected_without_asking_the_command() {
        let violations = ["A is not a number".to_owned(), "B is required".to_owned()];
        let rejected = Decision::Reject("A is not a number; B is required".to_owned());
        for setting in [StepSetting::Enabled, StepSetting::Disabled] {
            assert_eq!(decide(&violations, setting, None), rejected);
        }
        assert_eq!(decide(&violations, StepSetting::Enabled, Some(CheckId(1))), rejected);
    }

    #[test]
    fn the_command_is_asked_once_if_there_is_one() {
        assert_eq!(decide(&[], StepSetting::Disabled, None), Decision::Pass);
        assert_eq!(decide(&[], StepSetting::Enabled, None), Decision::Ask);
        assert_eq!(decide(&[], StepSetting::Enabled, Some(CheckId(1))), Decision::Wait(None));
    }
}
