//! `env("NAME")` and `env("NAME", "default")`: the one function that is evaluated.

use hcl_edit::expr::{Expression, FuncCall};

/// How lictor's own environment is asked. Tests hand in a table of their own.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The text that the call stands for, or what is wrong with it.
pub(crate) fn evaluate(call: &FuncCall, lookup: Lookup<'_>) -> Result<String, String> {
    let name = call.name.name.as_str();
    match name {
        _ if call.name.is_namespaced() => Err("there is no such function".to_owned()),
        "env" => environment(call, lookup),
        "env_of_service" | "file" => Err(format!("`{name}(...)` is not supported here")),
        _ => Err(format!("there is no function `{name}`: only env(\"NAME\") and env(\"NAME\", \"default\")")),
    }
}

fn environment(call: &FuncCall, lookup: Lookup<'_>) -> Result<String, String> {
    let arguments: Option<Vec<&str>> = call.args.iter().map(Expression::as_str).collect();
    let (name, default) = match arguments.as_deref() {
        Some([name]) => (*name, None),
        Some([name, default]) => (*name, Some(*default)),
        _ => return Err("write env(\"NAME\") or env(\"NAME\", \"default\")".to_owned()),
    };
    lookup(name).or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        format!("the environment variable {name:?} is not set: set it, or write env({name:?}, \"default\")")
    })
}
