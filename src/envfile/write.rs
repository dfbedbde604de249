//! The writer: every value in double quotes, in the one form that systemd and `sh` read alike.

use super::{Error, MAX_BYTES, is_name};
use crate::environment::Environment;

/// More names than this are not listed in an error.
const MAX_NAMES: usize = 20;

/// The file for these variables, a line for each in the order of their names (a value may span lines).
///
/// Nothing is left out: a variable that the grammar cannot hold is an error that names it.
pub fn write(environment: &Environment) -> Result<Vec<u8>, Error> {
    let mut unwritable = Vec::new();
    let mut file = Vec::new();
    for (name, variable) in environment.variables() {
        match variable.value.expose_str() {
            Some(value) if is_name(name.as_bytes()) && !value.contains('\0') => {
                file.extend_from_slice(name.as_bytes());
                file.extend_from_slice(b"=\"");
                for byte in value.bytes() {
                    if matches!(byte, b'\\' | b'"' | b'$' | b'`') {
                        file.push(b'\\');
                    }
                    file.push(byte);
                }
                file.extend_from_slice(b"\"\n");
            }
            _ if unwritable.len() < MAX_NAMES => unwritable.push(format!("{name:?}")),
            _ => {}
        }
    }
    if !unwritable.is_empty() {
        return Err(Error::Unwritable(unwritable));
    }
    if file.len() > MAX_BYTES {
        return Err(Error::TooLong(file.len()));
    }
    Ok(file)
}
