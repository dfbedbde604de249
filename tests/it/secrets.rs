//! Values stay between the source and the service: markers are planted wherever lictor meets a secret, and then looked
//! for in everything that lictor says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lictor::machine::board::{CheckState, ConfigState, Phase};
use rustix::process::Signal;

use crate::harness::lictor::{finish, is_good, said};
use crate::harness::{Consul, Lictor, Setup, eventually};

/// Where a marker was planted stands in it, so that a failure names the leak.
const MARKERS: [&str; 12] = [
    "marked-kv",
    "marked-changed",
    "marked-refused",
    "marked-directory",
    "marked-file",
    "marked-custom",
    "marked-token",
    "marked-own-token",
    "marked-basic",
    "marked-probe",
    "marked-inherited",
    "marked-argument",
];

#[track_caller]
fn nowhere(place: &str, text: impl AsRef<[u8]>) {
    let text = String::from_utf8_lossy(text.as_ref()).into_owned();
    for marker in MARKERS {
        assert!(!text.contains(marker), "{marker} is shown by {place}: {text}");
    }
}

/// Everything that can be asked for, and all that is written down but values: what says it, and what it says.
fn everything(lictor: &Lictor) -> Vec<(String, Vec<u8>)> {
    let paths = [
        "/status",
        "/status?version=9",
        "/health",
        "/health?warn",
        "/live",
        "/ready",
        "/board",
        "/env",
        "/metrics",
        "/no",
    ];
    let mut all = Vec::new();
    for path in paths {
        all.push((path.to_owned(), lictor.get(path).body));
        all.push((path.to_owned(), lictor.admin(path).unwrap().body));
    }
    let verbs: [(&str, &[&str]); 8] = [
        ("status", &[]),
        ("status", &["--json"]),
        ("validate", &["--version", "9", "--timeout", "100ms"]),
        ("env", &[]),
        ("env", &["--diff"]),
        ("plan", &[]),
        ("history", &[]),
        ("history", &["--json"]),
    ];
    all.extend(verbs.map(|(verb, arguments)| (verb.to_owned(), said(&lictor.cli(verb, arguments)).into_bytes())));
    all.push(("the log".to_owned(), lictor.log().into_bytes()));
    all.push(("/proc/PID/cmdline".to_owned(), fs::read(format!("/proc/{}/cmdline", lictor.pid())).unwrap()));
    for file in fs::read_dir(lictor.setup().path("state")).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        if !path.ends_with("good.json") {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all
}

fn nothing_shows(lictor: &Lictor) {
    for (place, text) in everything(lictor) {
        nowhere(&place, text);
    }
}

/// What lictor 0.1.0 said of a variable, and of an environment of this one: anybody can make it of a guess.
fn plain_digest(name: &str, value: &str) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for text in [name, value] {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    let first = context.finish().as_ref()[..6].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:012x}")
}

#[test]
fn no_fingerprint_confirms_a_guess() {
    let setup = Setup::on_directory();
    setup.write("PIN", "1234");
    let lictor = setup.config("log {\n  level = \"trace\"\n}\n").start();
    lictor.until_good();
    let first = lictor.board().config.fingerprint;
    lictor.until_applied(|| lictor.setup().write("PIN", "1235"));
    for guess in ["1234", "1235"] {
        let guess = plain_digest("PIN", guess);
        for (place, text) in everything(&lictor) {
            assert!(!String::from_utf8_lossy(&text).contains(&guess), "{place} confirms the guess");
        }
    }
    // The same value has the same fingerprint in the next life, or what is kept would be lost.
    lictor.until_applied(|| lictor.setup().write("PIN", "1234"));
    assert_eq!(lictor.board().config.fingerprint, first);
    lictor.restart(Signal::TERM);
    lictor.until_good();
    assert_eq!(lictor.board().config.fingerprint, first);
}

#[test]
fn no_secret_is_in_anything_that_lictor_says() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "shown-to-all");
    consul.put("billing/PASSWORD", "marked-kv");
    consul.put("billing/DATABASE_URL", "postgres://app:marked-kv@db/app");
    let base = Setup::on_consul(consul.address());
    let (conf, file) = (base.path("more.d"), base.path("more.env"));
    fs::create_dir(&conf).unwrap();
    fs::write(conf.join("API_KEY"), "marked-directory\n").unwrap();
    // The second line is the rest of a secret that nobody has quoted.
    fs::write(&file, "SIGNING_KEY=marked-file\nmarked-file line two\nexport B=marked-file\n").unwrap();
    let service = base.host();
    let lictor = base
        .variable("CONSUL_HTTP_TOKEN", "marked-own-token")
        .variable("INHERITED", "marked-inherited")
        .config(&format!(
            r#"
consul {{
  token = "marked-token"
  auth {{
    username = "app"
    password = "marked-basic"
  }}
}}
directory {{
  path = "{conf}"
}}
file {{
  path = "{file}"
}}
exec {{
  env {{
    custom = ["CUSTOM=marked-custom"]
  }}
}}
key "GREETING" {{
  public = true
}}
check "Web" {{
  http {{
    url = "http://probe:marked-probe@{service}:8080/healthz"
  }}
  interval = "100ms"
}}
check "Chatty" {{
  command {{
    command = ["/bin/sh", "-c", "env; echo \"no login with $PASSWORD $API_KEY $SIGNING_KEY $CUSTOM $DATABASE_URL $INHERITED\"; exit 2"]
  }}
  interval = "100ms"
  role     = "info"
}}
version {{
  symbol  = "main.nothing"
  command = ["/bin/sh", "-c", "echo $INHERITED-$PASSWORD"]
}}
log {{
  level = "trace"
}}
"#,
            conf = conf.display(),
            file = file.display(),
        ))
        .prepared();
    lictor.start();
    lictor.until("the checks have been probed", |board| {
        is_good(board) && board.checks.iter().any(|check| check.state == CheckState::Failing && check.why.is_some())
    });
    assert_eq!(lictor.value("PASSWORD").as_deref(), Some("marked-kv"), "the service itself does get it");
    assert_eq!(lictor.value("SIGNING_KEY").as_deref(), Some("marked-file"));
    assert!(
        lictor.get("/env").text().contains("shown-to-all"),
        "what is public is shown: {}",
        lictor.get("/env").text()
    );
    nothing_shows(&lictor);

    lictor.until_applied(|| consul.put("billing/PASSWORD", "marked-changed"));
    nothing_shows(&lictor);

    // A wish that the service does not bear, and one that no process could have.
    let good = lictor.board().config.fingerprint;
    consul.put("billing/PASSWORD", "marked-refused");
    consul.put("billing/EXIT_CODE", "1");
    lictor.until_reverted_to(good);
    nothing_shows(&lictor);
    consul.put("billing/PASSWORD", b"marked-refused\0and more");
    lictor.until("rejected", |board| board.config.state == ConfigState::Rejected);
    nothing_shows(&lictor);

    // Another life of lictor, from what is on disk.
    consul.put("billing/PASSWORD", "marked-kv");
    consul.delete("billing/EXIT_CODE");
    lictor.restart(Signal::TERM);
    lictor.until_good();
    nothing_shows(&lictor);
}

#[test]
fn a_service_that_cannot_be_started_shows_no_argument() {
    let setup = Setup::on_directory();
    setup.write("PASSWORD", "marked-directory");
    let lictor = setup
        .config("exec {\n  command = [\"/nowhere/service\", \"-password\", \"marked-argument\"]\n}\nlog {\n  level = \"trace\"\n}\n")
        .start();
    let board = lictor.until("backing off", |board| board.phase == Phase::BackingOff);
    assert!(board.last_exit.unwrap().text.contains("/nowhere/service"));
    nothing_shows(&lictor);
}

#[test]
fn an_answer_that_repeats_the_token_is_not_repeated() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.policy("nothing", "");
    let token = consul.token("nothing").secret;
    let lictor = Setup::on_consul(consul.address())
        .config(&format!("consul {{\n  token = \"{token}\"\n}}\nlog {{\n  level = \"trace\"\n}}\n"))
        .start();
    let board = lictor.until("denied", |board| board.sources.iter().any(|source| source.freshness.error.is_some()));
    let error = board.sources[0].freshness.error.clone().unwrap();
    assert!(!error.contains(&token), "{error}");
    eventually("the log tells of it", || (!lictor.log().is_empty()).then_some(()));
    assert!(!lictor.log().contains(&token), "{}", lictor.log());
}

#[test]
fn an_error_in_the_configuration_does_not_quote_a_secret() {
    let broken = [
        "consul {\n  token = marked-token\n}\n",
        "consul {\n  token = \"marked-token\n}\n",
        "consul {\n  token = [\"marked-token\"]\n}\n",
        "consul {\n  token = \"${marked-token}\"\n}\n",
        "consul {\n  address = \"http://app:marked-basic@\"\n}\n",
        "consul {\n  address = \"ftp://app:marked-basic@host\"\n}\n",
        "consul {\n  address = \"http://app:marked-basic@host:99999\"\n}\n",
        "consul {\n  auth {\n    username = \"a\"\n    password = marked-basic\n  }\n}\n",
        "consul {\n  auth {\n    password = [\"marked-basic\"]\n  }\n}\n",
        "exec {\n  env {\n    custom = [\"marked-custom\"]\n  }\n}\n",
        "exec {\n  env {\n    custom = [\"=marked-custom\"]\n  }\n}\n",
        "consul {\n  token marked-token\n}\n",
        "consul {\n  token: marked-token\n}\n",
        "consul {\n  token = 'marked-token'\n}\n",
        "consul {\n  token = \"a\" marked-token\n}\n",
        "consul {\n  token = marked-token + 1\n}\n",
        "consul {\n  token = env(marked-token)\n}\n",
        "consul {\n  token = marked(\"marked-token\")\n}\n",
        "consul {\n  token = file(\"marked-token\")\n}\n",
        "consul {\n  token = \"\\marked-token\"\n}\n",
        "exec {\n  env {\n    custom = [\"A=marked-custom\n\"]\n  }\n}\n",
        "check \"Web\" {\n  http {\n    url = \"ftp://a:marked-probe@h/\"\n  }\n}\n",
        "check \"Web\" {\n  http {\n    url = \"http://a:marked-probe@\"\n  }\n}\n",
        "check \"Web\" {\n  http {\n    url = \"http://a:marked-probe@h:port/\"\n  }\n}\n",
        "version {\n  http = \"http://a:marked-probe@h:port/\"\n}\n",
        "{\"consul\": {\"token\": \"marked-token\"",
        "{\"consul\": {\"token\": \"marked-token\" \"x\"}}",
        "{\"consul\": {\"token\": [\"marked-token\"]}}",
    ];
    let mut leaks = Vec::new();
    for text in broken {
        let setup = Setup::on_directory().config(text);
        let output = finish(setup.configured("check"));
        if output.status.code() != Some(78) {
            leaks.push((text, format!("it should be refused, but: {}", said(&output))));
            continue;
        }
        let told = said(&output) + &said(&finish(setup.configured("run")));
        if MARKERS.iter().any(|marker| told.contains(marker)) {
            leaks.push((text, told));
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn a_value_that_its_schema_refuses_is_not_shown() {
    let setup = Setup::on_directory().checked();
    setup.write("PASSWORD", "1");
    let lictor = setup
        .config(
            "key \"PASSWORD\" {\n  type = \"int\"\n  max = 9\n}\napply {\n  check_command = [\"/bin/sh\", \"-c\", \"echo no \
             $PASSWORD $API_KEY; test -z $API_KEY\"]\n}\nlog {\n  level = \"trace\"\n}\n",
        )
        .start();
    lictor.until_good();
    let rejected = |key: &str, value: &str| {
        lictor.setup().write(key, value);
        lictor.until("rejected", |board| board.config.state == ConfigState::Rejected);
        nothing_shows(&lictor);
    };
    rejected("PASSWORD", "marked-refused");
    lictor.setup().write("PASSWORD", "2");
    lictor.until_good();
    rejected("API_KEY", "marked-directory");
}
