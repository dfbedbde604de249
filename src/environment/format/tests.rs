use proptest::prelude::*;

use super::{Format, FormatError};

fn apply(format: &str, name: &str) -> String {
    Format::parse(format).unwrap().apply(name)
}

#[test]
fn as_envconsul_formats() {
    // envconsul test 4.
    assert_eq!(apply("prefix_{{ key }}_sufix", "kv_foo_bar"), "prefix_kv_foo_bar_sufix");
    let chained = r#"prefix_{{ key | replaceKey "kv_foo_bar" "bar" | replaceKey "kv_foo_zed" "zed" }}_sufix"#;
    assert_eq!(apply(chained, "kv_foo_bar"), "prefix_bar_sufix");
    assert_eq!(apply(chained, "kv_foo_zed"), "prefix_zed_sufix");
    // Only an exact match is replaced.
    assert_eq!(apply(chained, "kv_foo_bars"), "prefix_kv_foo_bars_sufix");
}

#[test]
fn what_is_understood() {
    let table = [
        ("{{key}}", "a+b", "a+b"),
        ("{{ key }}{{key}}", "a", "aa"),
        ("  {{- key -}}  b", "a", "ab"),
        ("x {{- key }} y", "a", "xa y"),
        ("x {{ key -}}\n y", "a", "x ay"),
        (r#"{{replaceKey "a" "b" key}}"#, "a", "b"),
        (r#"{{replaceKey "a" "b" key|replaceKey "b" "c"}}"#, "a", "c"),
        ("{{ key | replaceKey `a` `\\n` }}", "a", "\\n"),
        (r#"{{ key | replaceKey "a" "}}|\"\\\t\x41\101\u00e9\U0001F600" }}"#, "a", "}}|\"\\\tAA\u{e9}\u{1f600}"),
        (r#"{{ key | replaceKey "\xc3\xa9" "e" }}"#, "é", "e"),
        ("}} {{ key }}", "a", "}} a"),
        ("é{{ key }}", "ü", "éü"),
    ];
    for (format, name, expected) in table {
        assert_eq!(apply(format, name), expected, "{format}");
        let read = Format::parse(format).unwrap();
        assert_eq!(Format::parse(&read.to_string()).unwrap().apply(name), expected, "{format} shown as {read}");
    }
}

#[test]
fn anything_else_is_an_error_that_names_it() {
    let table = [
        ("é{{ .Key }}", "`.Key` at character 5"),
        ("{{ }}", "`}}` at character 4"),
        ("{{ key | }}", "`}}` at character 10"),
        ("{{ key key }}", "`key` at character 8"),
        ("{{ key | toUpper }}", "`toUpper` at character 10"),
        ("{{ if key }}x{{ end }}", "`if` at character 4"),
        (r#"{{ key | replaceKey "a" }}"#, "`}}` at character 25"),
        (r#"{{ key | replaceKey "a" "b" key }}"#, "`key` at character 29"),
        (r#"{{ replaceKey "a" "b" }}"#, "`}}` at character 23"),
        (r#"{{ "key" }}"#, "the string at character 4"),
        ("{{ | key }}", "`|` at character 4"),
        ("{{ (key) }}", "`(key)` at character 4"),
        ("{{-key}}", "`-key` at character 3"),
        ("{{ key-}}", "`key-` at character 4"),
        ("{{ key } }}", "`}` at character 8"),
    ];
    for (format, expected) in table {
        let message = Format::parse(format).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{format}: {message}");
    }
}

#[test]
fn broken_formats() {
    assert_eq!(Format::parse("a {{ key"), Err(FormatError::NeverClosed { at: 3 }));
    assert_eq!(Format::parse("{{"), Err(FormatError::NeverClosed { at: 1 }));
    for text in
        [r#""a"#, "\"a\n\"", r#""\"#, r#""\q""#, r#""\x4""#, r#""\x+4""#, r#""\777""#, r#""\ud800""#, r#""\xff""#, "`a"]
    {
        let format = format!("{{{{ key | replaceKey {text}");
        assert!(matches!(Format::parse(&format), Err(FormatError::BadString { at: 21, .. })), "{text}");
    }
}

#[test]
fn a_format_without_key_is_refused() {
    for format in ["", "constant", "}}"] {
        assert_eq!(Format::parse(format), Err(FormatError::Constant));
    }
    assert_eq!(Format::parse(&"a".repeat(5000)), Err(FormatError::TooLong));
}

proptest! {
    #[test]
    fn never_panics(format in "([\\PC]|[{}]{2}|key|replaceKey|[ |\"`\\\\xuU0-]){0,30}", name in "\\PC{0,5}") {
        if let Ok(format) = Format::parse(&format) {
            format.apply(&name);
        }
    }

    #[test]
    fn text_stays_as_it_is(before in "[^{]{0,9}", name in "\\PC{0,9}", after in "[^{]{0,9}") {
        prop_assert_eq!(apply(&format!("{before}{{{{ key }}}}{after}"), &name), format!("{before}{name}{after}"));
    }
}
