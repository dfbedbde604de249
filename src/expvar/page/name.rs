//! The name under which a published number is passed on.

/// Longer names are left out: a line of `StatsD` has to fit.
const LONGEST: usize = 128;

/// `["Requests", "/api v1"]` becomes `requests._api_v1`. `None`: too long.
pub(super) fn of(path: &[String]) -> Option<String> {
    let mut name = String::new();
    for part in path {
        if !name.is_empty() {
            name.push('.');
        }
        if part.is_empty() {
            name.push('_');
        }
        if name.len() + part.len() > LONGEST {
            return None;
        }
        name.extend(part.chars().map(safe));
    }
    Some(name)
}

fn safe(letter: char) -> char {
    let letter = letter.to_ascii_lowercase();
    if letter.is_ascii_lowercase() || letter.is_ascii_digit() { letter } else { '_' }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, of};

    #[test]
    fn names_are_plain() {
        let name = |parts: &[&str]| of(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        assert_eq!(name(&["Requests", "/api v1", "200"]).as_deref(), Some("requests._api_v1.200"));
        assert_eq!(name(&["a.b:c|d\n", "é"]).as_deref(), Some("a_b_c_d_._"));
        assert_eq!(name(&["", "x"]).as_deref(), Some("_.x"));
        assert_eq!(name(&[&"x".repeat(LONGEST)]).map(|name| name.len()), Some(LONGEST));
        assert_eq!(name(&[&"x".repeat(LONGEST + 1)]), None);
    }
}
