//! The `CONSUL_*` variables, read as Consul's own Go client reads them, and envconsul's two for the token.

use super::address::is_https;
use super::error::Error;
use super::{Connection, Tls};
use crate::secret::Secret;

impl Connection {
    /// This connection, changed by what the environment says; a variable that is empty counts as not set.
    ///
    /// The TLS variables count once TLS is asked for: by `base.tls`, by `CONSUL_HTTP_SSL` or by an `https` address. To
    /// let a file's address win, put it in `base` and let `lookup` answer `None` for `CONSUL_HTTP_ADDR`.
    ///
    /// # Errors
    /// A value that is not a boolean; a client's certificate without key, or the reverse.
    pub fn from_env(mut base: Self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let read = |name: &str| lookup(name).filter(|value| !value.is_empty());
        if let Some(address) = read("CONSUL_HTTP_ADDR") {
            base.address = address;
        }
        // envconsul reads its own older names first.
        let either = |old: &str, new: &str| read(old).or_else(|| read(new));
        if let Some(token) = either("CONSUL_TOKEN", "CONSUL_HTTP_TOKEN") {
            base.token = Some(Secret::from(token.trim()));
        }
        if let Some(path) = either("CONSUL_TOKEN_FILE", "CONSUL_HTTP_TOKEN_FILE") {
            base.token_file = Some(path.into());
        }
        if let Some(auth) = read("CONSUL_HTTP_AUTH") {
            base.auth = Some(match auth.split_once(':') {
                Some((user, password)) => (user.to_owned(), Some(Secret::from(password))),
                None => (auth, None),
            });
        }
        base.namespace = read("CONSUL_NAMESPACE").or(base.namespace);
        base.partition = read("CONSUL_PARTITION").or(base.partition);

        let asked = boolean("CONSUL_HTTP_SSL", &read)? == Some(true) || is_https(&base.address);
        let tls = tls_from_env(base.tls.clone().unwrap_or_default(), &read)?;
        if asked || base.tls.is_some() {
            base.tls = Some(tls);
        }
        Ok(base)
    }
}

fn tls_from_env(mut tls: Tls, read: &dyn Fn(&str) -> Option<String>) -> Result<Tls, Error> {
    const CERT: &str = "CONSUL_CLIENT_CERT";
    const KEY: &str = "CONSUL_CLIENT_KEY";
    if boolean("CONSUL_HTTP_SSL_VERIFY", read)? == Some(false) {
        tls.verify = false;
    }
    tls.ca_cert = read("CONSUL_CACERT").map(Into::into).or(tls.ca_cert);
    tls.ca_path = read("CONSUL_CAPATH").map(Into::into).or(tls.ca_path);
    tls.server_name = read("CONSUL_TLS_SERVER_NAME").or(tls.server_name);
    match (read(CERT), read(KEY)) {
        (Some(cert), Some(key)) => {
            tls.cert = Some(cert.into());
            tls.key = Some(key.into());
        }
        (Some(_), None) => return Err(Error::HalfAPair { given: CERT, missing: KEY }),
        (None, Some(_)) => return Err(Error::HalfAPair { given: KEY, missing: CERT }),
        (None, None) => {}
    }
    Ok(tls)
}

/// A boolean as Go's `strconv.ParseBool` reads it.
fn boolean(name: &'static str, read: &dyn Fn(&str) -> Option<String>) -> Result<Option<bool>, Error> {
    read(name)
        .map(|value| match value.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(Error::NotABoolean { name }),
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Connection, Error> {
        Connection::from_env(Connection::at("127.0.0.1:8500"), &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_changes_nothing() {
        assert_eq!(read(&[]).unwrap(), Connection::at("127.0.0.1:8500"));
        assert_eq!(read(&[("CONSUL_HTTP_ADDR", ""), ("CONSUL_CACERT", "")]).unwrap(), Connection::at("127.0.0.1:8500"));
    }

    #[test]
    fn envconsul_s_own_names_of_the_token_come_first() {
        let connection = read(&[("CONSUL_HTTP_TOKEN", "new"), ("CONSUL_TOKEN", "old"), ("CONSUL_TOKEN_FILE", "/t")]);
        let connection = connection.unwrap();
        assert_eq!((connection.token, connection.token_file), (Some("old".into()), Some("/t".into())));
    }

    #[test]
    fn all_of_them() {
        let connection = read(&[
            ("CONSUL_HTTP_ADDR", "10.0.0.1:8501"),
            ("CONSUL_HTTP_TOKEN", " secret\n"),
            ("CONSUL_HTTP_TOKEN_FILE", "/etc/token"),
            ("CONSUL_HTTP_AUTH", "user:pass:word"),
            ("CONSUL_HTTP_SSL", "T"),
            ("CONSUL_HTTP_SSL_VERIFY", "0"),
            ("CONSUL_CACERT", "/ca.pem"),
            ("CONSUL_CAPATH", "/ca"),
            ("CONSUL_CLIENT_CERT", "/cert.pem"),
            ("CONSUL_CLIENT_KEY", "/key.pem"),
            ("CONSUL_TLS_SERVER_NAME", "server.dc1.consul"),
            ("CONSUL_NAMESPACE", "team"),
            ("CONSUL_PARTITION", "part"),
        ])
        .unwrap();
        let tls = Tls {
            verify: false,
            ca_cert: Some(PathBuf::from("/ca.pem")),
            ca_cert_bytes: None,
            ca_path: Some(PathBuf::from("/ca")),
            cert: Some(PathBuf::from("/cert.pem")),
            key: Some(PathBuf::from("/key.pem")),
            server_name: Some("server.dc1.consul".to_owned()),
        };
        let mut wanted = Connection::at("10.0.0.1:8501");
        wanted.token = Some(Secret::from("secret"));
        wanted.token_file = Some(PathBuf::from("/etc/token"));
        wanted.auth = Some(("user".to_owned(), Some(Secret::from("pass:word"))));
        wanted.tls = Some(tls);
        wanted.namespace = Some("team".to_owned());
        wanted.partition = Some("part".to_owned());
        assert_eq!(connection, wanted);
    }

    #[test]
    fn tls_settings_alone_do_not_ask_for_tls() {
        assert_eq!(read(&[("CONSUL_CACERT", "/ca.pem")]).unwrap().tls, None);
        let tls = read(&[("CONSUL_CACERT", "/ca.pem"), ("CONSUL_HTTP_ADDR", "https://h")]).unwrap().tls.unwrap();
        assert_eq!(tls.ca_cert, Some(PathBuf::from("/ca.pem")));
        assert!(tls.verify);
    }

    #[test]
    fn errors_name_the_variable() {
        let sentence = |variables| read(variables).unwrap_err().to_string();
        assert_eq!(sentence(&[("CONSUL_HTTP_SSL", "yes")]), "CONSUL_HTTP_SSL is not a boolean; write true or false");
        assert_eq!(
            sentence(&[("CONSUL_CLIENT_KEY", "/k")]),
            "CONSUL_CLIENT_KEY is set without CONSUL_CLIENT_CERT; set both, or neither"
        );
    }
}
