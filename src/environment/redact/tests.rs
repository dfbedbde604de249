use super::{Redactor, Start};
use crate::environment::{Environment, Variable, Visibility};
use crate::secret::Secret;

fn redactor(variables: &[(&str, &[u8])]) -> Redactor {
    let variables = variables.iter().map(|(name, value)| {
        let value = Secret::from(value.to_vec());
        ((*name).to_owned(), Variable::new(value, "test".into(), Visibility::Secret))
    });
    Redactor::of(&Environment::new(variables.collect()))
}

fn mask(redactor: &Redactor, text: &str) -> String {
    String::from_utf8(redactor.mask(text.as_bytes(), Start::Whole)).unwrap()
}

#[test]
fn values_become_names() {
    let redactor = redactor(&[("PASSWORD", b"hunter2"), ("LONG", b"hunter2-and-more"), ("EMPTY", b"")]);
    assert_eq!(mask(&redactor, "xhunter2y hunter2-and-more"), "x[PASSWORD]y [LONG]");
    assert_eq!(mask(&redactor, "hunter"), "hunter");
    assert_eq!(mask(&redactor, ""), "");
}

#[test]
fn a_short_value_is_masked_only_where_it_stands_alone() {
    let redactor = redactor(&[("PIN", b"42")]);
    assert_eq!(mask(&redactor, "42, pin=42; 421 x42 é42 4242"), "[PIN], pin=[PIN]; 421 x42 é42 4242");
}

#[test]
fn a_public_value_may_be_shown() {
    let public = Variable::new("8080".into(), "test".into(), Visibility::Public);
    let redactor = Redactor::of(&Environment::new([("PORT".to_owned(), public)].into()));
    assert_eq!(mask(&redactor, "port 8080"), "port 8080");
}

#[test]
fn names_are_not_masked_again() {
    let redactor = redactor(&[("A", b"secret"), ("B", b"[A]x"), ("C", b"A")]);
    assert_eq!(mask(&redactor, "secretx A"), "[A]x [C]");
}

#[test]
fn values_of_several_lines_are_found_whole_and_line_by_line() {
    let redactor = redactor(&[("KEY", b"-----BEGIN-----\nMIIEabc\n\n}\n")]);
    assert_eq!(mask(&redactor, "-----BEGIN-----\nMIIEabc\n\n}\n!"), "[KEY]!");
    assert_eq!(mask(&redactor, "line 2: MIIEabc }"), "line 2: [KEY] }");
}

#[test]
fn the_password_of_a_url_is_found_alone() {
    let redactor = redactor(&[("DATABASE_URL", b"postgres://bill:p%40ss:word@db/x?a=@b")]);
    assert_eq!(mask(&redactor, "bill with p%40ss:word"), "bill with [DATABASE_URL]");
    assert_eq!(mask(&redactor, "bill with p@ss:word at db"), "bill with [DATABASE_URL] at db");
    for no_password in ["postgres://db/x:y@z", "postgres://bill@db", "a:b@c", "://", "x://@"] {
        assert_eq!(super::password(no_password.as_bytes()), None, "{no_password}");
    }
}

#[test]
fn a_text_that_begins_within_a_value_is_masked_too() {
    let redactor = redactor(&[("PASSWORD", b"correct horse battery"), ("OTHER", b"ery")]);
    let mask = |start| String::from_utf8(redactor.mask(b"horse battery staple", start)).unwrap();
    assert_eq!(mask(Start::Cut), "[PASSWORD] staple");
    assert_eq!(mask(Start::Whole), "horse battery staple");
}

#[test]
fn any_bytes_will_do() {
    let redactor = redactor(&[("RAW", b"\xff\xfe\x00\x01")]);
    assert_eq!(redactor.mask(b"a\xff\xfe\x00\x01b\xff", Start::Whole), b"a[RAW]b\xff");
}

#[test]
fn debug_shows_no_value() {
    assert!(!format!("{:?}", redactor(&[("PASSWORD", b"hunter2")])).contains("hunter2"));
}

#[test]
fn what_is_inherited_is_masked_but_what_every_process_has_is_not() {
    let variable = |value: &str, visibility| Variable::new(value.into(), "test".into(), visibility);
    let environment = Environment::new(
        [
            ("PASSWORD".to_owned(), variable("hunter2", Visibility::Secret)),
            ("REGION".to_owned(), variable("eu-west-1", Visibility::Public)),
        ]
        .into(),
    );
    let process =
        [("HOME", "/home/app"), ("TOKEN", "t0ken"), ("DEBUG", "1"), ("REGION", "eu-west-1"), ("PASSWORD", "hunter2")]
            .map(|(name, value)| (name.into(), value.into()));
    let redactor = Redactor::of(&environment).with_inherited(&environment, &process);
    let shown = mask(&redactor, "t0ken hunter2 1 /home/app eu-west-1");
    assert_eq!(shown, "[TOKEN] [PASSWORD] 1 /home/app eu-west-1");
}
