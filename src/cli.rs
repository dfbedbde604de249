//! What people type: one file a subcommand.

pub mod args;
pub mod buildinfo;
pub mod check;
pub mod client;
pub mod env;
pub mod history;
pub mod locate;
pub mod paint;
pub mod plan;
pub mod run;
pub mod status;
pub mod validate;
pub mod verb;

#[cfg(test)]
mod served;

use std::ffi::OsString;
use std::io::Write;

use args::{Ended, Stream, Verb};
use locate::Target;

use crate::chain::sentence;

/// Does what the command line asks; returns what the program ends with.
pub fn main(line: impl IntoIterator<Item = OsString>) -> u8 {
    match args::parse(line) {
        Ok(cli) => perform(cli.verb),
        Err(Ended { text, code, stream: Stream::Stdout }) => said(&text, code),
        Err(Ended { text, code, stream: Stream::Stderr }) => complained(&text, code),
    }
}

fn perform(verb: Verb) -> u8 {
    match verb {
        Verb::Run(options) => run::run(&options),
        Verb::Status(options) => asked(async {
            let form = if options.json { status::Form::Json } else { status::Form::Text(paint::Paint::for_stdout()) };
            let follow = if options.watch { status::Follow::Watch } else { status::Follow::Once };
            let target = Target::new(options.target.socket, options.target.name);
            let options = status::Options { target, form, follow };
            status::run(&options, &mut std::io::stdout(), &mut std::io::stderr()).await
        }),
        Verb::Validate(options) => asked(async {
            let target = Target::new(options.target.socket, options.target.name);
            let deployment = validate::of_environment(|name| std::env::var(name).ok());
            let (version, timeout) = (options.version, options.timeout);
            let options = validate::Options { target, version, timeout, deployment };
            validate::run(&options, &mut std::io::stdout()).await
        }),
        Verb::Plan(options) => asked(async {
            let form = if options.json { plan::Form::Json } else { plan::Form::Text(paint::Paint::for_stdout()) };
            let code = if options.exit_code { plan::Code::Changes } else { plan::Code::Plain };
            let target = Target::new(options.target.socket, options.target.name);
            let options = plan::Options { target, config: options.config, form, code };
            plan::run(&options, &mut std::io::stdout(), &mut std::io::stderr()).await
        }),
        Verb::Check(options) => {
            let answer = check::check(&options.config, &|name| std::env::var(name).ok());
            if answer.code == 0 { said(&answer.text, 0) } else { complained(&answer.text, answer.code) }
        }
        Verb::Env(options) => asked(async {
            let target = Target::new(options.target.socket, options.target.name);
            let subject = if options.diff { env::Subject::Difference } else { env::Subject::Running };
            let paint = paint::Paint::for_stdout();
            env::run(&target, subject, paint, &mut std::io::stdout(), &mut std::io::stderr()).await
        }),
        Verb::History(options) => asked(async {
            let form = if options.json { history::Form::Json } else { history::Form::Text(paint::Paint::for_stdout()) };
            let follow = if options.follow { history::Follow::On } else { history::Follow::Once };
            let target = Target::new(options.target.socket, options.target.name);
            let options = history::Options { target, form, follow };
            history::run(&options, &mut std::io::stdout(), &mut std::io::stderr()).await
        }),
        Verb::Hold(_)
        | Verb::Unhold(_)
        | Verb::Release(_)
        | Verb::Retry(_)
        | Verb::Revert(_)
        | Verb::Restart(_)
        | Verb::Reload(_)
        | Verb::Signal(_) => asked(async {
            match verb::Request::of(&verb) {
                Some(request) => verb::run(request, &mut std::io::stdout(), &mut std::io::stderr()).await,
                None => client::USAGE,
            }
        }),
        Verb::Buildinfo(options) => {
            let format = if options.json { buildinfo::Format::Json } else { buildinfo::Format::Text };
            match buildinfo::run(&options.file, "main.version", format) {
                Ok(text) => said(text.trim_end_matches('\n'), 0),
                Err(error) => complained(&format!("lictor: {}", sentence(&error)), 1),
            }
        }
    }
}

/// Runs a question to a running lictor.
fn asked(question: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(question),
        Err(error) => complained(&format!("lictor: cannot start: {error}"), 70),
    }
}

/// A reader that has gone away (`lictor status | head -1`) is no failure.
fn said(text: &str, code: u8) -> u8 {
    let _ = writeln!(std::io::stdout(), "{text}");
    code
}

fn complained(text: &str, code: u8) -> u8 {
    let _ = writeln!(std::io::stderr(), "{text}");
    code
}
