//! The reader: systemd's own state machine (`env-file.c`, version 252; comments as in 254),
//! byte by byte.

use std::collections::BTreeMap;

use super::{Error, MAX_BYTES, Parsed, Trouble, Warning, is_name};
use crate::secret::Secret;

/// At most this many warnings are kept.
const MAX_WARNINGS: usize = 20;

/// The entries in byte order of their names; of two lines with one name the later wins.
///
/// What systemd drops is dropped here, but with a [`Warning`].
pub fn parse(text: &[u8]) -> Result<Parsed, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::TooLong(text.len()));
    }
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        return Err(Error::Nul(text[..at].split(|byte| *byte == b'\n').count()));
    }
    let mut reader = Reader { line: 1, ..Reader::default() };
    let mut state = State::BeforeName;
    for byte in text {
        state = reader.step(state, *byte)?;
        reader.line += usize::from(*byte == b'\n');
    }
    reader.end(state)?;
    Ok((reader.entries.into_iter().collect(), reader.warnings))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    BeforeName,
    Name,
    /// After `=`, and after a closing quote: pieces of a value concatenate.
    BeforeValue,
    Value,
    ValueEscape,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
}

#[derive(Debug, Default)]
struct Reader {
    entries: BTreeMap<String, Secret>,
    warnings: Vec<Warning>,
    /// The line being read, and those on which the assignment and its latest quote began.
    line: usize,
    begun: usize,
    quoted: usize,
    name: Vec<u8>,
    value: Vec<u8>,
    /// How much of the value stays when unquoted white space at its end is cut.
    kept: usize,
}

impl Reader {
    fn step(&mut self, state: State, byte: u8) -> Result<State, Error> {
        Ok(match state {
            State::BeforeName => self.before_name(byte),
            State::Name => self.in_name(byte),
            State::BeforeValue => self.before_value(byte)?,
            State::Value => self.in_value(byte)?,
            State::ValueEscape => {
                if !is_newline(byte) {
                    self.keep(byte);
                }
                State::Value
            }
            State::SingleQuoted if byte == b'\'' => State::BeforeValue,
            State::DoubleQuoted if byte == b'"' => State::BeforeValue,
            State::DoubleQuoted if byte == b'\\' => State::DoubleQuotedEscape,
            State::SingleQuoted | State::DoubleQuoted => {
                self.keep(byte);
                state
            }
            State::DoubleQuotedEscape => {
                if !matches!(byte, b'"' | b'\\' | b'`' | b'$' | b'\n') {
                    self.keep(b'\\');
                }
                if byte != b'\n' {
                    self.keep(byte);
                }
                State::DoubleQuoted
            }
            // A backslash at its end changes nothing. Before version 254 systemd left the next line out as well.
            State::Comment if is_newline(byte) => State::BeforeName,
            State::Comment => State::Comment,
        })
    }

    fn before_name(&mut self, byte: u8) -> State {
        match byte {
            b'#' | b';' => State::Comment,
            _ if is_space(byte) => State::BeforeName,
            _ => {
                self.begun = self.line;
                self.name = vec![byte];
                self.value.clear();
                self.kept = 0;
                State::Name
            }
        }
    }

    fn in_name(&mut self, byte: u8) -> State {
        if is_newline(byte) {
            self.warn(self.begun, Trouble::NoAssignment);
            State::BeforeName
        } else if byte == b'=' {
            State::BeforeValue
        } else {
            self.name.push(byte);
            State::Name
        }
    }

    fn before_value(&mut self, byte: u8) -> Result<State, Error> {
        Ok(match byte {
            _ if is_newline(byte) => self.assign()?,
            b'\'' => {
                self.quoted = self.line;
                State::SingleQuoted
            }
            b'"' => {
                self.quoted = self.line;
                State::DoubleQuoted
            }
            b'\\' => State::ValueEscape,
            _ if is_space(byte) => State::BeforeValue,
            _ => {
                self.keep(byte);
                State::Value
            }
        })
    }

    fn in_value(&mut self, byte: u8) -> Result<State, Error> {
        if is_newline(byte) {
            return self.assign();
        }
        if byte == b'\\' {
            // White space before an escape stays, even if the escape joins two lines.
            self.kept = self.value.len();
            return Ok(State::ValueEscape);
        }
        self.value.push(byte);
        if !is_space(byte) {
            self.kept = self.value.len();
        }
        Ok(State::Value)
    }

    fn keep(&mut self, byte: u8) {
        self.value.push(byte);
        self.kept = self.value.len();
    }

    fn end(&mut self, state: State) -> Result<(), Error> {
        match state {
            State::BeforeName | State::Comment => {}
            State::Name => self.warn(self.begun, Trouble::NoAssignment),
            State::BeforeValue | State::Value | State::ValueEscape => {
                self.assign()?;
            }
            State::SingleQuoted | State::DoubleQuoted | State::DoubleQuotedEscape => {
                self.warn(self.quoted, Trouble::OpenQuote);
                self.assign()?;
            }
        }
        Ok(())
    }

    /// Stores what was read as one entry.
    fn assign(&mut self) -> Result<State, Error> {
        let end = self.name.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1);
        self.name.truncate(end);
        self.value.truncate(self.kept);
        let value = std::mem::take(&mut self.value);
        let (Ok(name), Ok(value)) = (str::from_utf8(&self.name), String::from_utf8(value)) else {
            return Err(Error::NotUtf8(self.begun));
        };
        if is_name(&self.name) {
            self.entries.insert(name.to_owned(), Secret::from(value));
        } else {
            self.warn(self.begun, Trouble::Name);
        }
        Ok(State::BeforeName)
    }

    fn warn(&mut self, line: usize, trouble: Trouble) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { line, trouble });
        }
    }
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
