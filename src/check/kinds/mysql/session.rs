//! As much of MySQL's protocol as one question takes: the handshake, perhaps TLS, a password, and an answer as text.
//! Written here because the drivers make their own connections: they look names up where everything waits for a disk,
//! read certificates on the loop's thread, and try one address after the other.

use std::io;

use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::check::database::Target;
use crate::check::net::Access;
use crate::check::net::dial::Wire;
use crate::check::tls::encrypt;
use crate::check::{TlsMode, reason};

/// The longest packet that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// What this client can: the protocol since 4.1, a database, several statements in one question, plug-ins for passwords.
const CAN: u32 = 0x0000_0001 | 0x0000_0004 | 0x0000_0200 | 0x0000_2000 | 0x0000_8000 | 0x0003_0000 | 0x0008_0000;
const WITH_DATABASE: u32 = 0x0000_0008;
const WITH_TLS: u32 = 0x0000_0800;

/// utf8mb4, by its oldest collation.
const CHARSET: u8 = 45;

const OK: u8 = 0x00;
const MORE: u8 = 0x01;
const NULL: u8 = 0xfb;
const FILE: u8 = 0xfb;
const EOF: u8 = 0xfe;
const ERR: u8 = 0xff;

const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;

/// Whether the connection cannot be overheard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secrecy {
    Secret,
    Open,
}

/// A session with a server.
pub(super) struct Session {
    wire: Wire,
    /// The number of the next packet.
    number: u8,
    secrecy: Secrecy,
}

impl Session {
    /// Logs in on this connection, as this user.
    pub(super) async fn open(wire: Wire, user: &str, target: &Target, access: &Access) -> Result<Self, String> {
        let server = target.server();
        let secrecy = if server.is_path() { Secrecy::Secret } else { Secrecy::Open };
        let mut session = Self { wire, number: 0, secrecy };
        let greeting = session.read().await?;
        let Greeting { can, nonce, plugin } = Greeting::parse(&greeting)?;
        let mut wanted = CAN | target.database.as_ref().map_or(0, |_| WITH_DATABASE);
        let has_tls = can & WITH_TLS != 0;
        match target.tls {
            TlsMode::Disable => {}
            TlsMode::Allow | TlsMode::Prefer if !has_tls => {}
            _ if !has_tls => return Err(format!("{server} has no TLS, and `tls` asks for it")),
            mode => {
                wanted |= WITH_TLS;
                session.write(&head(wanted)).await?;
                let mode = if mode == TlsMode::Allow { TlsMode::Prefer } else { mode };
                session.wire = encrypt(session.wire, target.demand(server, mode), access).await?;
                session.secrecy = Secrecy::Secret;
            }
        }
        let password = target.password.as_ref().map_or(&b""[..], |password| password.expose());
        // A plug-in that is not known here is named by the server again, if it must be that one.
        let plugin = if supported(&plugin) { plugin } else { NATIVE.to_owned() };
        let proof = proof(&plugin, password, &nonce, session.secrecy)?;
        let mut login = head(wanted);
        login.extend([user.as_bytes(), b"\0"].concat());
        login.push(u8::try_from(proof.len()).map_err(|_| "its password is too long".to_owned())?);
        login.extend(proof);
        if let Some(database) = &target.database {
            login.extend([database.as_bytes(), b"\0"].concat());
        }
        login.extend([plugin.as_bytes(), b"\0"].concat());
        session.write(&login).await?;
        session.log_in(plugin, password).await?;
        Ok(session)
    }

    async fn log_in(&mut self, mut plugin: String, password: &[u8]) -> Result<(), String> {
        // A switch of the plug-in, and each step of one; a server that goes on for longer is not one.
        for _ in 0..8 {
            let packet = self.read().await?;
            match packet.as_slice() {
                [OK, ..] => return Ok(()),
                [ERR, ..] => return Err(message(&packet)),
                [EOF, rest @ ..] => {
                    let (name, data) = text_and_rest(rest).ok_or_else(strange)?;
                    plugin = name;
                    let nonce = data.strip_suffix(b"\0").unwrap_or(data);
                    let proof = proof(&plugin, password, nonce, self.secrecy)?;
                    self.write(&proof).await?;
                }
                // The password is known to the server already.
                [MORE, 3] if plugin == SHA2 => {}
                [MORE, 4] if plugin == SHA2 && self.secrecy == Secrecy::Secret => {
                    self.write(&[password, b"\0"].concat()).await?;
                }
                [MORE, 4] if plugin == SHA2 => {
                    return Err("it wants the password itself, which is sent over TLS only: set `tls`".to_owned());
                }
                _ => return Err(strange()),
            }
        }
        Err(strange())
    }

    /// The first value of the first row; what comes after it is not read.
    pub(super) async fn first(&mut self, query: &str) -> Result<Option<String>, String> {
        self.number = 0;
        self.write(&[&[QUERY][..], query.as_bytes()].concat()).await?;
        let answer = self.read().await?;
        let columns = match answer.as_slice() {
            [OK, ..] => return Ok(None),
            [ERR, ..] => return Err(message(&answer)),
            [FILE, ..] => return Err("the query asks for a file of this host".to_owned()),
            packet => length(packet).ok_or_else(strange)?.0,
        };
        for _ in 0..columns {
            self.read().await?;
        }
        self.read().await.and_then(|end| if is_end(&end) { Ok(()) } else { Err(strange()) })?;
        let row = self.read().await?;
        match row.as_slice() {
            [ERR, ..] => Err(message(&row)),
            packet if is_end(packet) || packet.first() == Some(&NULL) => Ok(None),
            packet => {
                let (length, rest) = length(packet).ok_or_else(strange)?;
                let value = usize::try_from(length).ok().and_then(|length| rest.get(..length)).ok_or_else(strange)?;
                Ok(Some(String::from_utf8_lossy(value).into_owned()))
            }
        }
    }

    /// Asks for nothing but that it is taken.
    pub(super) async fn tell(&mut self, statement: &str) -> Result<(), String> {
        self.first(statement).await.map(drop)
    }

    /// Says goodbye; how that ends does not matter.
    pub(super) async fn close(mut self) {
        self.number = 0;
        let _ = self.write(&[QUIT]).await;
        let _ = self.wire.shutdown().await;
    }

    async fn read(&mut self) -> Result<Vec<u8>, String> {
        let mut head = [0; 4];
        self.wire.read_exact(&mut head).await.map_err(|error| broken(&error))?;
        let [a, b, c, number] = head;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(strange());
        }
        let mut packet = vec![0; length];
        self.wire.read_exact(&mut packet).await.map_err(|error| broken(&error))?;
        self.number = number.wrapping_add(1);
        Ok(packet)
    }

    async fn write(&mut self, packet: &[u8]) -> Result<(), String> {
        let length = u32::try_from(packet.len()).ok().filter(|length| *length < 0x00ff_ffff);
        let [a, b, c, _] = length.ok_or("the query is too long")?.to_le_bytes();
        let whole = [&[a, b, c, self.number][..], packet].concat();
        self.number = self.number.wrapping_add(1);
        let sent = async {
            self.wire.write_all(&whole).await?;
            self.wire.flush().await
        };
        sent.await.map_err(|error| broken(&error))
    }
}

fn broken(error: &io::Error) -> String {
    reason::of_io(error)
}

fn strange() -> String {
    "its answer is not one of MySQL's".to_owned()
}

/// What both a request for TLS and a login begin with.
fn head(can: u32) -> Vec<u8> {
    let mut head = can.to_le_bytes().to_vec();
    head.extend(u32::try_from(LONGEST).unwrap_or(u32::MAX).to_le_bytes());
    head.push(CHARSET);
    head.extend([0; 23]);
    head
}

/// What a server says first.
struct Greeting {
    can: u32,
    nonce: Vec<u8>,
    plugin: String,
}

impl Greeting {
    fn parse(packet: &[u8]) -> Result<Self, String> {
        match packet {
            [ERR, ..] => Err(message(packet)),
            [10, rest @ ..] => Self::of_version_10(rest).ok_or_else(strange),
            _ => Err(strange()),
        }
    }

    fn of_version_10(rest: &[u8]) -> Option<Self> {
        let (_version, rest) = text_and_rest(rest)?;
        // The number of the thread, the first part of the nonce, a zero, and what the server can.
        let (first, rest) = (rest.get(4..12)?, rest.get(13..)?);
        let can = u32::from_le_bytes([*rest.first()?, *rest.get(1)?, *rest.get(5)?, *rest.get(6)?]);
        let length = usize::from(*rest.get(7)?);
        let rest = rest.get(18..)?;
        let second = rest.get(..length.saturating_sub(8).max(13))?;
        let nonce = [first, second.strip_suffix(b"\0").unwrap_or(second)].concat();
        let plugin =
            rest.get(second.len()..).and_then(text_and_rest).map_or_else(|| NATIVE.to_owned(), |(name, _)| name);
        Some(Self { can, nonce, plugin })
    }
}

/// Text up to a zero, and what comes after that.
fn text_and_rest(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 1..]))
}

/// A number of one to nine bytes.
fn length(packet: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = packet.split_first()?;
    let size = match first {
        0..=0xfa => return Some((u64::from(*first), rest)),
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        _ => return None,
    };
    let mut bytes = [0; 8];
    bytes[..size].copy_from_slice(rest.get(..size)?);
    Some((u64::from_le_bytes(bytes), &rest[size..]))
}

/// The end of the columns or of the rows.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&EOF) && packet.len() < 9
}

/// What the server says is wrong: a number, perhaps a state, and a sentence.
fn message(packet: &[u8]) -> String {
    let text = packet.get(3..).unwrap_or_default();
    let text = if text.first() == Some(&b'#') { text.get(6..).unwrap_or_default() } else { text };
    String::from_utf8_lossy(text).into_owned()
}

const NATIVE: &str = "mysql_native_password";
const SHA2: &str = "caching_sha2_password";
const CLEAR: &str = "mysql_clear_password";
const OLDER_SHA2: &str = "sha256_password";

fn supported(plugin: &str) -> bool {
    [NATIVE, SHA2, CLEAR, OLDER_SHA2].contains(&plugin)
}

/// That the password is known, by the rules of one plug-in.
fn proof(plugin: &str, password: &[u8], nonce: &[u8], secrecy: Secrecy) -> Result<Vec<u8>, String> {
    let hash = |algorithm: &'static Algorithm, parts: &[&[u8]]| digest(algorithm, &parts.concat()).as_ref().to_vec();
    let mixed =
        |one: Vec<u8>, other: Vec<u8>| -> Vec<u8> { one.iter().zip(other).map(|(one, other)| one ^ other).collect() };
    Ok(match plugin {
        _ if password.is_empty() => Vec::new(),
        NATIVE => {
            let once = hash(&SHA1_FOR_LEGACY_USE_ONLY, &[password]);
            let twice = hash(&SHA1_FOR_LEGACY_USE_ONLY, &[&once]);
            mixed(once, hash(&SHA1_FOR_LEGACY_USE_ONLY, &[nonce, &twice]))
        }
        SHA2 => {
            let once = hash(&SHA256, &[password]);
            let twice = hash(&SHA256, &[&once]);
            mixed(once, hash(&SHA256, &[&twice, nonce]))
        }
        CLEAR | OLDER_SHA2 if secrecy == Secrecy::Secret => [password, b"\0"].concat(),
        CLEAR | OLDER_SHA2 => {
            return Err("it wants the password itself, which is sent over TLS only: set `tls`".to_owned());
        }
        _ => {
            let name = reason::brief(plugin);
            return Err(format!("its user logs in with {name}, which lictor does not support: use another user"));
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::{NATIVE, SHA2, Secrecy, Session, proof};
    use crate::check::database::MYSQL;
    use crate::check::tests::access;
    use crate::check::{Place, Text};

    /// The vectors of go-sql-driver's own tests.
    #[test]
    fn passwords_are_proved_as_the_drivers_do() {
        let nonce = [70, 114, 92, 94, 1, 38, 11, 116, 63, 114, 23, 101, 126, 103, 26, 95, 81, 17, 24, 21];
        let native = [53, 177, 140, 159, 251, 189, 127, 53, 109, 252, 172, 50, 211, 192, 240, 164, 26, 48, 207, 45];
        assert_eq!(proof(NATIVE, b"secret", &nonce, Secrecy::Open).unwrap(), native);
        let nonce = [6, 81, 96, 114, 14, 42, 50, 30, 76, 47, 1, 95, 126, 81, 62, 94, 83, 80, 52, 85];
        let sha2 = [
            171, 201, 138, 146, 89, 159, 11, 170, 0, 67, 165, 49, 175, 94, 218, 68, 177, 109, 110, 86, 34, 33, 44, 190,
            67, 240, 70, 110, 40, 139, 124, 41,
        ];
        assert_eq!(proof(SHA2, b"secret", &nonce, Secrecy::Open).unwrap(), sha2);
        assert_eq!(proof(SHA2, b"", &nonce, Secrecy::Open).unwrap(), b"");
        assert!(proof("mysql_clear_password", b"secret", &nonce, Secrecy::Open).is_err());
        assert!(
            proof("dialog", b"secret", &nonce, Secrecy::Secret).unwrap_err().contains("logs in with dialog, which")
        );
    }

    /// A packet with its head.
    fn packet(number: u8, body: &[u8]) -> Vec<u8> {
        [&[u8::try_from(body.len()).unwrap(), 0, 0, number][..], body].concat()
    }

    fn greeting(plugin: &str) -> Vec<u8> {
        let can = 0x0008_8200_u32.to_le_bytes();
        let body = [
            &b"\x0a8.0.36\0\x01\0\0\0AAAAAAAA\0"[..],
            &can[..2],
            &[45, 2, 0],
            &can[2..],
            &[21],
            &[0; 10],
            b"BBBBBBBBBBBB\0",
            plugin.as_bytes(),
            b"\0",
        ]
        .concat();
        packet(0, &body)
    }

    async fn hear(server: &mut DuplexStream) -> Vec<u8> {
        let mut head = [0; 4];
        server.read_exact(&mut head).await.unwrap();
        let mut body = vec![0; usize::from(head[0]) + usize::from(head[1]) * 256];
        server.read_exact(&mut body).await.unwrap();
        body
    }

    /// Logs in with the password `secret` at a server that wants the password itself, and asks one question.
    async fn at_a_server_that_wants_the_password(url: &str) -> Result<Option<String>, String> {
        let (client, mut server) = duplex(4096);
        let said = async {
            server.write_all(&greeting(SHA2)).await.unwrap();
            hear(&mut server).await;
            server.write_all(&packet(2, &[1, 4])).await.unwrap();
            let mut head = [0; 4];
            if server.read_exact(&mut head).await.is_err() {
                return;
            }
            let mut password = vec![0; usize::from(head[0])];
            server.read_exact(&mut password).await.unwrap();
            assert_eq!((head[3], password.as_slice()), (3, &b"secret\0"[..]));
            server.write_all(&packet(4, &[0, 0, 0, 2, 0, 0, 0])).await.unwrap();
            assert_eq!(hear(&mut server).await, b"\x03SELECT 42");
            for (number, body) in [(1, &[1][..]), (2, b"column"), (3, &[0xfe, 0, 0, 2, 0]), (4, b"\x0242")] {
                server.write_all(&packet(number, body)).await.unwrap();
            }
        };
        let url = Text::Written(url.into());
        let place = Place { url, user: None, password: None, tls: None, ca: None, server_name: None };
        let access = access();
        let target = place.target(&access, MYSQL).await.unwrap();
        let asked = async {
            let mut session = Session::open(Box::new(client), "app", &target, &access).await?;
            session.first("SELECT 42").await
        };
        tokio::join!(asked, said).0
    }

    #[tokio::test]
    async fn the_password_itself_is_sent_where_nobody_listens_in() {
        let answer = at_a_server_that_wants_the_password("app:secret@unix(/run/mysqld.sock)/orders").await;
        assert_eq!(answer, Ok(Some("42".to_owned())));
        let refused = at_a_server_that_wants_the_password("app:secret@tcp(127.0.0.1:3306)/orders").await;
        assert_eq!(refused.unwrap_err(), "it wants the password itself, which is sent over TLS only: set `tls`");
    }
}
