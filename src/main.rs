//! The `lictor` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    lictor::cli::main(std::env::args_os()).into()
}
