//! The rules of the machine as stories: each one lets things happen to a machine, and shows what the machine does.

mod builds;
mod first;
mod hold;
mod life;
mod overlap;
mod overtaking;
mod promotion;
mod restored;
mod revert;
mod shutdown;
pub(super) mod story;
mod trial;
mod turns;
mod wait;

use super::Restored;
use super::board::{ConfigState, Phase};
use super::event::ProbeResult;
use super::history::Outcome;
use super::ledger::Pair;
use super::ledger::{Good, Quarantined};
use super::order::Pace;
use super::policy::{Handover, Policy, Revert, Role, StepSetting};
use story::{Nature, Part, SECOND, Story, Weather, check};
