//! *turn*: one host restarts at a time. Without a fleet, or if nothing runs that a restart could take away, the wish
//! passes.

use super::super::event::TurnRefusal;
use super::super::numbers::TurnId;
use super::super::policy::StepSetting;
use super::super::process::slot::Slot;
use super::Decision;

/// The right to restart: whether we have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Turn {
    /// Neither asked for nor held.
    #[default]
    None,
    /// Asked for; why it has not been granted yet, if that is known.
    Asked(TurnId, Option<TurnRefusal>),
    /// Granted: it has to be given back on every path.
    Held(TurnId),
}

impl Turn {
    /// The number of the request, if there is one.
    pub(in super::super) fn id(&self) -> Option<TurnId> {
        match self {
            Self::None => None,
            Self::Asked(turn, _) | Self::Held(turn) => Some(*turn),
        }
    }

    /// Whether we have it.
    pub(in super::super) fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Why it has not been granted yet, if that is known.
    pub(in super::super) fn refusal(&self) -> Option<&TurnRefusal> {
        match self {
            Self::Asked(_, why) => why.as_ref(),
            Self::None | Self::Held(_) => None,
        }
    }
}

pub(in super::super) fn decide(setting: StepSetting, turn: &Turn, running: Option<&Slot>) -> Decision {
    match (setting, turn, running) {
        (StepSetting::Disabled, _, _) | (_, Turn::Held(_), _) | (_, _, None) => Decision::Pass,
        (StepSetting::Enabled, Turn::Asked(..), _) => Decision::Wait(None),
        (StepSetting::Enabled, Turn::None, _) => Decision::Ask,
    }
}
