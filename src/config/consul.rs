//! `consul {}`: where Consul is. The environment's `CONSUL_*` variables count where neither file nor flag says more.

mod auth;
mod ssl;
mod timing;

use super::call::Lookup;
use super::place::Place;
use super::section::Section;
use super::{url, value};
use crate::consul::{Connection, Tls};
use crate::secret::Secret;

/// Where the agent of every host is.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8500";

const ADDRESS: &[&str] = &["CONSUL_HTTP_ADDR"];
const TOKEN: &[&str] = &["CONSUL_HTTP_TOKEN", "CONSUL_HTTP_TOKEN_FILE", "CONSUL_TOKEN", "CONSUL_TOKEN_FILE"];
const SSL: &[&str] = &["CONSUL_HTTP_SSL"];

/// What is written, or the defaults; with lictor's environment in between.
pub(crate) fn read(root: &mut Section<'_>, lookup: Lookup<'_>) -> Connection {
    let connection = root.within("consul", |section| block(section, lookup));
    connection.unwrap_or_else(|| {
        let (connection, sentence) = from_environment(Connection::at(DEFAULT_ADDRESS), &[], lookup);
        if let Some(sentence) = sentence {
            root.error(&Place::Environment, sentence);
        }
        connection
    })
}

fn block(section: &mut Section<'_>, lookup: Lookup<'_>) -> Connection {
    let address = section.read("address", value::parsed(address)).flatten();
    let token = section.read("token", value::maybe_text).flatten();
    let token_file = section.read("token_file", value::maybe_text).flatten();
    let namespace = section.read("namespace", value::maybe_text).flatten();
    let auth = auth::read(section);
    let ssl = section.within("ssl", ssl::read);

    // What is written hides the variable that says the same thing; of the rest the variables come first.
    let mut hidden = Vec::new();
    let mut base = Connection::at(DEFAULT_ADDRESS);
    if let Some(address) = address {
        base.address = address;
        hidden.extend(ADDRESS);
    }
    if token.is_some() || token_file.is_some() {
        hidden.extend(TOKEN);
    }
    if let Some(ssl) = &ssl {
        base.tls = ssl.wanted().then(Tls::default);
        hidden.extend(SSL);
    }
    let (mut connection, sentence) = from_environment(base, &hidden, lookup);
    if let Some(sentence) = sentence {
        section.error(&Place::Environment, sentence);
    }
    connection.token = token.map(Secret::from).or(connection.token);
    connection.token_file = token_file.map(Into::into).or(connection.token_file);
    connection.namespace = namespace.or(connection.namespace);
    if let Some(auth) = auth {
        connection.auth = auth;
    }
    if let Some(ssl) = ssl {
        ssl.put_over(&mut connection);
    }
    section.within("retry", |section| timing::retry(section, &mut connection.retry));
    section.within("transport", |section| timing::transport(section, &mut connection.transport));
    connection
}

fn from_environment(base: Connection, hidden: &[&str], lookup: Lookup<'_>) -> (Connection, Option<String>) {
    let shown = |name: &str| lookup(name).filter(|_| !hidden.contains(&name));
    match Connection::from_env(base.clone(), &shown) {
        Ok(connection) => (connection, None),
        Err(error) => (base, Some(error.to_string())),
    }
}

/// What the client would refuse is refused here, with its place. Empty text is no address.
fn address(text: &str) -> Result<Option<String>, &'static str> {
    const EXPECTED: &str = "expected host:port, http://..., https://... or unix:///path";
    let text = text.trim();
    let rest = match text.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some(("unix", path)) if path.starts_with('/') => path,
        Some(_) => return Err(EXPECTED),
        None => text,
    };
    if text.is_empty() {
        return Ok(None);
    }
    if rest.contains('@') {
        return Err("user and password belong in consul.auth, not in the address");
    }
    let fine =
        text.starts_with("unix://") || url::http(&format!("http://{rest}")).is_ok() && !rest.contains(['?', '#', ' ']);
    if fine { Ok(Some(text.to_owned())) } else { Err(EXPECTED) }
}
