//! The shared files: `~/.aws/credentials` and `~/.aws/config`, under the name in `AWS_PROFILE`; and the command that a
//! profile may name as its `credential_process`. It runs as the service does, since the service's own files name it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{Chain, Keys, Origin, assumed, handed_out};
use crate::check::net::file::{FileName, Rights};
use crate::machine::event::Exit;
use crate::service::errand::{self, Errand};

/// Larger than any such file. In bytes.
const LIMIT: u64 = 256 * 1024;

/// A `credential_process` ends by then: the probe ends before.
const LONGEST: Duration = Duration::from_mins(1);

/// More roles than anybody chains.
const DEEPEST: usize = 5;

/// What is not supported here; that it is there must not go unnoticed.
const UNSUPPORTED: [&str; 5] = ["sso_session", "sso_start_url", "sso_account_id", "login_session", "credential_source"];

/// The words of one profile, in lower case.
type Words = BTreeMap<String, String>;

/// Both files.
struct Shared {
    credentials: String,
    config: String,
}

/// The keys under the name that is asked for. A file that is not there has none.
pub(super) async fn find(chain: &Chain<'_>) -> Result<Option<Keys>, String> {
    let named = chain.variables.get("AWS_PROFILE").or_else(|| chain.variables.get("AWS_DEFAULT_PROFILE"));
    let name = named.unwrap_or("default");
    let shared = Shared {
        credentials: read(chain, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials").await?,
        config: read(chain, "AWS_CONFIG_FILE", ".aws/config").await?,
    };
    match (shared.profile(name), named) {
        (Some(words), _) => resolve(chain, &shared, name, words, &mut Vec::new()).await,
        (None, Some(_)) => Err(format!("there is no profile {name:?} in the shared files of AWS")),
        (None, None) => Ok(None),
    }
}

async fn read(chain: &Chain<'_>, variable: &str, default: &str) -> Result<String, String> {
    let home = || Some(FileName::new(format!("{}/{default}", chain.variables.get("HOME")?), Rights::Service));
    let Some(file) = chain.variables.file(variable).or_else(home) else { return Ok(String::new()) };
    let text = chain.access.files.read_if_there("the file of profiles", &file, LIMIT).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The keys of one profile, in the order of the SDK: a role that is assumed, keys, a process.
async fn resolve(
    chain: &Chain<'_>,
    shared: &Shared,
    name: &str,
    words: Words,
    seen: &mut Vec<String>,
) -> Result<Option<Keys>, String> {
    let word = |word: &str| words.get(word).map(String::as_str);
    if let Some(role) = word("role_arn") {
        if let Some(file) = word("web_identity_token_file") {
            let file = FileName::new(file, Rights::Service);
            return assumed::by_token(chain, role, word("role_session_name"), &file).await.map(Some);
        }
        if word("mfa_serial").is_some() {
            return Err(format!(
                "the profile {name:?} asks for a code of a device (mfa_serial), which a check cannot enter"
            ));
        }
        let base = Box::pin(base(chain, shared, name, &words, seen)).await?;
        return assumed::role(chain, role, &words, &base).await.map(Some);
    }
    if let Some(keys) = keys(name, &words)? {
        return Ok(Some(keys));
    }
    if word("web_identity_token_file").is_some() {
        return Err(format!("the profile {name:?} has a web_identity_token_file, but no role_arn"));
    }
    if let Some(word) = UNSUPPORTED.into_iter().find(|word| words.contains_key(*word)) {
        return Err(format!(
            "the profile {name:?} has {word}, which lictor does not support: give the check other keys"
        ));
    }
    match word("credential_process") {
        Some(command) => run(chain, name, command).await.map(Some),
        None => Ok(None),
    }
}

/// The keys that a role is assumed with.
async fn base(
    chain: &Chain<'_>,
    shared: &Shared,
    name: &str,
    words: &Words,
    seen: &mut Vec<String>,
) -> Result<Keys, String> {
    let none = |from: &str| format!("the profile {name:?} assumes a role with the keys of {from}, which has none");
    match (words.get("source_profile"), words.get("credential_source").map(String::as_str)) {
        (Some(_), Some(_)) => {
            Err(format!("the profile {name:?} has source_profile and credential_source: leave one out"))
        }
        (Some(source), None) if source == name => keys(name, words)?.ok_or_else(|| none("itself")),
        (Some(source), None) => {
            seen.push(name.to_owned());
            if seen.contains(source) || seen.len() > DEEPEST {
                return Err(format!("the profiles from {name:?} on name each other as source_profile"));
            }
            let from = format!("the profile {source:?}");
            let words = shared.profile(source).ok_or_else(|| none(&from))?;
            resolve(chain, shared, source, words, seen).await?.ok_or_else(|| none(&from))
        }
        (None, Some("Environment")) => chain.variables.keys()?.ok_or_else(|| none("the environment")),
        (None, Some("EcsContainer")) => handed_out::of_container(chain).await?.ok_or_else(|| none("the container")),
        (None, Some("Ec2InstanceMetadata")) => {
            handed_out::of_instance(chain).await?.ok_or_else(|| none("the instance"))
        }
        (None, Some(_)) => {
            Err(format!("the profile {name:?} has a credential_source that is not one of AWS's: write source_profile"))
        }
        (None, None) => handed_out::of_this_host(chain).await?.ok_or_else(|| none("this host")),
    }
}

/// Both keys of a profile, if it has any.
fn keys(name: &str, words: &Words) -> Result<Option<Keys>, String> {
    match (words.get("aws_access_key_id"), words.get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some(Keys {
            id: id.clone(),
            secret: secret.as_str().into(),
            token: words.get("aws_session_token").map(|token| token.as_str().into()),
            expires: None,
            origin: Origin::Profile(name.to_owned()),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(format!("the profile {name:?} has aws_access_key_id, but not aws_secret_access_key")),
        (None, Some(_)) => Err(format!("the profile {name:?} has aws_secret_access_key, but not aws_access_key_id")),
    }
}

impl Shared {
    /// The words of a profile, of both files: those of the credentials win, but keys are never of two files.
    fn profile(&self, name: &str) -> Option<Words> {
        let with_word = format!("profile {name}");
        let config = section(&self.config, |head| head == with_word);
        let bare = || section(&self.config, |head| head == "default" && name == "default");
        let (config, credentials) = (config.or_else(bare), section(&self.credentials, |head| head == name));
        if config.is_none() && credentials.is_none() {
            return None;
        }
        let mut words = config.unwrap_or_default();
        let credentials = credentials.unwrap_or_default();
        if credentials.keys().any(|word| KEYS.contains(&word.as_str())) {
            words.retain(|word, _| !KEYS.contains(&word.as_str()));
        }
        words.extend(credentials);
        Some(words)
    }
}

const KEYS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// The words of all sections with such a head, the later ones over the earlier ones.
fn section(text: &str, is_it: impl Fn(&str) -> bool) -> Option<Words> {
    let (mut inside, mut words) = (false, None::<Words>);
    for line in text.lines() {
        // What is indented belongs to a word that has words of its own.
        let plain = line.trim_end();
        if plain.is_empty() || plain.starts_with(['#', ';', ' ', '\t']) {
            continue;
        }
        if let Some(head) = plain.strip_prefix('[') {
            let head = head.split_once(']').map(|(head, _)| head.split_whitespace().collect::<Vec<_>>().join(" "));
            inside = head.is_some_and(|head| is_it(&head));
            if inside {
                words.get_or_insert_default();
            }
        } else if let (true, Some((word, value)), Some(words)) = (inside, plain.split_once('='), &mut words) {
            let ends = [" #", " ;", "\t#", "\t;"].iter().filter_map(|end| value.find(end)).min();
            let value = value[..ends.unwrap_or(value.len())].trim();
            if !value.is_empty() {
                words.insert(word.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }
    words
}

/// What a `credential_process` writes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// The keys that the command of this profile writes.
async fn run(chain: &Chain<'_>, profile: &str, command: &str) -> Result<Keys, String> {
    let failed = |why: &str| format!("the credential_process of the profile {profile:?} {why}");
    let key = format!("process {profile} {command}");
    chain
        .kept
        .or(&key, async || {
            let ready = chain.around.ready(chain.access).await?;
            let errand = Errand {
                program: "/bin/sh".into(),
                arguments: vec!["-c".to_owned(), command.to_owned()],
                environment: ready.environment().to_vec(),
                directory: chain.around.directory.clone(),
                user: chain.around.user.clone(),
                timeout: LONGEST,
            };
            let finished =
                errand::run(errand, &chain.around.own_children).await.map_err(|_| failed("cannot be run"))?;
            match finished.exit {
                Some(Exit::Code(0)) => {}
                Some(Exit::Code(code)) => return Err(failed(&format!("exited with {code}"))),
                _ => return Err(failed("was killed, or did not end in time")),
            }
            // What it has written to stderr may stand around it.
            let output = String::from_utf8_lossy(&finished.output);
            let json = output.find('{').zip(output.rfind('}')).filter(|(from, to)| from < to);
            let json = json.map(|(from, to)| &output[from..=to]).unwrap_or_default();
            written(json, profile).map_err(failed)
        })
        .await
}

fn written(json: &str, profile: &str) -> Result<Keys, &'static str> {
    let written: Written = serde_json::from_str(json).map_err(|_| "does not write keys as AWS has them")?;
    if written.version != 1 {
        return Err("writes keys of a version that is not 1");
    }
    let expires = written.expiration.map(|text| humantime::parse_rfc3339(&text)).transpose();
    Ok(Keys {
        id: written.access_key_id,
        secret: written.secret_access_key.into(),
        token: written.session_token.map(Into::into),
        expires: expires.map_err(|_| "writes an end that is not a time")?,
        origin: Origin::Process(profile.to_owned()),
    })
}
