//! Name patterns, held against a slow matcher that tries everything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lictor::environment::glob::Glob;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, name) = input;
    if let Ok(glob) = Glob::parse(pattern) {
        let _ = (glob.matches(name), glob.exactness());
        assert_eq!(glob.as_str(), pattern);
        if !pattern.contains(['[', '\\']) && pattern.len() * name.len() < 4096 {
            let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            assert_eq!(glob.matches(input.1), matches(&pattern, &name));
        }
    }
    if name.chars().count() > 512 {
        return;
    }
    let escaped: String = name.chars().flat_map(|letter| ['\\', letter]).collect();
    assert!(Glob::parse(&escaped).expect("every character can be escaped").matches(name));
});

/// `*` and `?` by the textbook: which prefixes of the name each prefix of the pattern matches.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let mut row: Vec<bool> = (0..=name.len()).map(|length| length == 0).collect();
    for term in pattern {
        let before = row.clone();
        for length in 0..=name.len() {
            row[length] = match (term, length.checked_sub(1)) {
                ('*', None) => before[0],
                ('*', Some(less)) => before[length] || (row[less] && name[less] != '/'),
                (_, None) => false,
                ('?', Some(less)) => before[less] && name[less] != '/',
                (letter, Some(less)) => before[less] && name[less] == *letter,
            };
        }
    }
    row[name.len()]
}
