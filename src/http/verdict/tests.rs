use std::time::Duration;

use super::Lack::{Identity, Readiness};
use super::Outlook::{Open, Sure};
use super::{Difference, SURE_AFTER, Verdict, decide, difference};
use crate::http::question::{About, Question};
use crate::machine::Moment;
use crate::machine::board::sample::{board, check, version};
use crate::machine::board::{Board, CheckState, ConfigState, ExitPicture, Phase, words};
use crate::machine::build::Version;
use crate::machine::event::Exit;
use crate::machine::numbers::RunId;
use crate::machine::policy::Role;

fn question(about: About) -> Question {
    Question { about, service: None, wait: Duration::ZERO }
}

fn wants(version: &str) -> Question {
    question(About::Version(version.to_owned()))
}

fn changed(change: impl FnOnce(&mut Board)) -> Board {
    let mut board = board();
    change(&mut board);
    board
}

fn sick(board: &mut Board) {
    board.healthy = false;
    board.checks = vec![check("Database", CheckState::Failing)];
    board.checks[0].why = Some("connection refused".to_owned());
}

fn runs(board: &mut Board, running: &str, installed: &str) {
    board.build.running = version(running);
    board.build.installed = version(installed);
}

type Brief<'a> = (super::Lack, super::Outlook, &'a str);

/// In brief: what is lacking, how sure, and why.
fn brief(verdict: &Verdict) -> Option<Brief<'_>> {
    match verdict {
        Verdict::Yes => None,
        Verdict::No { lack, outlook, reason } => Some((*lack, *outlook, reason)),
    }
}

#[test]
fn the_table_of_answers() {
    let reverted = |board: &mut Board| {
        board.config.state = ConfigState::Reverted;
        board.config.settled = false;
        board.config.message = Some("Reverted: DB_URL".to_owned());
    };
    let at_once = Duration::ZERO;
    #[rustfmt::skip]
    let table: Vec<(&str, Question, Board, Duration, Option<Brief<'_>>)> = vec![
        ("all is well", wants("1.214"), board(), at_once, None),
        ("held is settled", wants("1.214"), changed(|board| board.config.state = ConfigState::Held), at_once, None),
        ("a prefix is not the version", wants("1.21"), board(), at_once,
            Some((Identity, Open, "running 1.214, not 1.21"))),
        ("not healthy", wants("1.214"), changed(sick), at_once,
            Some((Readiness, Open, "Database is Unhealthy (connection refused)"))),
        ("the old build still runs", wants("1.214"), changed(|board| runs(board, "1.213", "1.214")), at_once,
            Some((Identity, Open, "running 1.213, not 1.214; 1.214 is installed"))),
        ("a new build was given up for the one that serves", wants("1.214"),
            changed(|board| {
                runs(board, "1.213", "1.214");
                board.build.outdated = true;
                (board.config.state, board.config.message) = (ConfigState::BuildFailed, Some("Build failed: x".to_owned()));
            }), at_once,
            Some((Identity, Sure,
                "running 1.213, not 1.214; 1.214 is installed but not restarted; Build failed: x"))),
        ("installed but not restarted", wants("1.214"),
            changed(|board| { runs(board, "1.213", "1.214"); board.build.outdated = true; }), at_once,
            Some((Identity, Open, "running 1.213, not 1.214; 1.214 is installed but not restarted"))),
        ("the same without a version", question(About::Settled),
            changed(|board| { runs(board, "1.213", "1.214"); board.build.outdated = true; }), SURE_AFTER,
            Some((Identity, Sure, "1.214 is installed but not restarted"))),
        ("health alone does not mind the disk", question(About::Health),
            changed(|board| board.build.outdated = true), at_once, None),
        ("another build for 5 s", wants("1.214"), changed(|board| runs(board, "1.213", "1.213")), SURE_AFTER,
            Some((Identity, Sure, "running 1.213, not 1.214"))),
        ("another build, sick, for 5 s", wants("1.214"), changed(|board| { runs(board, "1.213", "1.213"); sick(board); }),
            SURE_AFTER,
            Some((Readiness, Sure, "Database is Unhealthy (connection refused); running 1.213, not 1.214"))),
        ("nobody can tell the version", wants("1.214"), changed(|board| board.build.running = Version::default()), at_once,
            Some((Identity, Open, "the running version is unknown, not 1.214; 1.214 is installed"))),
        ("on trial", wants("1.214"),
            changed(|board| { board.config.state = ConfigState::Trial; board.config.settled = false; }), at_once,
            Some((Readiness, Open, "the newest config is on trial"))),
        ("reverted", wants("1.214"), changed(reverted), at_once, Some((Identity, Sure, "Reverted: DB_URL"))),
        ("reverted while it goes back", wants("1.214"), changed(|board| { reverted(board); sick(board); }), at_once,
            Some((Readiness, Sure, "Database is Unhealthy (connection refused); Reverted: DB_URL"))),
        ("reverted on the build before", wants("1.214"),
            changed(|board| { reverted(board); runs(board, "1.213", "1.214"); }), at_once,
            Some((Identity, Open, "running 1.213, not 1.214; 1.214 is installed"))),
        ("rejected", question(About::Settled), changed(|board| board.config.state = ConfigState::Rejected), at_once,
            Some((Identity, Sure, "the newest config was rejected"))),
        ("settled", question(About::Settled), board(), at_once, None),
        ("the new build failed", wants("1.214"), changed(|board| {
            sick(board);
            board.phase = Phase::BackingOff;
            board.config.state = ConfigState::BuildFailed;
            board.config.settled = false;
            board.config.message = Some("Build failed: 1.214".to_owned());
            board.last_exit = Some(exit());
        }), at_once, Some((Readiness, Open, "down, the last run exited with 1; Build failed: 1.214"))),
        ("health alone does not mind config", question(About::Health), changed(reverted), at_once, None),
        ("health alone", question(About::Health), changed(sick), at_once,
            Some((Readiness, Open, "Database is Unhealthy (connection refused)"))),
    ];
    for (name, question, board, differed, expected) in &table {
        let verdict = decide(question, board, *differed);
        assert_eq!(brief(&verdict), *expected, "{name}");
    }
}

fn exit() -> ExitPicture {
    let text = "exited with 1".to_owned();
    ExitPicture { run: RunId(3), at: Moment(5_000), exit: Some(Exit::Code(1)), text, crashes: 3 }
}

#[test]
fn the_lictor_of_another_service_is_sure() {
    let meant = |service: &str| Question { service: Some(service.to_owned()), ..wants("1.214") };
    assert_eq!(decide(&meant("billing"), &board(), Duration::ZERO), Verdict::Yes);
    let verdict = decide(&meant("mail"), &changed(sick), Duration::ZERO);
    assert_eq!(brief(&verdict), Some((Identity, Sure, "this is the lictor of billing, not of mail")));
}

#[test]
fn when_the_build_is_known_to_differ() {
    let known = |version: &str| Some(version.to_owned());
    let table = [
        (known("1.214"), known("1.214"), Difference::None),
        (known("1.213"), known("1.214"), Difference::None),
        (known("1.214"), known("1.213"), Difference::None),
        (known("1.213"), known("1.213"), Difference::Both),
        (known("1.213"), None, Difference::None),
        (None, None, Difference::None),
        (None, known("1.214"), Difference::None),
        (None, known("1.213"), Difference::Unclear),
    ];
    let about = About::Version("1.214".to_owned());
    for (running, installed, expected) in table {
        let board = changed(|board| {
            board.build.running.version.clone_from(&running);
            board.build.installed.version.clone_from(&installed);
        });
        assert_eq!(difference(&about, &board), expected, "{running:?} {installed:?}");
    }
    let down = changed(|board| {
        board.process = None;
        runs(board, "1.213", "1.213");
        board.build.running = Version::default();
    });
    assert_eq!(difference(&about, &down), Difference::Both);
    assert_eq!(difference(&About::Settled, &down), Difference::None);
}

#[test]
fn why_it_is_not_healthy() {
    let down = |phase, exited: Option<ExitPicture>| {
        changed(|board| {
            board.phase = phase;
            board.last_exit = exited;
        })
    };
    let table = [
        (down(Phase::Absent, None), "not started"),
        (down(Phase::BackingOff, Some(exit())), "down, the last run exited with 1"),
        (down(Phase::Starting, None), "starting"),
        (down(Phase::Stopping, Some(exit())), "stopping"),
    ];
    for (board, expected) in table {
        assert_eq!(words::unhealthy(&board), expected);
    }
    let board = changed(|board| {
        board.checks = vec![
            check("Disk", CheckState::Failing),
            check("Web", CheckState::Unknown),
            check("Database", CheckState::Failing),
        ];
        board.checks[0].role = Role::Info;
    });
    assert_eq!(
        words::unhealthy(&board),
        "Database is Unhealthy",
        "a failure comes before what is not known, info never"
    );
}

#[test]
fn a_reason_is_one_short_line() {
    let board = changed(|board| {
        sick(board);
        board.checks[0].why = Some("x\ny".repeat(1000));
    });
    let Verdict::No { reason, .. } = decide(&wants(&"v".repeat(10_000)), &board, Duration::ZERO) else { panic!() };
    assert!(reason.chars().count() <= 180 && !reason.contains('\n'), "{reason}");
    assert!(reason.contains("; running 1.214, not vvv"), "{reason}");
}
