//! Booleans as Go's flags have them: `--upcase`, `--upcase=false`, never `--upcase false`.

use clap::{Arg, ArgAction};

/// Makes a switch of an argument.
pub(super) fn switch(arg: Arg) -> Arg {
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .hide_possible_values(true)
        .value_name("BOOL")
        .value_parser(parse)
}

/// As Go's `strconv.ParseBool`.
pub(super) fn parse(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("write true or false"),
    }
}
