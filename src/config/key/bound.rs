//! `min` and `max` of a variable: numbers, or durations for `type = "duration"`.

use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::environment::schema::{Bound, Type};

pub(super) fn read(section: &mut Section<'_>, kind: Option<Type>) -> (Option<Bound>, Option<Bound>) {
    let place = section.place_of("min");
    let min = section.read("min", |node| bound(node, kind));
    let max = section.read("max", |node| bound(node, kind));
    let turned = match (min, max) {
        (Some(Bound::Number(min)), Some(Bound::Number(max))) => min > max,
        (Some(Bound::Duration(min)), Some(Bound::Duration(max))) => min > max,
        _ => false,
    };
    if turned {
        let sentence = format!("{}: must not be greater than max", section.name("min"));
        section.error(&place, sentence);
    }
    (min, max)
}

fn bound(node: &Node, kind: Option<Type>) -> Result<Bound, Finding> {
    match kind {
        Some(Type::Duration) => value::duration(node).map(Bound::Duration),
        Some(Type::Int | Type::Float | Type::Port) => number(node).map(Bound::Number),
        _ => Err(node.wrong("only goes with type = \"int\", \"float\", \"port\" or \"duration\"")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound beyond 2^53 is still a bound")]
fn number(node: &Node) -> Result<f64, Finding> {
    match node.value {
        Value::Integer(number) => Ok(number as f64),
        Value::Float(number) => Ok(number),
        _ => Err(node.unlike("a number, without quotes")),
    }
}
