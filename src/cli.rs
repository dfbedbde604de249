//! What people type: one file a subcommand.

pub mod args;
pub mod buildinfo;
mod check;
mod client;
mod configuration;
mod doctor;
mod env;
mod fleet;
mod follow;
mod help;
mod history;
mod init;
mod locate;
mod page;
mod paint;
mod plan;
mod promote;
mod run;
mod status;
mod stdout;
mod validate;
mod verb;

#[cfg(test)]
mod served;

use std::ffi::OsString;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use args::{Ended, Stream, Verb};
use follow::Follow;
use locate::Target;
use paint::{Form, Paint};
use stdout::Stdout;

use crate::app;
use crate::chain::sentence;
use crate::exit;

/// Carries out the command line; returns the exit code.
pub fn main(line: impl IntoIterator<Item = OsString>) -> u8 {
    // A bug in the loop ends lictor; the service goes on, and the next lictor takes it over.
    ends(|| answer(line))
}

/// The exit code, also after a panic, whose place the hook has printed.
fn ends(work: impl FnOnce() -> u8) -> u8 {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(exit::BUG)
}

fn answer(line: impl IntoIterator<Item = OsString>) -> u8 {
    match args::parse(line) {
        Ok(cli) => perform(cli.verb),
        Err(Ended { text, code, stream: Stream::Stdout }) => print_answer(&text, code),
        Err(Ended { text, code, stream: Stream::Stderr }) => print_error(&text, code),
    }
}

fn perform(verb: Verb) -> u8 {
    let (mut out, mut err) = (Stdout::default(), std::io::stderr());
    let code = match verb {
        Verb::Run(options) => return run::run(&options),
        Verb::Status(options) => asked(async {
            let follow = if options.watch { Follow::On } else { Follow::Once };
            let options = follow::Options { target: Target::of(options.target), form: screen(options.json), follow };
            status::run(&options, &mut out, &mut err).await
        }),
        Verb::Validate(options) => {
            // The exit code is the answer: a log that cannot be written does not undo a deployment.
            return asked(async {
                let deployment = validate::of_environment(|name| std::env::var(name).ok());
                let (version, timeout) = (options.version, options.timeout);
                let options = validate::Options { target: Target::of(options.target), version, timeout, deployment };
                validate::run(&options, &mut out).await
            });
        }
        Verb::Plan(options) => asked(async {
            let code = if options.exit_code { plan::Code::Changes } else { plan::Code::Plain };
            let (target, configuration) = (Target::of(options.target()), options.configuration.configuration());
            let follow = if options.watch { Follow::On } else { Follow::Once };
            let options = plan::Options { target, configuration, form: form(options.json), code, follow };
            plan::run(&options, &mut out, &mut err).await
        }),
        Verb::Check(options) if options.sources => {
            return asked(async { print_check(&check::with_sources(&options.configuration()).await) });
        }
        Verb::Check(options) => return print_check(&check::check(&options.configuration())),
        Verb::Doctor(options) => {
            let configuration = options.configuration();
            let options = doctor::Options { configuration, unit: options.unit, paint: Paint::for_stdout() };
            asked(async { doctor::run(&options, &mut out, &mut err).await })
        }
        Verb::Init(options) => {
            match init::written(&options.configuration.configuration(), &|name| std::env::var(name).ok()) {
                Ok(text) => return print_answer(text.trim_end_matches('\n'), exit::OK),
                Err(lacking) => print_error(&format!("lictor: {lacking}"), exit::USAGE),
            }
        }
        Verb::Help(options) => match help::page(&options.topic) {
            Ok(text) => return print_answer(text.trim_end_matches('\n'), exit::OK),
            Err(unknown) => print_error(&format!("lictor: {unknown}"), exit::USAGE),
        },
        Verb::Env(options) => asked(async {
            let subject = if options.diff { env::Subject::Difference } else { env::Subject::Running };
            env::run(&Target::of(options.target), subject, screen(options.json), &mut out, &mut err).await
        }),
        Verb::History(options) => asked(async {
            let follow = if options.follow { Follow::On } else { Follow::Once };
            let selection = history::Selection { most: options.number, since: options.since };
            let options = follow::Options { target: Target::of(options.target), form: screen(options.json), follow };
            history::run(&options, selection, &mut out, &mut err).await
        }),
        Verb::Hold(_)
        | Verb::Unhold(_)
        | Verb::Release(_)
        | Verb::Retry(_)
        | Verb::Revert(_)
        | Verb::Restart(_)
        | Verb::Reload(_)
        | Verb::Reexec(_)
        | Verb::Signal(_) => asked(async {
            match verb::Request::of(&verb) {
                Some(request) => verb::run(request, &mut out, &mut err).await,
                None => exit::USAGE,
            }
        }),
        Verb::Fleet(options) if options.serve.is_some() => {
            asked(async { page::run(&options, &mut out, &mut err).await })
        }
        Verb::Fleet(options) => asked(async { fleet::run(&options, &mut out, &mut err).await }),
        Verb::Promote(options) => asked(async { promote::run(&options, &mut out, &mut err).await }),
        Verb::AfterStop(options) => asked(async {
            let part = if options.guard { app::Part::Guard } else { app::Part::Decide };
            let stopped = app::Stopped::of_environment(options.unit, |name| std::env::var_os(name));
            match app::after_stop(stopped, part).await {
                Some(text) => print_error(&text, exit::OK),
                None => exit::OK,
            }
        }),
        Verb::Buildinfo(options) => {
            let format = if options.json { buildinfo::Format::Json } else { buildinfo::Format::Text };
            match buildinfo::run(&options.file, "main.version", format) {
                Ok(text) => return print_answer(text.trim_end_matches('\n'), exit::OK),
                Err(error) => print_error(&format!("lictor: {}", sentence(&error)), exit::NO),
            }
        }
    };
    out.ended(code)
}

/// For tables, whose lines have to fit into a terminal.
fn screen(json: bool) -> Form {
    if json { Form::Json } else { Form::Text(Paint::for_screen()) }
}

fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Text(Paint::for_stdout()) }
}

/// Runs a question to a running lictor.
fn asked(question: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(question),
        Err(error) => print_error(&format!("lictor: cannot start: {error}"), exit::BUG),
    }
}

/// Prints an answer to standard output.
fn print_answer(text: &str, code: u8) -> u8 {
    let mut out = Stdout::default();
    let _ = writeln!(out, "{text}");
    out.ended(code)
}

/// A configuration in order goes to standard output, errors to standard error.
fn print_check(answer: &check::Answer) -> u8 {
    match answer.code {
        exit::OK => print_answer(&answer.text, exit::OK),
        code => print_error(&answer.text, code),
    }
}

/// Prints to standard error why the question could not be answered.
fn print_error(text: &str, code: u8) -> u8 {
    let _ = writeln!(std::io::stderr(), "{text}");
    code
}

#[cfg(test)]
mod tests {
    use super::ends;
    use crate::exit;

    #[test]
    fn a_bug_ends_with_70() {
        assert_eq!(ends(|| panic!("on purpose")), exit::BUG);
        assert_eq!(ends(|| exit::NO), exit::NO);
    }
}
