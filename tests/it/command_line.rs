//! The words of the command line and the codes it ends with.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::Signal;

use crate::harness::lictor::{finish, said};
use crate::harness::program::{NEW, OLD};
use crate::harness::{Consul, Setup, eventually, processes};

fn greeted() -> Setup {
    let setup = Setup::on_directory().checked();
    setup.write("GREETING", "hello");
    setup
}

#[test]
fn validate_says_yes_no_and_why() {
    let lictor = greeted().start();
    let good = lictor.until_good();
    let yes = lictor.cli("validate", &["--version", OLD]);
    assert_eq!(yes.status.code(), Some(0), "{}", said(&yes));

    let other = lictor.cli("validate", &["--version", NEW]);
    assert_eq!(other.status.code(), Some(1), "{}", said(&other));
    assert!(said(&other).contains(OLD) && said(&other).contains(NEW), "{}", said(&other));

    lictor.setup().write("EXIT_CODE", "1");
    lictor.until_reverted_to(good.config.fingerprint);
    let reverted = lictor.cli("validate", &["--version", OLD]);
    assert_eq!(reverted.status.code(), Some(1), "{}", said(&reverted));
    assert!(said(&reverted).to_lowercase().contains("reverted"), "{}", said(&reverted));
    assert!(said(&reverted).lines().all(|line| line.len() < 512), "CodeDeploy wants short lines: {}", said(&reverted));
}

#[test]
fn validate_waits_for_a_lictor_that_is_yet_to_come() {
    let lictor = greeted().prepared();
    let asked = std::thread::scope(|scope| {
        let setup = lictor.setup();
        let waiting = scope.spawn(move || {
            let mut command = setup.command("validate");
            command.arg("--socket").arg(setup.path("admin.sock")).args(["--version", OLD, "--timeout", "25s"]);
            finish(command)
        });
        eventually("it asks", || {
            let running = processes::naming(setup.folder());
            running.iter().any(|process| process.command.contains("validate")).then_some(())
        });
        assert!(!waiting.is_finished(), "it waits for the socket");
        lictor.start();
        waiting.join().unwrap()
    });
    assert_eq!(asked.status.code(), Some(0), "{}", said(&asked));
}

#[test]
fn status_is_for_people_and_ends_with_the_answer() {
    let lictor = greeted().start();
    lictor.until_good();
    let output = lictor.cli("status", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(OLD) && said(&output).contains("Web"), "{}", said(&output));
    let json = lictor.cli("status", &["--json"]);
    let board: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(board["service"], "svc");

    lictor.until_applied(|| lictor.setup().write("SICK_AFTER", "2s"));
    lictor.until("sick", |board| !board.healthy);
    assert_eq!(lictor.cli("status", &[]).status.code(), Some(1));
}

#[test]
fn where_no_lictor_answers_the_code_is_69() {
    let lictor = greeted().prepared();
    for subcommand in ["status", "validate"] {
        let arguments: &[&str] = if subcommand == "validate" { &["--timeout", "100ms"] } else { &[] };
        let output = lictor.cli(subcommand, arguments);
        assert_eq!(output.status.code(), Some(69), "{subcommand}: {}", said(&output));
        assert!(said(&output).contains("admin.sock"), "{subcommand}: {}", said(&output));
    }
}

#[test]
fn an_address_that_was_chosen_and_is_taken_is_75() {
    let setup = greeted();
    let _taken = TcpListener::bind((setup.host(), 8127)).unwrap();
    let output = finish(setup.configured("run"));
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
    assert!(said(&output).contains(":8127"), "{}", said(&output));
}

#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let lictor = greeted().start();
    lictor.until_good();
    let lost = |verb: &str, arguments: &[&str]| {
        let mut command = lictor.setup().command(verb);
        command.args(arguments).stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        command.output().unwrap()
    };
    let socket = lictor.setup().path("admin.sock");
    let asked = ["--socket", socket.to_str().unwrap()];
    let file = lictor.setup().path("service");
    for (verb, arguments) in [
        ("status", &asked[..]),
        ("history", &asked),
        ("env", &asked),
        ("plan", &asked),
        ("buildinfo", &[file.to_str().unwrap()]),
        ("--help", &[]),
    ] {
        let output = lost(verb, arguments);
        assert_eq!(output.status.code(), Some(74), "{verb}: {}", said(&output));
        assert!(said(&output).contains("No space left on device"), "{verb}: {}", said(&output));
    }
    // Here the exit code is the answer.
    assert_eq!(lost("validate", &asked).status.code(), Some(0));
}

#[test]
fn a_second_lictor_on_the_same_state_is_75_and_harms_nobody() {
    let lictor = greeted().start();
    let before = lictor.until_good();
    let second = format!(
        "status {{\n  address = \"{}:9127\"\n}}\nadmin {{\n  socket = \"{}\"\n}}\n",
        lictor.setup().host(),
        lictor.setup().path("second.sock").display()
    );
    fs::write(lictor.setup().path("second.hcl"), second).unwrap();
    let mut command = lictor.setup().configured("run");
    command.arg("-c").arg(lictor.setup().path("second.hcl"));
    let output = finish(command);
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
    assert_eq!(lictor.board().process, before.process);
}

#[test]
fn a_socket_of_a_live_lictor_is_75_and_a_stale_one_is_replaced() {
    let lictor = greeted().start();
    lictor.until_good();
    let second = format!(
        "status {{\n  address = \"{}:9127\"\n}}\nstate {{\n  directory = \"{}\"\n}}\n",
        lictor.setup().host(),
        lictor.setup().path("second").display()
    );
    fs::write(lictor.setup().path("second.hcl"), second).unwrap();
    let mut command = lictor.setup().configured("run");
    command.arg("-c").arg(lictor.setup().path("second.hcl"));
    let output = finish(command);
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
    assert!(said(&output).contains("admin.sock"), "{}", said(&output));

    lictor.signal(Signal::KILL);
    lictor.ended();
    assert!(lictor.setup().path("admin.sock").exists(), "it is stale now");
    lictor.start();
    lictor.until_good();
}

#[test]
fn the_default_status_port_may_be_taken() {
    // Whether we take it or somebody else has: it is taken.
    let _taken = TcpListener::bind("127.0.0.1:8127");
    let setup = greeted();
    let mut files = setup.files();
    let base = fs::read_to_string(&files[0]).unwrap();
    let at = base.find("status {").unwrap();
    let end = at + base[at..].find("}\n").unwrap() + 2;
    fs::write(&files[0], format!("{}{}", &base[..at], &base[end..])).unwrap();
    let mut command = setup.command("run");
    for file in files.drain(..) {
        command.arg("-c").arg(file);
    }
    let lictor = setup.prepared();
    lictor.start_as(command);
    lictor.until_good();
    let said = lictor.log();
    assert!(said.contains("127.0.0.1:8127"), "it warns: {said}");
    let output = lictor.cli("status", &[]);
    assert_eq!(output.status.code(), Some(0), "the admin socket alone serves");
}

#[test]
fn check_reads_everything_and_names_every_error_with_its_place() {
    let good = finish(greeted().configured("check"));
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));

    let setup =
        greeted().config("wait {\n  min = \"5 parsecs\"\n}\nnonsense = 1\nstatus {\n  address = \"nowhere\"\n}\n");
    for subcommand in ["check", "run"] {
        let output = finish(setup.configured(subcommand));
        assert_eq!(output.status.code(), Some(78), "{subcommand}: {}", said(&output));
        let file = setup.files().last().unwrap().display().to_string();
        for (line, word) in [(2, "min"), (4, "nonsense"), (6, "address")] {
            let place = format!("{file}:{line}:");
            let named = said(&output).lines().any(|text| text.contains(&place) && text.contains(word));
            assert!(named, "{subcommand} does not name {word} at {place}\n{}", said(&output));
        }
    }
}

#[test]
fn flags_alone_are_enough_for_the_common_case() {
    let consul = crate::harness::Consul::start();
    consul.put("billing/greeting-text", "hello");
    let setup = Setup::on_consul(consul.address());
    let mut command = setup.command("run");
    command.args(["--consul-addr", &consul.address().to_string(), "-prefix=billing/", "-upcase", "-sanitize", "-once"]);
    command.args(["--", "/bin/sh", "-c", "echo \"$GREETING_TEXT\""]);
    let output = finish(command);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"hello\n"[..]), "{}", said(&output));
}

#[test]
fn on_a_terminal_a_command_that_runs_once_can_read_from_it() {
    let setup = greeted();
    let mut run = vec![env!("CARGO_BIN_EXE_lictor").to_owned(), "run".to_owned()];
    run.extend(setup.files().into_iter().flat_map(|file| ["-c".to_owned(), file.display().to_string()]));
    run.extend(["--once", "--", "/bin/bash", "-i"].map(str::to_owned));
    // `script` gives it a terminal of its own, and types what comes in.
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", &run.join(" "), "/dev/null"]).env("LICTOR_TEST", setup.folder()).env("PS1", "> ");
    let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    let mut screen = terminal.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = screen.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    keyboard.write_all(b"echo $GREETING-$((40+2))\nexit 7\n").unwrap();
    let status = eventually("the shell has read what was typed", || terminal.try_wait().unwrap());
    drop(keyboard);
    let text = reader.join().unwrap();
    assert!(text.contains("hello-42"), "{text}");
    assert_eq!(status.code(), Some(7), "{text}");
}

#[test]
fn doctor_names_what_is_wrong_and_the_remedy() {
    let consul = Consul::start();
    consul.put("billing/GREETING", "hello");
    let setup = Setup::on_consul(consul.address());
    let found = finish(setup.configured("doctor"));
    let text = said(&found);
    assert_eq!(found.status.code(), Some(0), "{text}");
    assert!(text.contains("consul billing/") && text.contains("1 key can be read"), "{text}");
    assert!(text.contains("nothing listens on") && text.contains("start Telegraf"), "{text}");

    let setup = setup.config("exec {\n  command = [\"/no/such/program\"]\n}\nadmin {\n  group = \"nosuchgroup\"\n}\n");
    fs::write(setup.path("state"), "").unwrap();
    let found = finish(setup.configured("doctor"));
    let text = said(&found);
    assert_eq!(found.status.code(), Some(1), "{text}");
    for word in ["/no/such/program", "set admin.group to one that exists", "is not a directory"] {
        assert!(text.lines().any(|line| line.starts_with("wrong") && line.contains(word)), "{word}: {text}");
    }

    let silent = Setup::on_consul("127.0.0.1:9".parse().unwrap());
    let found = finish(silent.configured("doctor"));
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    assert!(said(&found).contains("cannot be reached"), "{}", said(&found));
    // The file alone, as `lictor check` takes it.
    let mut named = silent.command("doctor");
    named.args(silent.files());
    let named = finish(named);
    assert_eq!((named.status.code(), said(&named)), (Some(1), said(&found)));
    let nothing = finish(silent.command("doctor"));
    assert!(nothing.status.code() == Some(2) && said(&nothing).contains("name its file"), "{}", said(&nothing));
}

#[test]
fn doctor_asks_for_what_a_fleet_needs_of_consul() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    let setup = Setup::on_consul(consul.address()).config("fleet {\n  prefix = \"lictor/billing/\"\n}\n");
    let line = |policy: &str, start: &str| {
        consul.policy("doctor", policy);
        let mut command = setup.configured("doctor");
        command.args(["--consul-token", &consul.token("doctor").secret]);
        let text = said(&finish(command));
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).find(|line| line.contains(start)).unwrap_or_else(|| panic!("{start}: {text}"))
    };
    let values = "key_prefix \"billing/\" { policy = \"read\" }\n";
    let denied = line(values, " fleet lictor/billing/ ");
    assert!(
        denied.starts_with("wrong ") && denied.ends_with("consul/fleet.hcl has the rules that the token needs"),
        "{denied}"
    );
    let rules = include_str!("../../consul/fleet.hcl").replace("service \"billing\"", "service \"svc\"");
    let all = format!("{values}{rules}");
    let granted = line(&all, " fleet lictor/billing/ ");
    assert!(granted.starts_with("ok fleet lictor/billing/ 0 instances"), "{granted}");
    let unlisted = line(&all, " catalog svc ");
    assert!(
        unlisted.starts_with("mind ") && unlisted.contains("does not list svc as svc, so it gets no turn"),
        "{unlisted}"
    );
}

#[test]
fn check_asks_the_sources_what_a_start_would_get() {
    let consul = Consul::with_tokens();
    consul.put("billing/GREETING", "hello");
    consul.put("billing/A=B", "x");
    consul.put("billing/SECRET", "hunter2");
    let setup = Setup::on_consul(consul.address());
    let setup = setup.config("key \"GREETING\" {\n  pattern = \"h.*\"\n}\n");
    fs::write(setup.path("app.env"), "A=1\nexport B=2\n").unwrap();
    let file = format!("file {{\n  path = \"{}\"\n}}\n", setup.path("app.env").display());
    let setup = setup.config(&file);
    let asks = || {
        let mut command = setup.configured("check");
        command.arg("--sources");
        finish(command)
    };
    // The anonymous token may read nothing.
    let denied = asks();
    let text = said(&denied);
    assert_eq!(denied.status.code(), Some(69), "{text}");
    let wrong: Vec<_> = text.lines().filter(|line| line.starts_with("error: consul billing/: ")).collect();
    assert!(wrong.len() == 1 && wrong[0].contains("token"), "{text}");
    assert!(denied.stdout.is_empty() && !text.contains("hunter2"), "{text}");
    let unasked = finish(setup.configured("check"));
    assert_eq!(unasked.status.code(), Some(0), "{}", said(&unasked));

    consul.policy("reader", "key_prefix \"billing/\" { policy = \"read\" }");
    let token = consul.token("reader");
    let asks = || {
        let mut command = setup.configured("check");
        command.args(["--sources", "--consul-token", &token.secret]);
        finish(command)
    };
    let good = asks();
    let text = said(&good);
    assert_eq!(good.status.code(), Some(0), "{text}");
    assert!(text.lines().any(|line| line == "consul billing/: 3 keys can be read"), "{text}");
    for word in ["\"A=B\" is left out", "app.env: line 2"] {
        assert!(text.lines().any(|line| line.starts_with("warning: ") && line.contains(word)), "{word}: {text}");
    }
    assert!(text.contains("\nvariables: 7 variables\n") && text.contains("\nok: svc: 2 sources"), "{text}");

    consul.put("billing/GREETING", "good day");
    let refused = asks();
    let text = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.lines().any(|line| line.starts_with("error: variables: ") && line.contains("GREETING")), "{text}");
    assert!(!text.contains("good day") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_first_configuration_is_written_and_passes_the_check() {
    let setup = greeted();
    let program = setup.path("service").display().to_string();
    let mut init = setup.command("init");
    init.args(["--directory", setup.path("conf.d").to_str().unwrap(), "-upcase", "--", &program, "-addr", ":8080"]);
    let written = finish(init);
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    fs::write(setup.path("first.hcl"), &written.stdout).unwrap();
    let mut check = setup.command("check");
    check.arg(setup.path("first.hcl"));
    let checked = finish(check);
    assert_eq!((checked.status.code(), said(&checked).as_str()), (Some(0), "ok: service: 1 source, 0 checks\n"));

    // What the environment says about Consul, a unit would not know.
    let mut init = setup.command("init");
    init.args(["--prefix", "billing/", "--", &program]).env("CONSUL_HTTP_TOKEN", "s3cret");
    init.env("CONSUL_HTTP_TOKEN_FILE", "/etc/lictor/billing.token");
    let written = said(&finish(init));
    assert!(
        written.contains("  token_file = \"/etc/lictor/billing.token\"\n") && !written.contains("s3cret"),
        "{written}"
    );
}

#[test]
fn help_explains_the_board_s_words() {
    let setup = greeted();
    let mut help = setup.command("help");
    let shown = finish({
        help.args(["states", "Held:", "night", "shift"]);
        help
    });
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    assert!(said(&shown).contains("lictor unhold"), "{}", said(&shown));
    let word = finish({
        let mut help = setup.command("help");
        help.arg("Held:");
        help
    });
    assert_eq!((word.status.code(), said(&word)), (Some(0), said(&shown)), "the word alone will do");
    assert!(said(&finish(setup.command("help"))).contains("Usage: lictor"));
}

#[test]
fn wrong_usage_is_2_and_what_is_not_served_yet_is_named() {
    let setup = greeted();
    for arguments in [&["nonsense"][..], &["run", "--nonsense"], &["status", "--nonsense"], &["buildinfo"]] {
        let mut command = setup.command(arguments[0]);
        command.args(&arguments[1..]);
        let output = finish(command);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
    }
    let envconsul = finish(setup.command("envconsul"));
    assert_ne!(envconsul.status.code(), Some(0));
    assert!(said(&envconsul).contains("envconsul is not supported yet"), "{}", said(&envconsul));
}

#[test]
fn nothing_to_run_or_no_source_is_78() {
    let setup = greeted();
    let empty = setup.path("empty.hcl");
    fs::write(&empty, "name = \"svc\"\n").unwrap();
    let mut command = setup.command("check");
    command.arg("-c").arg(&empty);
    let output = finish(command);
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
    assert!(said(&output).contains("command"), "{}", said(&output));
}

#[test]
fn buildinfo_reads_a_go_program_and_refuses_what_is_none() {
    let setup = greeted();
    let mut command = setup.command("buildinfo");
    command.arg(setup.path("service"));
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(OLD) && said(&output).contains("go1."), "{}", said(&output));

    let mut command = setup.command("buildinfo");
    command.arg(setup.path("0.hcl"));
    setup.files();
    let output = finish(command);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(said(&output).lines().count(), 1, "one sentence: {}", said(&output));
}

#[test]
fn version_and_help_are_there() {
    let setup = greeted();
    let output = finish(setup.command("--version"));
    assert_eq!(said(&output).trim(), format!("lictor {}", env!("CARGO_PKG_VERSION")));
    let help = finish(setup.command("--help"));
    assert_eq!(help.status.code(), Some(0));
    for word in ["run", "status", "validate", "check", "buildinfo"] {
        assert!(said(&help).contains(word), "{word}: {}", said(&help));
    }
}

#[test]
fn with_no_prefix_false_names_are_envconsul_s() {
    let consul = Consul::start();
    consul.put("app/my_service/mykey", "1");
    let flags = ["--prefix", "app/my_service", "--no-prefix=false"];
    let setup = Setup::on_directory();
    let mut command = setup.command("run");
    command.args(["--once", "--consul-addr", &consul.address().to_string()]).args(flags).args(["--", "env"]);
    let output = finish(command);
    assert!(said(&output).lines().any(|line| line == "app_my_service_mykey=1"), "{}", said(&output));
}
