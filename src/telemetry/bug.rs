//! Logs a panic as one line: its place in the source, and no value.

use std::any::Any;
use std::panic::{Location, set_hook};

/// Logs panics from now on. Rust's own hook would print the message, which may have a variable's value in it if it was formatted.
pub(super) fn tell_of_bugs() {
    set_hook(Box::new(|panic| tracing::error!("{}", sentence(panic.location(), panic.payload()))));
}

fn sentence(place: Option<&Location<'_>>, payload: &dyn Any) -> String {
    let place = place.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    // Only a message that is a literal in the source is free of values.
    match payload.downcast_ref::<&'static str>() {
        Some(message) => format!("lictor has met a bug of its own at {place} ({message}); please report it"),
        None => format!("lictor has met a bug of its own at {place}; please report it"),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{Location, catch_unwind};

    use super::sentence;

    #[test]
    fn a_bug_is_told_with_its_place_and_without_a_value() {
        let here = Location::caller();
        let of = |panics: fn()| sentence(Some(here), &*catch_unwind(panics).unwrap_err());
        let plain = of(|| panic!("no run has this number"));
        let place = format!("{}:{}:{}", here.file(), here.line(), here.column());
        assert_eq!(
            plain,
            format!("lictor has met a bug of its own at {place} (no run has this number); please report it")
        );
        let made = of(|| panic!("{} is no number", std::env::args().count() + 41));
        assert_eq!(made, format!("lictor has met a bug of its own at {place}; please report it"));
    }
}
