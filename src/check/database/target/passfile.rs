//! `.pgpass`: a line for each password, `host:port:database:user:password`, with `*` for any.

use super::Target;
use crate::check::net::Access;
use crate::check::net::file::FileName;

/// Larger than any such file. In bytes.
const LIMIT: u64 = 256 * 1024;

/// The password for this target, if the file has one. It is the service's, and opened with its rights; that it cannot be
/// read means no more to the driver than that there is none.
pub(super) async fn find(file: &FileName, target: &Target, access: &Access) -> Result<Option<String>, String> {
    let Ok(Some(text)) = access.files.read_if_there("the file of passwords", file, LIMIT).await else {
        return Ok(None);
    };
    Ok(in_text(&String::from_utf8_lossy(&text), target))
}

fn in_text(text: &str, target: &Target) -> Option<String> {
    let server = target.server();
    let host = if server.is_path() || server.host.is_empty() { "localhost" } else { &server.host };
    let port = server.port.to_string();
    let (database, user) = (target.database.as_deref().unwrap_or_default(), target.user.as_deref().unwrap_or_default());
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).find_map(|line| {
        let parts = parts(line);
        let [of_host, of_port, of_database, of_user, password] = parts.as_slice() else { return None };
        let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        let all = fits(of_host, host) && fits(of_port, &port) && fits(of_database, database) && fits(of_user, user);
        (all && !password.is_empty()).then(|| password.clone())
    })
}

/// What stands between colons; a backslash takes a colon, or another one, as it is.
fn parts(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let next = characters.next_if(|next| c == '\\' && matches!(next, ':' | '\\'));
        match (next, parts.last_mut()) {
            (Some(escaped), Some(part)) => part.push(escaped),
            (None, _) if c == ':' => parts.push(String::new()),
            (None, Some(part)) => part.push(c),
            (_, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::{Server, Target};
    use super::in_text;

    #[test]
    fn the_first_line_that_fits() {
        let target = |host: &str| Target {
            user: Some("app".to_owned()),
            database: Some("orders".to_owned()),
            ..Target::at(Server { host: host.to_owned(), port: 5432 })
        };
        let text = "# mine\nother:*:*:*:no\nd\\:b:5432:orders:app:a\\:b\\\\c\n*:5432:*:app:any\n*:*:*:*:later\n";
        assert_eq!(in_text(text, &target("d:b")).as_deref(), Some("a:b\\c"));
        assert_eq!(in_text(text, &target("db")).as_deref(), Some("any"));
        assert_eq!(in_text("localhost:*:*:*:here", &target("/run/pg")).as_deref(), Some("here"));
        assert_eq!(in_text("a:b:c\n:::\nlocalhost:*:*:*:", &target("localhost")), None);
    }
}
