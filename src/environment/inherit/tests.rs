use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use super::{Inherit, inherit};
use crate::environment::glob::Glob;
use crate::environment::{Entry, Environment, FingerprintKey, Layer, Mapping, Rules, compose};
use crate::secret::Secret;

fn own(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

fn globs(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().map(|pattern| Glob::parse(pattern).unwrap()).collect()
}

/// What the service sees: the settings of `exec.env` hold for what is inherited and what is composed alike.
fn whole(parent: &[(&str, &str)], kv: &[(&str, &str)], settings: &Inherit, custom: &[(&str, &str)]) -> Vec<String> {
    let entries = kv.iter().map(|(key, value)| Entry::new((*key).to_owned(), Secret::from(*value))).collect();
    let layer = Layer { origin: Arc::from("consul"), mapping: Mapping::default(), entries };
    let rules = Rules {
        custom: custom.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        allowlist: settings.allowlist.clone(),
        denylist: settings.denylist.clone(),
        ..Rules::default()
    };
    let environment = compose(&[layer], &rules, &FingerprintKey::new(&[0; 32])).unwrap().environment;
    let shown = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
    inherit(own(parent), &environment, settings).into_iter().map(shown).collect()
}

fn pristine() -> Inherit {
    Inherit { pristine: true, ..Inherit::default() }
}

fn allow(patterns: &[&str]) -> Inherit {
    Inherit { allowlist: globs(patterns), ..Inherit::default() }
}

fn deny(patterns: &[&str]) -> Inherit {
    Inherit { denylist: globs(patterns), ..Inherit::default() }
}

#[test]
fn as_envconsul_filters() {
    // envconsul test 9.
    let path = [("PATH", "/bin")];
    assert_eq!(whole(&path, &[], &Inherit::default(), &[]), ["PATH=/bin"]);
    assert_eq!(whole(&path, &[], &pristine(), &[]), Vec::<String>::new());
    assert_eq!(whole(&path, &[], &pristine(), &[("GOPATH", "/go")]), ["GOPATH=/go"]);
    assert_eq!(whole(&path, &[], &Inherit::default(), &[("PATH", "/mine")]), ["PATH=/mine"]);
    let go = [("GOPATH", "/go"), ("GOROOT", "/root"), ("PATH", "/bin")];
    assert_eq!(whole(&go, &[], &allow(&["GO*"]), &[]), ["GOPATH=/go", "GOROOT=/root"]);
    let both = Inherit { denylist: globs(&["GOR*"]), ..allow(&["GO*"]) };
    assert_eq!(whole(&go, &[], &both, &[]), ["GOPATH=/go"]);
    assert_eq!(whole(&go, &[], &deny(&["GO*"]), &[("GOROOT", "/mine")]), ["GOROOT=/mine", "PATH=/bin"]);
    // An allowlist also drops what comes from the store.
    assert_eq!(whole(&path, &[("K", "v")], &allow(&["PATH"]), &[]), ["PATH=/bin"]);
}

#[test]
fn composed_variables_win_and_stay_when_pristine() {
    // The rest of envconsul test 17; exec.env.pristine does not throw the composed variables away.
    let parent = [("K", "parent"), ("PATH", "/bin")];
    assert_eq!(whole(&parent, &[("K", "two")], &Inherit::default(), &[]), ["K=two", "PATH=/bin"]);
    assert_eq!(whole(&parent, &[("K", "two")], &pristine(), &[]), ["K=two"]);
}

#[test]
fn what_was_said_to_lictor_alone_is_never_passed_on() {
    let parent: Vec<_> = super::ADDRESSED_TO_LICTOR.iter().map(|name| (*name, "x")).collect();
    assert_eq!(whole(&parent, &[], &Inherit::default(), &[]), Vec::<String>::new());
    assert_eq!(whole(&parent, &[], &allow(&["*"]), &[]), Vec::<String>::new());
    // An application's own variable that only looks like one of them.
    assert_eq!(whole(&[("LISTEN_ADDR", ":80")], &[], &Inherit::default(), &[]), ["LISTEN_ADDR=:80"]);
}

#[test]
fn credentials_are_passed_on_only_when_asked_for() {
    let parent = [("CONSUL_HTTP_AUTH", "a"), ("CONSUL_HTTP_TOKEN", "t"), ("VAULT_TOKEN", "v"), ("X", "x")];
    assert_eq!(whole(&parent, &[], &Inherit::default(), &[]), ["X=x"]);
    assert_eq!(whole(&parent, &[], &allow(&["VAULT_*", "X"]), &[]), ["VAULT_TOKEN=v", "X=x"]);
    let denied = Inherit { denylist: globs(&["VAULT_*"]), ..allow(&["*"]) };
    assert_eq!(whole(&parent, &[], &denied, &[]), ["CONSUL_HTTP_AUTH=a", "CONSUL_HTTP_TOKEN=t", "X=x"]);
    // From a source they are variables like any other.
    assert_eq!(whole(&[], &[("VAULT_TOKEN", "s")], &Inherit::default(), &[]), ["VAULT_TOKEN=s"]);
}

#[test]
fn bytes_pass_unchanged_and_the_first_of_two_counts() {
    let raw = OsString::from_vec(vec![b'n', 0xff]);
    let parent = [(raw.clone(), raw.clone()), ("A".into(), "first".into()), ("A".into(), "second".into())];
    let inherited = inherit(parent, &Environment::new(BTreeMap::default()), &Inherit::default());
    assert_eq!(inherited, [("A".into(), "first".into()), (raw.clone(), raw)]);
}
