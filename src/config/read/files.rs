//! The files that `-c` names, read into memory: bounded in number and size.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::place::Place;
use super::report::Report;

/// The largest file that is read, in bytes. A configuration is a few kilobytes.
const MAX_BYTES: u64 = 128 * 1024;

/// The most files of one directory.
const MAX_FILES: usize = 1000;

/// A file's name as a person would write it, and its text without a byte order mark.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) file: Arc<str>,
    pub(crate) text: String,
}

impl Written {
    /// Whether it is JSON: by its name, or because an HCL file cannot begin like this.
    pub(crate) fn is_json(&self) -> bool {
        is_json(Path::new(&*self.file)) || self.text.trim_start().starts_with('{')
    }
}

/// Reads every file that is named, and `*.hcl` and `*.json` of every directory in lexical order.
pub(crate) fn read(paths: &[PathBuf], report: &mut Report) -> Vec<Written> {
    let mut written = Vec::new();
    for path in paths {
        let files = if path.is_dir() { entries(path) } else { Ok(vec![path.clone()]) };
        let texts = match files {
            Ok(files) => files.iter().map(|file| text(file)).collect(),
            Err(sentence) => vec![Err(sentence)],
        };
        for text in texts {
            match text {
                Ok(text) => written.push(text),
                Err(sentence) => report.unreadable(&Place::Nowhere, sentence),
            }
        }
    }
    written
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let why = |error: std::io::Error| format!("{}: cannot be listed: {error}", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(why)? {
        let path = entry.map_err(why)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && (is_json(&path) || path.extension().is_some_and(|end| end == "hcl")) && path.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(format!("{}: more than {MAX_FILES} files", directory.display()));
        }
    }
    files.sort();
    Ok(files)
}

fn text(path: &Path) -> Result<Written, String> {
    let name = path.display();
    let why = |error: std::io::Error| format!("{name}: cannot be read: {error}");
    let mut bytes = Vec::new();
    File::open(path).map_err(why)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(why)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{name}: larger than {} KiB, which no configuration is", MAX_BYTES / 1024));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = good.matches('\n').count() + 1;
        format!("{name}:{line}:1: not UTF-8: save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').map_or(text.as_str(), |rest| rest).to_owned();
    Ok(Written { file: name.to_string().into(), text })
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
}
