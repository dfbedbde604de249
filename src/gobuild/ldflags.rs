//! The value that `-ldflags "-X pkg.Var=value"` gave to a variable.

use super::quote::words;

/// The last value given to `symbol` (`main.version`, or any `import/path.Name`); the last one wins in Go's linker too.
pub(super) fn value_of<'t>(flags: &'t str, symbol: &str) -> Option<&'t str> {
    let flags = flags.trim();
    // `-ldflags=PATTERN=FLAGS` is recorded with its pattern.
    let flags = if flags.starts_with('-') { flags } else { flags.split_once('=')?.1 };
    let mut words = words(flags).into_iter();
    let mut value = None;
    while let Some(word) = words.next() {
        let word = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or_default();
        let assignment = match word.strip_prefix('X') {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some((name, given)) = assignment.and_then(|assignment| assignment.split_once('='))
            && name == symbol
        {
            value = Some(given);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn every_way_to_write_it() {
        for (flags, value) in [
            ("-X main.version=1.214", Some("1.214")),
            ("-s -w -X main.version=1.213 -X main.version=1.214", Some("1.214")),
            ("-X=main.version=1.214", Some("1.214")),
            ("--X main.version=1.214", Some("1.214")),
            ("--X=main.version=1.214", Some("1.214")),
            ("-X 'main.note=a b' -X \"main.version=1.214 rc 1\"", Some("1.214 rc 1")),
            ("-X main.version=a=b", Some("a=b")),
            ("all=-X main.version=1.214", Some("1.214")),
            (" -X main.version=1.214 ", Some("1.214")),
            ("-X main.version=", Some("")),
            ("-X main.Version=1.214", None),
            ("-X xmain.version=1.214", None),
            ("-extldflags '-static -X main.version=1'", None),
            ("-Xmain.version=1.214", None),
            ("-X", None),
            ("", None),
        ] {
            assert_eq!(value_of(flags, "main.version"), value, "{flags}");
        }
        let deep = "example.com/billing/internal/build.Version";
        assert_eq!(value_of(&format!("-X {deep}=1.214"), deep), Some("1.214"));
    }
}
