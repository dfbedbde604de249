//! The functions: `env("NAME")` and `env("NAME", "default")` are evaluated; `env_of_service("NAME")` and `file("PATH")`
//! stay unevaluated, for the checks, which evaluate them at each probe.

use hcl_edit::expr::{Expression, FuncCall};

use super::tree::Value;

/// Looks up a variable of lictor's own environment. Tests pass a table of their own.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value that the call stands for, or what is wrong with it.
pub(crate) fn evaluate(call: &FuncCall, lookup: Lookup<'_>) -> Result<Value, String> {
    let name = call.name.name.as_str();
    match name {
        _ if call.name.is_namespaced() => Err("there is no such function".to_owned()),
        "env" => environment(call, lookup).map(Value::Text),
        "env_of_service" => only_argument(call, "write env_of_service(\"NAME\")").map(Value::OfService),
        "file" => only_argument(call, "write file(\"/path\")").map(Value::InFile),
        _ => Err(format!("there is no function `{name}`: only env(\"NAME\") and env(\"NAME\", \"default\")")),
    }
}

fn only_argument(call: &FuncCall, form: &str) -> Result<String, String> {
    let mut arguments = call.args.iter().map(Expression::as_str);
    match (arguments.next().flatten(), arguments.next()) {
        (Some(text), None) if !text.is_empty() && !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(form.to_owned()),
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
