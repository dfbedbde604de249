//! The shared files: `~/.aws/credentials`, then `~/.aws/config`, under the name in `AWS_PROFILE`.

use std::path::PathBuf;

use super::{Keys, Origin, Variables};
use crate::check::file;

/// Larger than any such file. In bytes.
const LIMIT: u64 = 256 * 1024;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `[name]`.
    Credentials,
    /// `[profile name]`, but `[default]`.
    Config,
}

/// The keys under the name that is asked for. A file that is not there has none.
pub(super) async fn find(variables: &Variables<'_>) -> Result<Option<Keys>, String> {
    let name = variables.get("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let home = variables.get("HOME").map(PathBuf::from);
    let place = |variable: &str, default: &str| {
        variables.get(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(default)))
    };
    let files = [
        (Form::Credentials, place("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")),
        (Form::Config, place("AWS_CONFIG_FILE", ".aws/config")),
    ];
    for (form, path) in files {
        let Some(path) = path else { continue };
        if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
            continue;
        }
        let text = file::read("the file of profiles", &path, LIMIT).await?;
        if let Some(keys) = keys(&String::from_utf8_lossy(&text), &name, form) {
            return Ok(Some(keys));
        }
    }
    Ok(None)
}

/// The keys in one file.
fn keys(text: &str, name: &str, form: Form) -> Option<Keys> {
    let (mut id, mut secret, mut token) = (None, None, None);
    for (word, value) in section(text, name, form) {
        match word {
            "aws_access_key_id" => id = Some(value.to_owned()),
            "aws_secret_access_key" => secret = Some(value.into()),
            "aws_session_token" => token = Some(value.into()),
            _ => {}
        }
    }
    Some(Keys { id: id?, secret: secret?, token, expires: None, origin: Origin::Profile(name.to_owned()) })
}

/// The words of one section with their values.
fn section<'a>(text: &'a str, name: &'a str, form: Form) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut inside = false;
    text.lines().filter_map(move |line| {
        // What is indented belongs to a word that has words of its own.
        let plain = line.trim_end();
        if plain.starts_with(['#', ';']) || plain.starts_with([' ', '\t']) {
            return None;
        }
        if let Some(head) = plain.strip_prefix('[') {
            let head = head.split(']').next().unwrap_or_default().trim();
            inside = match (form, head.strip_prefix("profile ")) {
                (Form::Config, Some(rest)) => rest.trim() == name,
                (Form::Config, None) => head == "default" && name == "default",
                (Form::Credentials, _) => head == name,
            };
            return None;
        }
        let (word, value) = plain.split_once('=').filter(|_| inside)?;
        let value = value.split(" #").next().unwrap_or_default().trim();
        (!value.is_empty()).then_some((word.trim(), value))
    })
}

#[cfg(test)]
mod tests {
    use super::{Form, keys};

    const TEXT: &str = "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=S3cr=t\n\n[ other ]\r\n\
                        aws_access_key_id=B # old\r\naws_secret_access_key = T\r\naws_session_token = U\r\n\
                        [half]\naws_access_key_id = C\n[profile p]\naws_access_key_id=P\naws_secret_access_key=Q\n\
                        s3 =\n  aws_access_key_id = NO\n";

    #[test]
    fn sections_of_both_files() {
        let of = |name: &str, form| keys(TEXT, name, form).map(|keys| (keys.id, keys.secret, keys.token));
        assert_eq!(of("default", Form::Credentials), Some(("A".to_owned(), "S3cr=t".into(), None)));
        assert_eq!(of("other", Form::Credentials), Some(("B".to_owned(), "T".into(), Some("U".into()))));
        assert_eq!(of("half", Form::Credentials), None);
        assert_eq!(of("p", Form::Credentials), None);
        assert_eq!(of("p", Form::Config), Some(("P".to_owned(), "Q".into(), None)));
        assert_eq!(of("default", Form::Config), Some(("A".to_owned(), "S3cr=t".into(), None)));
        assert_eq!(of("other", Form::Config), None);
    }

    #[test]
    fn nonsense_has_no_keys() {
        for text in ["", "[", "]", "[default", "aws_access_key_id = A\naws_secret_access_key = S", "[default]\n=\n==\n"]
        {
            assert!(keys(text, "default", Form::Credentials).is_none(), "{text}");
        }
    }
}
