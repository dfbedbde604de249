//! Blocks and attributes as they are written in a file, with everything that they need.

use super::{Attribute, Block, Needs, Preset};

/// The path to each block, the outermost block first, and the empty path to the top.
#[cfg(test)]
pub(crate) fn ways(top: &'static Block) -> Vec<Vec<&'static Block>> {
    let mut found = vec![Vec::new()];
    let mut next = 0;
    while let Some(way) = found.get(next).cloned() {
        let block = way.last().copied().unwrap_or(top);
        found.extend(block.blocks.iter().map(|inner| [way.as_slice(), &[*inner]].concat()));
        next += 1;
    }
    found
}

/// An attribute in its block, with its example and everything that it needs.
pub fn example(way: &[&'static Block], attribute: &Attribute) -> String {
    written(way, attribute, Some(&attribute.written_example()))
}

/// An attribute in its block with this value, and with all that its example needs; `None`: without the attribute.
pub(crate) fn written(way: &[&'static Block], attribute: &Attribute, value: Option<&str>) -> String {
    let value = value.map(|value| format!("{} = {value}\n", attribute.word)).unwrap_or_default();
    let with = if attribute.with.is_empty() { String::new() } else { format!("{}\n", attribute.with) };
    let beside = way.first().map_or("", |block| block.beside);
    let text = wrapped(way, Some(attribute.word), &format!("{with}{value}"));
    format!("{text}{beside}{}", attribute.beside)
}

/// The block at the end of the way with these lines, and else only what it must have; without the attribute `left_out`.
pub(crate) fn wrapped(way: &[&'static Block], left_out: Option<&str>, lines: &str) -> String {
    let Some((block, rest)) = way.split_first() else { return lines.to_owned() };
    let is_last = rest.is_empty();
    let needed = block.effective().filter(|attribute| attribute.preset == Preset::Needed);
    let needed = needed.filter(|attribute| !(is_last && left_out == Some(attribute.word)));
    let needed = needed.map(|attribute| format!("{} = {}\n", attribute.word, attribute.written_example()));
    let mut body: String = needed.collect::<Vec<_>>().concat();
    match block.blocks.first() {
        _ if !is_last => body.push_str(&wrapped(rest, left_out, lines)),
        Some(first) if block.needs == Needs::OneOfItsBlocks => {
            body.push_str(lines);
            body.push_str(&wrapped(&[*first], None, ""));
        }
        _ => body.push_str(lines),
    }
    let label = block.label.map(|label| format!(" \"{label}\"")).unwrap_or_default();
    let body: Vec<String> = body.lines().map(|line| format!("  {line}\n")).collect();
    format!("{}{label} {{\n{}}}\n", block.word, body.concat())
}
