//! `redis {}`: where, and as whom.

use super::{mode, sql};
use crate::check::{Place, Redis, target};
use crate::config::section::Section;

pub(super) fn read(section: &mut Section<'_>) -> Option<Redis> {
    let server_name = mode::server_name(section);
    sql::place(section, mode::MODES_BUT_PREFER, target::is_of_redis)
        .map(|place| Redis { place: Place { server_name, ..place } })
}
