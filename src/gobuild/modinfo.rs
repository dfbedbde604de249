//! The module information's text, line by line, as `debug.ParseBuildInfo` of Go reads it.

use super::{BuildInfo, Error, Module, quote};

/// A large program has some hundred.
const MOST_LINES: usize = 8_192;

/// Parses the lines; words that this release does not know are passed over, as Go does.
pub(super) fn parse(go: String, text: &str) -> Result<BuildInfo, Error> {
    let mut info = BuildInfo { go, ..BuildInfo::default() };
    let mut last = Last::None;
    for (index, line) in text.split_terminator('\n').enumerate() {
        let garbled = || Error::Garbled { line: index + 1 };
        if index == MOST_LINES {
            return Err(garbled());
        }
        let Some((word, rest)) = line.split_once('\t') else { continue };
        match word {
            "path" => rest.clone_into(&mut info.path),
            "mod" => {
                info.module = Some(module(rest).ok_or_else(garbled)?);
                last = Last::Main;
            }
            "dep" => {
                info.dependencies.push(module(rest).ok_or_else(garbled)?);
                last = Last::Dependency;
            }
            "=>" => {
                let replaced = match last {
                    Last::None => None,
                    Last::Main => info.module.as_mut(),
                    Last::Dependency => info.dependencies.last_mut(),
                };
                let replacement = module(rest).ok_or_else(garbled)?;
                replaced.ok_or_else(garbled)?.replace = Some(Box::new(replacement));
                last = Last::None;
            }
            "build" => info.settings.push(setting(rest).ok_or_else(garbled)?),
            _ => {}
        }
    }
    Ok(info)
}

/// Which module a `=>` line is about.
enum Last {
    None,
    Main,
    Dependency,
}

fn module(rest: &str) -> Option<Module> {
    let mut columns = rest.split('\t');
    let (path, version) = (columns.next()?, columns.next()?);
    let sum = columns.next().unwrap_or_default();
    if columns.next().is_some() {
        return None;
    }
    Some(Module { path: path.to_owned(), version: version.to_owned(), sum: sum.to_owned(), replace: None })
}

fn setting(rest: &str) -> Option<(String, String)> {
    let (key, value) = if rest.starts_with(['"', '`']) {
        let (key, rest) = quote::unquote_prefix(rest)?;
        (key, rest.strip_prefix('=')?)
    } else {
        let (key, value) = rest.split_once('=')?;
        (key.to_owned(), value)
    };
    if !value.starts_with(['"', '`']) {
        return Some((key, value.to_owned()));
    }
    let (value, rest) = quote::unquote_prefix(value)?;
    rest.is_empty().then_some((key, value))
}

#[cfg(test)]
mod tests;
