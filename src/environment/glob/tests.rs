use proptest::prelude::*;

use super::{Glob, GlobError};

fn matches(pattern: &str, name: &str) -> bool {
    Glob::parse(pattern).unwrap().matches(name)
}

#[test]
fn as_go_matches() {
    // From the tests of Go's path/filepath, and a few of our own run through Go 1.
    let table = [
        ("abc", "abc", true),
        ("*", "abc", true),
        ("*c", "abc", true),
        ("a*", "a", true),
        ("a*", "abc", true),
        ("a*", "ab/c", false),
        ("a*/b", "abc/b", true),
        ("a*/b", "a/c/b", false),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
        ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ("a*b?c*x", "abxbbxdbxebxczzy", false),
        ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true),
        ("ab[e-g]", "abc", false),
        ("ab[^c]", "abc", false),
        ("ab[^b-d]", "abc", false),
        ("ab[^e-g]", "abc", true),
        (r"a\*b", "a*b", true),
        (r"a\*b", "ab", false),
        ("a?b", "a☺b", true),
        ("a[^a]b", "a☺b", true),
        ("a???b", "a☺b", false),
        ("a[^a][^a][^a]b", "a☺b", false),
        ("[a-ζ]*", "α", true),
        ("*[a-ζ]", "A", false),
        ("a?b", "a/b", false),
        ("a*b", "a/b", false),
        (r"[\]a]", "]", true),
        (r"[\-]", "-", true),
        (r"[x\-]", "x", true),
        (r"[x\-]", "-", true),
        (r"[x\-]", "z", false),
        (r"[\-x]", "a", false),
        ("*x", "xxx", true),
        ("*[^b]*c", "a/c", false),
        ("[a-z]", "/", false),
        ("[^a]", "/", true),
        ("[z-a]", "m", false),
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("**", "ab", true),
        ("AWS_*", "AWS_REGION", true),
        ("AWS_*", "MY_AWS_REGION", false),
    ];
    for (pattern, name, expected) in table {
        assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
    }
}

#[test]
fn malformed_patterns_are_errors() {
    for pattern in ["[", "[^", "[^bc", "[]a]", "[-]", "[x-]", "[-x]", "a[", "[a-b-c]", r"[\", "[]"] {
        assert_eq!(Glob::parse(pattern), Err(GlobError::Class), "{pattern}");
    }
    assert_eq!(Glob::parse("a\\"), Err(GlobError::Escape));
    assert_eq!(Glob::parse(&"a".repeat(1025)), Err(GlobError::TooLong));
    assert!(Glob::parse("]-^").unwrap().matches("]-^"));
}

#[test]
fn many_stars_do_not_take_for_ever() {
    let pattern = Glob::parse(&"a*".repeat(500)).unwrap();
    assert!(!pattern.matches(&format!("{}/", "a".repeat(5000))));
}

#[test]
fn the_more_exact_pattern_is_greater() {
    let rising = ["*", "*_URL", "D*", "DB*", "DB*L", "DB_?RL", "DB_U?L", "X"];
    for pair in rising.windows(2) {
        let of = |text| Glob::parse(text).unwrap().exactness();
        assert!(of(pair[0]) < of(pair[1]), "{} before {}", pair[0], pair[1]);
    }
    assert!(Glob::parse(r"a\*").unwrap().exactness() > Glob::parse("aa*").unwrap().exactness());
}

/// The definition, word by word: every way of placing the stars is tried.
fn naive(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        (['*', rest @ ..], _) => {
            naive(rest, name) || name.split_first().is_some_and(|(first, tail)| *first != '/' && naive(pattern, tail))
        }
        (['[', '^', member, ']', rest @ ..], [first, tail @ ..]) => member != first && naive(rest, tail),
        (['[', member, ']', rest @ ..], [first, tail @ ..]) => member == first && naive(rest, tail),
        (['?', rest @ ..], [first, tail @ ..]) => *first != '/' && naive(rest, tail),
        ([literal, rest @ ..], [first, tail @ ..]) => literal == first && naive(rest, tail),
        (_, []) => false,
    }
}

fn agrees(pattern: &str, name: &str) -> bool {
    let characters = |text: &str| text.chars().collect::<Vec<_>>();
    matches(pattern, name) == naive(&characters(pattern), &characters(name))
}

proptest! {
    #[test]
    fn agrees_with_the_naive_matcher(pattern in "([abé/*?]|\\[a\\]){0,8}", name in "[abé/]{0,10}") {
        prop_assert!(agrees(&pattern, &name));
    }

    // A negated class can stand for a slash, and there Go's leftmost choice misses matches: so no slash here.
    #[test]
    fn agrees_with_the_naive_matcher_on_negated_classes(
        pattern in "([ab*?]|\\[b\\]|\\[\\^a\\]){0,8}", name in "[ab]{0,10}",
    ) {
        prop_assert!(agrees(&pattern, &name));
    }

    #[test]
    fn never_panics(pattern in "\\PC{0,12}|[\\[\\]^*?\\\\a-]{0,12}", name in "\\PC{0,12}") {
        if let Ok(glob) = Glob::parse(&pattern) {
            glob.matches(&name);
            glob.exactness();
        }
    }
}
