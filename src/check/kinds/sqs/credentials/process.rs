//! `credential_process`: a command of a profile that writes keys. It runs as the service does, since the service's own
//! files name it.

use std::time::Duration;

use serde::Deserialize;

use super::{Chain, Keys, Origin};
use crate::machine::event::Exit;
use crate::service::errand::{self, Errand};

/// The probe ends before.
const LONGEST: Duration = Duration::from_mins(1);

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
pub(super) async fn run(chain: &Chain<'_>, profile: &str, command: &str) -> Result<Keys, String> {
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
            keys(json, profile).map_err(failed)
        })
        .await
}

fn keys(json: &str, profile: &str) -> Result<Keys, &'static str> {
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
