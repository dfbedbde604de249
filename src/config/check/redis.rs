//! `redis {}`: where, and as whom.

use super::{mode, sql};
use crate::check::Redis;
use crate::config::section::Section;

pub(super) fn read(section: &mut Section<'_>) -> Option<Redis> {
    sql::place(section, mode::MODES_BUT_PREFER).map(|place| Redis { place })
}
