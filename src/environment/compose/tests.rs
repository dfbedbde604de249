use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Composition, Layer, Rules, Unfit};
use crate::environment::format::Format;
use crate::environment::glob::Glob;
use crate::environment::{Entry, Environment, FingerprintKey, Mapping, Origin, Visibility, VisibilityRules, WriteInfo};
use crate::secret::Secret;

/// With a key that everybody knows.
fn compose(layers: &[Layer], rules: &Rules) -> Result<Composition, Unfit> {
    crate::environment::compose(layers, rules, &FingerprintKey::new(&[0; FingerprintKey::LENGTH]))
}

fn layer(origin: &str, keys: &[(&str, &str)]) -> Layer {
    let entries = keys.iter().map(|(key, value)| Entry::new((*key).to_owned(), Secret::from(*value)));
    Layer { origin: Arc::from(origin), mapping: Mapping::default(), entries: entries.collect() }
}

fn upcased(layer: Layer) -> Layer {
    Layer { mapping: Mapping { upcase: true, ..Mapping::default() }, ..layer }
}

fn globs(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().map(|pattern| Glob::parse(pattern).unwrap()).collect()
}

fn pairs(environment: &Environment) -> Vec<(&str, &str)> {
    environment.variables().iter().map(|(name, v)| (name.as_str(), v.value.expose_str().unwrap())).collect()
}

fn names(layers: &[Layer], rules: &Rules) -> Vec<String> {
    compose(layers, rules).unwrap().environment.variables().keys().cloned().collect()
}

fn reasons(layers: &[Layer], rules: &Rules) -> Vec<String> {
    compose(layers, rules).unwrap_err().reasons
}

#[test]
fn later_layers_win() {
    // envconsul test 17.
    let p1 = layer("consul p1/", &[("K", "one")]);
    let p2 = layer("consul p2/", &[("K", "two")]);
    let composed = compose(&[p1.clone(), p2.clone()], &Rules::default()).unwrap();
    assert_eq!(pairs(&composed.environment), [("K", "two")]);
    assert_eq!(&*composed.environment.variables()["K"].origin, "consul p2/");
    assert!(composed.warnings.is_empty(), "two sources may share a name");
    let composed = compose(&[p2, p1], &Rules::default()).unwrap();
    assert_eq!(pairs(&composed.environment), [("K", "one")]);
}

#[test]
fn a_folder_of_consul() {
    // envconsul test 16, relative to the folder `app/`: its own marker is blank.
    let keys = [("", ""), ("db/port", "1"), ("empty", ""), ("host", "h"), ("sub/", "")];
    let plain = layer("consul app/", &keys);
    assert_eq!(names(std::slice::from_ref(&plain), &Rules::default()), ["db/port", "empty", "host", "sub/"]);
    let mapping = Mapping { sanitize: true, upcase: true, ..Mapping::default() };
    let safe = compose(&[Layer { mapping, ..plain }], &Rules::default()).unwrap().environment;
    assert_eq!(pairs(&safe), [("DB_PORT", "1"), ("EMPTY", ""), ("HOST", "h"), ("SUB_", "")]);
}

#[test]
fn two_keys_with_one_name_are_said_and_the_later_wins() {
    let unsorted = upcased(layer("consul c/", &[("a", "low"), ("A", "high")]));
    let composed = compose(&[unsorted], &Rules::default()).unwrap();
    assert_eq!(pairs(&composed.environment), [("A", "low")]);
    assert_eq!(composed.warnings, [r#"consul c/: keys "A" and "a" both become "A": "a" is used, rename one of them"#]);
}

#[test]
fn keys_that_cannot_be_variables_are_left_out() {
    let mapping =
        Mapping { format: Some(Format::parse(r#"{{ key | replaceKey "gone" "" }}"#).unwrap()), ..Mapping::default() };
    let keys = [
        ("A=B", "hunter2"),
        ("LD_LIBRARY_PATH", "hunter2"),
        ("LD_PRELOAD", "hunter2"),
        ("gone", "hunter2"),
        ("ok", "v"),
    ];
    let layers = [Layer { mapping, ..layer("consul x/", &keys) }];
    let composed = compose(&layers, &Rules::default()).unwrap();
    assert_eq!(pairs(&composed.environment), [("ok", "v")]);
    assert_eq!(composed.warnings.len(), 4);
    assert!(composed.warnings[0].starts_with(r#"consul x/: key "A=B" is left out: its name contains `=`"#));
    assert!(!composed.warnings.concat().contains("hunter2"));

    let allowed = Rules { allowlist: globs(&["LD_PRELOAD", "ok"]), ..Rules::default() };
    assert_eq!(names(&layers, &allowed), ["LD_PRELOAD", "ok"]);
}

#[test]
fn the_lists_and_custom() {
    // envconsul test 9, the part that concerns what is composed.
    let layers = [layer("consul a/", &[("GOPATH", "/go"), ("GOROOT", "/root"), ("PATH", "/bin"), ("go/x", "1")])];
    let allow = |patterns: &[&str]| Rules { allowlist: globs(patterns), ..Rules::default() };
    assert_eq!(names(&layers, &allow(&["GO*"])), ["GOPATH", "GOROOT"]);
    assert_eq!(names(&layers, &allow(&["go*"])), Vec::<String>::new(), "a star does not cross a slash");
    let deny = Rules { denylist: globs(&["GOR*"]), ..allow(&["GO*"]) };
    assert_eq!(names(&layers, &deny), ["GOPATH"]);
    let custom = vec![("GOROOT".to_owned(), "$HOME".to_owned()), ("LD_PRELOAD".to_owned(), "x".to_owned())];
    let composed = compose(&layers, &Rules { custom, ..deny }).unwrap();
    assert_eq!(pairs(&composed.environment), [("GOPATH", "/go"), ("GOROOT", "$HOME"), ("LD_PRELOAD", "x")]);
    assert_eq!(&*composed.environment.variables()["GOROOT"].origin, "custom");
}

#[test]
fn the_most_exact_label_decides_who_may_see() {
    let layers = [layer("consul a/", &[("DB_HOST", "h"), ("DB_URL", "u"), ("LOG", "l"), ("X", "x")])];
    let shown = |public: &[&str], private: &[&str]| Rules {
        visibility: VisibilityRules { public: globs(public), private: globs(private) },
        ..Rules::default()
    };
    let rules = shown(&["DB_*", "LOG"], &["*", "DB_URL"]);
    let environment = compose(&layers, &rules).unwrap().environment;
    let public: Vec<_> =
        environment.variables().iter().filter(|(_, v)| v.visibility == Visibility::Public).map(|(n, _)| n).collect();
    assert_eq!(public, ["DB_HOST", "LOG"]);
    let tie = shown(&["X"], &["X"]);
    let environment = compose(&layers, &tie).unwrap().environment;
    assert_eq!(environment.variables()["X"].visibility, Visibility::Secret);
}

#[test]
fn what_no_process_could_be_started_with() {
    let nul = layer("directory /d", &[("A", "hunter2\0"), ("B", "fine"), ("C\0", "")]);
    assert_eq!(
        reasons(std::slice::from_ref(&nul), &Rules::default()),
        [
            "A (from directory /d) has a NUL byte in its value of 8 bytes",
            "\"C\\0\" (from directory /d) has a NUL byte in its name",
        ]
    );
    // What is denied or overridden does no harm.
    let denied = Rules { denylist: globs(&["A", "C*"]), ..Rules::default() };
    assert_eq!(names(&[nul], &denied), ["B"]);

    let longest = "v".repeat(131_072 - "A=".len() - 1);
    assert!(compose(&[layer("l", &[("A", &longest)])], &Rules::default()).is_ok());
    let longer = layer("l", &[("A", &(longest.clone() + "v"))]);
    assert_eq!(
        reasons(&[longer], &Rules::default()),
        ["A (from l) is 131072 bytes long with its name, more than the 131071 that the kernel takes"]
    );

    let keys: Vec<_> = (0..13).map(|i| format!("K{i:02}")).collect();
    let many: Vec<_> = keys.iter().map(|key| (key.as_str(), &longest[3..])).collect();
    assert!(compose(&[layer("l", &many[..11])], &Rules::default()).is_ok());
    assert!(reasons(&[layer("l", &many)], &Rules::default())[0].starts_with("the 13 variables take 1704027 bytes"));
}

#[test]
fn a_bad_custom_variable_is_a_reason() {
    let rules = Rules { custom: vec![(String::new(), "v".to_owned())], ..Rules::default() };
    assert_eq!(reasons(&[], &rules), ["\"\" (from custom) cannot be the name of a variable"]);
}

#[test]
fn ten_thousand_keys_are_composed_and_their_warnings_bounded() {
    let keys: Vec<_> = (0..10_000).map(|i| (format!("k=/{i}"), format!("key/{i}"))).collect();
    let bad: Vec<_> = keys.iter().map(|(bad, _)| (bad.as_str(), "v")).collect();
    let good: Vec<_> = keys.iter().map(|(_, good)| (good.as_str(), "v")).collect();
    let composed = compose(&[layer("bad", &bad), layer("good", &good)], &Rules::default()).unwrap();
    assert_eq!(composed.environment.variables().len(), 10_000);
    assert_eq!(composed.warnings.len(), 21);
    assert_eq!(composed.warnings[20], "and 9980 more warnings of this kind");
}

fn any_layers() -> impl Strategy<Value = Vec<Vec<(String, String)>>> {
    let key = prop_oneof!["[abAB/=]{0,3}", "\\PC{0,4}", Just("LD_PRELOAD".to_owned()), Just("\0".to_owned())];
    prop::collection::vec(prop::collection::vec((key, "\\PC{0,3}\0?"), 0..8), 0..4)
}

fn layered(all: &[Vec<(String, String)>], mapping: &Mapping) -> Vec<Layer> {
    let borrowed = |keys: &Vec<(String, String)>| {
        let pairs: Vec<_> = keys.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Layer { mapping: mapping.clone(), ..layer("l", &pairs) }
    };
    all.iter().map(borrowed).collect()
}

proptest! {
    #[test]
    fn never_panics_and_never_makes_what_exec_refuses(
        all in any_layers(), upcase: bool, sanitize: bool, deny in "[AB*]{0,2}",
    ) {
        let mapping = Mapping { sanitize, upcase, ..Mapping::default() };
        let rules = Rules { denylist: globs(&[&deny]), ..Rules::default() };
        if let Ok(composed) = compose(&layered(&all, &mapping), &rules) {
            for (name, variable) in composed.environment.variables() {
                prop_assert!(!name.is_empty() && !name.contains(['=', '\0']) && name != "LD_PRELOAD");
                prop_assert!(!variable.value.expose().contains(&0));
                prop_assert!(!rules.denylist[0].matches(name));
            }
        }
    }

    #[test]
    fn the_last_layer_with_a_key_has_the_say(
        all in prop::collection::vec(prop::collection::btree_map("[a-d]", "[x-z]{0,3}", 0..4), 0..5),
    ) {
        let as_lists: Vec<Vec<_>> = all.iter().map(|layer| layer.clone().into_iter().collect()).collect();
        let expected: BTreeMap<String, String> = all.into_iter().flatten().collect();
        let environment = compose(&layered(&as_lists, &Mapping::default()), &Rules::default()).unwrap().environment;
        let expected: Vec<_> = expected.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(pairs(&environment), expected);
    }
}

#[test]
fn who_wrote_a_key_goes_with_the_variable_that_wins() {
    let info = |index| WriteInfo { index, flags: 7, session: Some("held".into()) };
    let entry =
        |key: &str, index| Entry { write_info: Some(Arc::new(info(index))), ..Entry::new(key.into(), "1".into()) };
    let one = Layer { entries: [entry("A", 3), entry("B", 4)].into(), ..layer("consul one/", &[]) };
    let two = layer("file two", &[("B", "2"), ("C", "2")]);
    let rules = Rules { custom: vec![("D".into(), "3".into())], ..Rules::default() };
    let environment = compose(&[one, two], &rules).unwrap().environment;
    let names = ["A", "B", "D", "GONE"].map(str::to_owned);
    let origins = environment.origins(&names);
    let found: Vec<_> = origins.iter().map(|it| (it.key.as_str(), &*it.source, it.written.clone())).collect();
    assert_eq!(found, [("A", "consul one/", Some(info(3))), ("B", "file two", None), ("D", "custom", None)]);
    let json = serde_json::to_string(&origins[..2]).unwrap();
    let expected = r#"[{"key":"A","source":"consul one/","modify_index":3,"flags":7,"session":"held"},{"key":"B","source":"file two"}]"#;
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_str::<Vec<Origin>>(&json).unwrap(), origins[..2]);
}
