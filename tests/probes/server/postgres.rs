//! A PostgreSQL with one database, `orders`, and whom a test lets in.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::Server;
use crate::authority::Pair;
use crate::harness::wait::{PATIENCE, within};

const PORT: u16 = 5432;

/// Passwords for everybody; who is called `guarded` must come with TLS.
const WHO: &str = "local all all trust\nhostssl all all all scram-sha-256\nhostnossl all guarded all reject\n\
                   host all all all scram-sha-256\n";

/// A running server, ended when dropped.
pub struct Postgres {
    server: Server,
    settings: Vec<String>,
}

impl Postgres {
    /// One that has a certificate, or none.
    pub fn start(certificate: impl FnOnce(&Server) -> Option<Pair>) -> Self {
        let server = Server::new();
        let mut settings = vec!["fsync=off".to_owned(), "shared_buffers=1MB".to_owned()];
        if let Some(signed) = certificate(&server) {
            let certificate = server.write("server.pem", fs::read(signed.cert).unwrap());
            let key = server.write("server.key", fs::read(signed.key).unwrap());
            settings.push("ssl=on".to_owned());
            settings.push(format!("ssl_cert_file={}", certificate.display()));
            settings.push(format!("ssl_key_file={}", key.display()));
        }
        let mut init = server.command(program("initdb"));
        init.arg("-D").arg(server.path("data")).args(["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"]);
        server.run(init);
        server.write("data/pg_hba.conf", WHO);
        let mut postgres = Self { server, settings };
        postgres.launch();
        postgres.sql("CREATE DATABASE orders");
        postgres
    }

    /// Starts it (again).
    pub fn launch(&mut self) {
        let mut command = self.server.command(program("postgres"));
        command.arg("-D").arg(self.server.path("data"));
        command.arg("-c").arg(format!("listen_addresses={}", self.server.host()));
        command.arg("-c").arg(format!("unix_socket_directories={}", self.server.path("").display()));
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        self.server.start(command, PORT);
        // It listens a moment before it lets anybody in.
        within(PATIENCE, "PostgreSQL is ready", || {
            let mut ready = self.server.command(program("pg_isready"));
            ready.arg("-h").arg(self.socket()).status().unwrap().success().then_some(())
        });
    }

    /// Ends it, at once.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// From now on `certified` comes in by a certificate that this authority has signed, and by nothing else.
    pub fn certified_by(&mut self, ca: &Path) {
        let ca = self.server.write("clients.pem", fs::read(ca).unwrap());
        self.settings.push(format!("ssl_ca_file={}", ca.display()));
        self.server.write("data/pg_hba.conf", format!("hostssl all certified all cert\n{WHO}"));
        self.server.stop();
        self.launch();
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        (self.server.host(), PORT).into()
    }

    /// The folder of its socket.
    pub fn socket(&self) -> PathBuf {
        self.server.path("")
    }

    /// Tells it something, as its master.
    pub fn sql(&self, statement: &str) {
        let mut psql = self.server.command(program("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-c", statement, "-h"]).arg(self.socket());
        self.server.run(psql);
    }

    /// Who may come in.
    pub fn user(&self, name: &str, password: &str) {
        self.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'"));
    }
}

/// The newest that is installed: Debian keeps them apart from `PATH`.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).max();
    found.unwrap_or_else(|| Path::new(name).to_owned())
}
