//! A MariaDB with one database, `orders`, and whom a test lets in.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Server;
use crate::authority::Pair;

const PORT: u16 = 3306;

/// The tables of the server itself, in the order in which they are filled.
const TABLES: [&str; 3] = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"];

/// A running server, ended when dropped.
pub struct MariaDb {
    server: Server,
    pair: Option<(PathBuf, PathBuf)>,
}

impl MariaDb {
    /// One that has a certificate, or none, and has been told this.
    pub fn start(certificate: impl FnOnce(&Server) -> Option<Pair>, statements: &[String]) -> Self {
        let server = Server::new();
        let pair = certificate(&server).map(|pair| {
            let read = |path| fs::read(path).unwrap();
            (server.write("server.pem", read(pair.cert)), server.write("server.key", read(pair.key)))
        });
        let mut tables = "create database mysql;\nuse mysql;\n".to_owned();
        for file in TABLES {
            tables += &fs::read_to_string(format!("/usr/share/mysql/{file}")).expect("tests/setup probes");
        }
        server.folder("data");
        let tables = server.write("tables.sql", tables);
        let mut mariadb = Self { server, pair };
        let mut bootstrap = mariadb.command();
        bootstrap.args(["--bootstrap", "--skip-networking"]).stdin(File::open(tables).unwrap());
        mariadb.server.run(bootstrap);
        mariadb.launch(statements);
        mariadb
    }

    /// Starts it (again), and tells it this first.
    pub fn launch(&mut self, statements: &[String]) {
        let text =
            statements.iter().fold("CREATE DATABASE IF NOT EXISTS orders;\n".to_owned(), |mut text, statement| {
                writeln!(text, "{statement};").unwrap();
                text
            });
        let first = self.server.write("first.sql", text);
        let mut command = self.command();
        command.arg(format!("--init-file={}", first.display()));
        command.arg(format!("--bind-address={}", self.server.host())).arg(format!("--port={PORT}"));
        command.arg(format!("--socket={}", self.socket().display()));
        if let Some((cert, key)) = &self.pair {
            command.arg(format!("--ssl-cert={}", cert.display())).arg(format!("--ssl-key={}", key.display()));
        }
        self.server.start(command, PORT);
    }

    /// Ends it, at once.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        (self.server.host(), PORT).into()
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.server.path("mariadb.sock")
    }

    fn command(&self) -> std::process::Command {
        // Debian puts it where only root looks.
        let program =
            ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"].into_iter().find(|path| fs::exists(path).unwrap());
        let mut command = self.server.command(program.unwrap_or("mariadbd"));
        command.arg("--no-defaults").arg(format!("--datadir={}", self.server.path("data").display()));
        // Whoever starts clears away what others of its kind have in theirs.
        command.arg(format!("--tmpdir={}", self.server.path("").display()));
        command.args([
            "--innodb-log-file-size=4M",
            "--innodb-buffer-pool-size=8M",
            "--innodb-flush-log-at-trx-commit=0",
        ]);
        command.args(["--skip-log-bin", "--skip-name-resolve", "--performance-schema=off"]);
        command
    }
}
