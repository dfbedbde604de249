//! From a key of a source to the name of a variable, as envconsul maps them.

use super::format::Format;

/// How the keys of one source become names: optional prefix, `format`, `sanitize`, `upcase`, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// `no_prefix = false`: the path as configured; sanitised, and `_` after it, it stands before each name.
    pub prefix: Option<String>,
    /// `format`.
    pub format: Option<Format>,
    /// Each code point outside `[a-zA-Z0-9_]` becomes `_`.
    pub sanitize: bool,
    /// Upper case, character by character.
    pub upcase: bool,
}

impl Mapping {
    /// The name of the variable for a key relative to its source; `None` for a key that is blank once its leading
    /// slashes are gone, such as the marker of the folder itself.
    ///
    /// Odd names are kept as they are: `db/port`, `sub/`, a leading digit.
    pub fn name(&self, key: &str) -> Option<String> {
        let key = key.trim_start_matches('/');
        if key.trim().is_empty() {
            return None;
        }
        let mut name = match &self.prefix {
            Some(path) => format!("{}_{key}", sanitized(path)),
            None => key.to_owned(),
        };
        if let Some(format) = &self.format {
            name = format.apply(&name);
        }
        if self.sanitize {
            name = sanitized(&name);
        }
        if self.upcase {
            name = name.chars().map(upper).collect();
        }
        Some(name)
    }
}

fn sanitized(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect()
}

/// Go maps one character to one, so `ß`, whose upper case is two, stays.
fn upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

/// A name that may be hostile, short enough for a message.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &name[..end]),
        None if plain => name.to_owned(),
        None => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Mapping};

    fn names(mapping: &Mapping, keys: &[&str]) -> Vec<Option<String>> {
        keys.iter().map(|key| mapping.name(key)).collect()
    }

    fn some(names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|name| Some((*name).to_owned())).collect()
    }

    #[test]
    fn with_and_without_the_prefix() {
        // envconsul test 1, and the trailing slash as it was measured.
        let prefixed = |path: &str| Mapping { prefix: Some(path.to_owned()), ..Mapping::default() };
        assert_eq!(Mapping::default().name("mykey").unwrap(), "mykey");
        assert_eq!(prefixed("app/my_service").name("mykey").unwrap(), "app_my_service_mykey");
        assert_eq!(prefixed("app/").name("host").unwrap(), "app__host");
        assert_eq!(prefixed("app@dc2").name("host").unwrap(), "app_dc2_host");
    }

    #[test]
    fn names_that_are_kept_and_blank_ones_that_are_not() {
        // envconsul test 16, relative to a folder.
        let keys = ["host", "db/port", "sub/", "empty", "2/other", "a-b.c", "1st"];
        assert_eq!(names(&Mapping::default(), &keys), some(&keys));
        let safe = Mapping { sanitize: true, upcase: true, ..Mapping::default() };
        assert_eq!(names(&safe, &keys), some(&["HOST", "DB_PORT", "SUB_", "EMPTY", "2_OTHER", "A_B_C", "1ST"]));
        assert_eq!(names(&safe, &["", "/", "//", " ", "/ \t"]), vec![None; 5]);
        assert_eq!(Mapping::default().name("//x").unwrap(), "x");
    }

    #[test]
    fn the_order_is_prefix_format_sanitize_upcase() {
        let mapping = Mapping {
            prefix: Some("kv/foo".to_owned()),
            format: Some(Format::parse(r#"x-{{ key | replaceKey "kv_foo_b/a" "b/c" }}"#).unwrap()),
            sanitize: true,
            upcase: true,
        };
        assert_eq!(mapping.name("b/a").unwrap(), "X_B_C");
        assert_eq!(mapping.name("b/A").unwrap(), "X_KV_FOO_B_A");
    }

    #[test]
    fn each_code_point_is_one() {
        let mapping = Mapping { upcase: true, ..Mapping::default() };
        assert_eq!(mapping.name("größe_ζ").unwrap(), "GRÖßE_Ζ");
        let mapping = Mapping { sanitize: true, ..Mapping::default() };
        assert_eq!(mapping.name("größe").unwrap(), "gr__e");
    }
}
