//! `fleet {}`.

use std::time::Duration;

use super::{errors_of, with};
use crate::fleet::Limit;

#[test]
fn off_unless_written_and_everything_has_a_default() {
    assert_eq!(with("name = \"billing\"").fleet, None);
    let fleet = with("name = \"billing\"\nfleet {\n}").fleet.unwrap();
    assert_eq!((fleet.prefix.as_str(), fleet.limit, fleet.min_passing), ("lictor/billing/", Limit::Count(1), 1));
    assert_eq!((fleet.service.as_str(), fleet.id.as_str(), fleet.bake), ("billing", "billing", Duration::from_mins(1)));
}

#[test]
fn everything_can_be_said() {
    let text = "fleet {\n  prefix = \"fleets/eu\"\n  limit = \"25%\"\n  min_passing = 2\n  bake = \"0s\"\n}";
    let fleet = with(text).fleet.unwrap();
    assert_eq!((fleet.prefix.as_str(), fleet.limit, fleet.min_passing), ("fleets/eu/", Limit::Share(25), 2));
    assert_eq!(fleet.bake, Duration::ZERO);
    assert_eq!(with("fleet {\n  limit = 3\n}").fleet.unwrap().limit, Limit::Count(3));
}

#[test]
fn what_is_no_limit_or_no_folder_is_refused() {
    let limit = "a.hcl:2:11: fleet.limit: expected a whole number from 1, or a share from \"1%\" to \"100%\"";
    for bad in ["0", "-1", "\"0%\"", "\"101%\"", "\"%\"", "\"+5%\"", "\"x\""] {
        assert_eq!(errors_of(&format!("fleet {{\n  limit = {bad}\n}}")), limit, "{bad}");
    }
    for bad in ["\"\"", "\"/\"", "\"/a/\"", "\"a//b\"", "\"a b\"", "\"../a\"", "\"a/./b\""] {
        let errors = errors_of(&format!("fleet {{\n  prefix = {bad}\n}}"));
        assert!(errors.starts_with("a.hcl:2:12: fleet.prefix: "), "{bad}: {errors}");
    }
    assert_eq!(errors_of("fleet {\n  bak = \"1s\"\n}"), "a.hcl:2:3: unknown word `bak` in fleet: did you mean `bake`?");
}
