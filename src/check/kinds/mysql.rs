//! `mysql`: one query to MySQL or MariaDB over a connection of its own, closed when it is answered.

mod session;

use std::time::Duration;

use crate::check::database::{self, MYSQL, Sql, Target};
use crate::check::net::{Access, dial};
use crate::check::reason;
use crate::check::round::Finding;
use session::Session;

/// Asks once.
pub(in crate::check) async fn probe(sql: &Sql, timeout: Duration, access: &Access) -> Finding {
    let target = match sql.place.target(access, MYSQL).await {
        Ok(target) => target,
        Err(reason) => return Finding::Bad(reason::brief(&reason)),
    };
    database::finding(ask(sql, &target, timeout, access).await, sql.expect.as_deref(), &target)
}

/// The first value of the first row.
async fn ask(sql: &Sql, target: &Target, timeout: Duration, access: &Access) -> Result<Option<String>, String> {
    let server = target.server();
    let user = target.user.as_deref().ok_or("it names no user: write one in the URL, or `user`")?;
    let wire = if server.is_path() {
        dial::unix(&server.host, access).await?
    } else {
        dial::tcp(server.place(), access).await?
    };
    let mut session = Session::open(wire, user, target, access).await.map_err(|why| without_name(&why))?;
    // Somewhat later than the probe itself ends. A server that does not know the limit will do without.
    let _ = session.tell(&limit(timeout.mul_f32(1.5))).await;
    let answer = session.first(&sql.query).await?;
    session.close().await;
    Ok(answer)
}

/// A failure of TLS without the advice to set `server_name`, which this kind does not have.
fn without_name(why: &str) -> String {
    why.split(": set `server_name`").next().unwrap_or_default().to_owned()
}

/// Makes the server, MariaDB or MySQL, stop the query when the check does not wait for it any more. A proxy that
/// reads neither comment sets a variable that has no effect.
fn limit(timeout: Duration) -> String {
    let (seconds, milliseconds) = (timeout.as_secs_f64(), timeout.as_millis());
    format!(
        "SET @lictor = 0 /*M! , SESSION max_statement_time = {seconds} */ \
         /*!50708 , SESSION max_execution_time = {milliseconds} */"
    )
}
