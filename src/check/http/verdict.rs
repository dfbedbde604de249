//! Whether an answer is as it should be. Pure.

use serde_json::Value;

use crate::check::{Field, Http, Scalar};

/// What must be known of a body before it can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// That it arrives.
    Arrival,
    /// What it says.
    Content,
}

impl Interest {
    pub(super) fn of(http: &Http) -> Self {
        let content = http.contains.is_some() || http.pattern.is_some() || http.json.is_some();
        if content { Self::Content } else { Self::Arrival }
    }
}

/// What is wrong with the body, if anything is. It tells what was expected, never what was found: that is not ours to show.
pub(super) fn fault(http: &Http, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    if let Some(wanted) = &http.contains
        && !text.contains(wanted.as_str())
    {
        return Some(format!("its body does not contain {wanted:?}"));
    }
    if http.pattern.as_ref().is_some_and(|pattern| !pattern.is_in(&text)) {
        return Some("its body does not match `pattern`".to_owned());
    }
    http.json.as_ref().and_then(|field| fault_of_field(field, body))
}

fn fault_of_field(field: &Field, body: &[u8]) -> Option<String> {
    let Ok(document) = serde_json::from_slice::<Value>(body) else { return Some("its body is no JSON".to_owned()) };
    let path = &field.path;
    let Some(found) = document.pointer(&pointer(path)) else { return Some(format!("its JSON has no field {path}")) };
    match &field.equals {
        None => match found {
            Value::Null => Some(format!("its field {path} is null")),
            Value::Bool(false) => Some(format!("its field {path} is false")),
            _ => None,
        },
        Some(wanted) => (!is(found, wanted)).then(|| format!("its field {path} is not {wanted}")),
    }
}

fn is(found: &Value, wanted: &Scalar) -> bool {
    match (found, wanted) {
        (Value::String(found), Scalar::Text(wanted)) => found == wanted,
        (Value::Bool(found), Scalar::Bool(wanted)) => found == wanted,
        #[expect(clippy::cast_precision_loss, reason = "1.0 is 1 in JSON")]
        (Value::Number(found), Scalar::Integer(wanted)) => {
            found.as_i64() == Some(*wanted) || found.as_f64() == Some(*wanted as f64)
        }
        _ => false,
    }
}

/// `a.0.b` as a JSON pointer; what is one already stays as it is.
fn pointer(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    path.split('.').flat_map(|part| ["/".to_owned(), part.replace('~', "~0").replace('/', "~1")]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Interest, fault};
    use crate::check::{Expression, Field, Http, Scalar};

    fn http() -> Http {
        Http::get("http://h/")
    }

    fn field(path: &str, equals: Option<Scalar>) -> Http {
        Http { json: Some(Field { path: path.to_owned(), equals }), ..http() }
    }

    #[test]
    fn text_and_patterns() {
        assert_eq!(Interest::of(&http()), Interest::Arrival);
        let wants = Http { contains: Some("ready".to_owned()), ..http() };
        assert_eq!(Interest::of(&wants), Interest::Content);
        assert_eq!(fault(&wants, b"all ready"), None);
        assert_eq!(fault(&wants, b"\xff hunter2").as_deref(), Some("its body does not contain \"ready\""));
        let wants = Http { pattern: Some(Expression::parse("^v[0-9]+$").unwrap()), ..http() };
        assert_eq!(fault(&wants, b"v7"), None);
        assert_eq!(fault(&wants, b"hunter2").as_deref(), Some("its body does not match `pattern`"));
    }

    #[test]
    fn fields_of_json() {
        let text = |text: &str| Some(Scalar::Text(text.to_owned()));
        let body = br#"{"db":{"state":"up","replicas":[3,1.0],"a/b":null},"ok":true,"no":false}"#;
        for (path, equals) in [
            ("db.state", text("up")),
            ("/db/state", text("up")),
            ("db.replicas.0", Some(Scalar::Integer(3))),
            ("db.replicas.1", Some(Scalar::Integer(1))),
            ("ok", Some(Scalar::Bool(true))),
            ("ok", None),
            ("db", None),
        ] {
            assert_eq!(fault(&field(path, equals.clone()), body), None, "{path} {equals:?}");
        }
        for (path, equals, said) in [
            ("db.state", text("down"), "its field db.state is not \"down\""),
            ("ok", text("true"), "its field ok is not true".replace("true", "\"true\"").as_str()),
            ("db.a/b", None, "its field db.a/b is null"),
            ("no", None, "its field no is false"),
            ("db.x", None, "its JSON has no field db.x"),
        ] {
            assert_eq!(fault(&field(path, equals), body).as_deref(), Some(said));
        }
        for broken in [&b"{"[..], b"", b"hunter2", &[b'['; 10_000]] {
            assert_eq!(fault(&field("x", None), broken).as_deref(), Some("its body is no JSON"));
        }
    }
}
