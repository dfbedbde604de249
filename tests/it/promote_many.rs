//! `lictor promote` to several targets in one call, and with tokens.

use std::fs;

use crate::harness::lictor::{finish, is_good, said};
use crate::harness::{Consul, Lictor, Setup, eventually};

fn member(consul: &Consul, more: &str) -> Lictor {
    let fleet = "fleet {\n  prefix = \"lictor/billing/\"\n  min_passing = 0\n  bake = \"0s\"\n}\n";
    Setup::on_consul(consul.address()).checked().config(&format!("{fleet}{more}")).start()
}

fn value(consul: &Consul, key: &str) -> Option<String> {
    let answer = consul.ask("GET", &format!("/v1/kv/billing/{key}?raw"), b"");
    (answer.code == 200).then(|| answer.text())
}

#[test]
fn each_target_comes_to_its_verdict_before_the_next_one() {
    let [origin, first, second] = [Consul::start(), Consul::start(), Consul::start()];
    for consul in [&origin, &first, &second] {
        consul.put("billing/SIZE", "1");
    }
    let source = member(&origin, "");
    // What is good at the source breaks a rule of the first target alone.
    let one = member(&first, "key \"SIZE\" {\n  type = \"int\"\n}\n");
    let two = member(&second, "");
    for lictor in [&source, &one, &two] {
        lictor.until_good();
    }
    let promote = |words: &[&str]| {
        let mut command = source.setup().command("promote");
        command.args(["billing/", "--from", &origin.address().to_string(), "--yes"]);
        for consul in [&first, &second] {
            command.args(["--to", &consul.address().to_string()]);
        }
        let output = finish({
            command.args(words);
            command
        });
        (output.status.code(), said(&output))
    };
    let written = |text: &str| text.matches("written to billing/ at ").count();

    origin.put("billing/SIZE", "large");
    source.until("good", |board| is_good(board) && source.value("SIZE").as_deref() == Some("large"));
    let text = eventually("the source's record says that it is good", || {
        let (code, text) = promote(&[]);
        assert_eq!(code, Some(1), "{text}");
        text.contains("written to").then_some(text)
    });
    assert!(text.contains("Rejected: ") && written(&text) == 1, "{text}");
    assert_eq!((value(&first, "SIZE").as_deref(), value(&second, "SIZE").as_deref()), (Some("large"), Some("1")));
    assert_eq!(second.ask("GET", "/v1/kv/lictor/billing/promotion", b"").code, 404, "nothing was recorded there");

    // Sixty keys that all agree with reach both, each in one transaction.
    origin.put("billing/SIZE", "2");
    for number in 0..59 {
        origin.put(&format!("billing/KEY_{number:02}"), "x");
    }
    source.until("good", |board| is_good(board) && source.value("KEY_58").is_some());
    let text = eventually("the source's record says that it is good", || {
        let (code, text) = promote(&[]);
        (code == Some(0)).then_some(text)
    });
    assert!(written(&text) == 2 && text.matches("60 keys in 1 transaction").count() == 2, "{text}");
    let (written_first, good) = (text.find("written to").unwrap(), text.find("good on 1 instance").unwrap());
    assert!(written_first < good && good < text.rfind("written to").unwrap(), "a verdict before the next: {text}");
    for lictor in [&one, &two] {
        assert_eq!((lictor.value("SIZE").as_deref(), lictor.value("KEY_58").as_deref()), (Some("2"), Some("x")));
    }
}

#[test]
fn each_side_is_asked_with_its_own_token() {
    let [origin, production] = [Consul::with_tokens(), Consul::with_tokens()];
    origin.put("billing/GREETING", "hello");
    production.put("billing/GREETING", "old");
    let folders = |policy: &str| {
        ["billing/", "lictor/billing/"]
            .map(|folder| format!("key_prefix \"{folder}\" {{ policy = \"{policy}\" }}\n"))
            .concat()
    };
    origin.policy("reader", &folders("read"));
    production.policy("writer", &folders("write"));
    let setup = Setup::on_directory();
    let file = |name: &str, consul: &Consul| {
        let path = setup.path(name);
        fs::write(&path, consul.token(name).secret).unwrap();
        path.display().to_string()
    };
    let (reader, writer) = (file("reader", &origin), file("writer", &production));
    let promote = |words: &[&str]| {
        let mut command = setup.command("promote");
        let (from, to) = (origin.address().to_string(), production.address().to_string());
        command
            .args(["billing/", "--from", &from, "--to", &to, "--yes", "--unproved", "no lictor reads it"])
            .args(words);
        let output = finish(command);
        (output.status.code(), said(&output))
    };
    for wrong in [&[][..], &["--from-token-file", &reader], &["--from-token-file", &writer, "--to-token-file", &reader]]
    {
        let (code, text) = promote(wrong);
        assert!(code == Some(69) && !text.contains("hello"), "{wrong:?}: {code:?} {text}");
        assert_eq!(value(&production, "GREETING").as_deref(), Some("old"), "{wrong:?}: {text}");
    }
    let (code, text) = promote(&["--from-token-file", &reader, "--to-token-file", &writer, "--show"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("old") && text.contains("hello"), "values are shown to whoever asks: {text}");
    assert_eq!(value(&production, "GREETING").as_deref(), Some("hello"));
}
