//! Environment files for tests; tests/systemd reads them with systemd itself.

/// A file, and the value of `A` that it gives.
pub(super) const VALUES: &[(&str, &str)] = &[
    ("A=b", "b"),
    ("A=", ""),
    ("A=b\n", "b"),
    ("A=b\r\n", "b"),
    ("  A = b c  ", "b c"),
    ("\tA\t=\tb\t", "b"),
    ("A=b # no comment", "b # no comment"),
    ("A=b;c", "b;c"),
    ("A=$HOME `x`", "$HOME `x`"),
    (r"A=a\b\\c\ ", r"ab\c "),
    ("A=a \\\n b", "a  b"),
    ("A=a  \\\n", "a  "),
    ("A=\\\nb", "b"),
    (r#"A=a"b"c"#, r#"a"b"c"#),
    (r"A=a 'b'", "a 'b'"),
    ("A='b c'", "b c"),
    ("A='b\nc'", "b\nc"),
    (r"A='b\c'", r"b\c"),
    (r#"A="b  ""#, "b  "),
    (r#"A="a" 'c'"#, "ac"),
    (r#"A="a"b "c""#, r#"ab "c""#),
    (r#"A="a" # x"#, "a# x"),
    (r#"A="\"\\\$\`\n\x""#, "\"\\$`\\n\\x"),
    ("A=\"a\\\nb\"", "ab"),
    ("A=\"a\nb\r\n\"", "a\nb\r\n"),
    ("A=\"a\\\rb\"", "a\\\rb"),
    ("A=\"b", "b"),
    ("A='b\n", "b\n"),
    ("A=b\\", "b"),
    ("A==b", "=b"),
    ("A=1\nA=2", "2"),
    ("# A=1\n; A=1\nA=2", "2"),
    ("A=é", "é"),
];

/// A value with everything in it that a reader may trip over.
pub(super) const ODD: &str = "a \\ \" ' $HOME ${x} $(id) `id` !\n#\ttwo\\\nlines\r\n\\\\ n é ";
