//! The page that people look at: all fleets from Consul's records, or one host from its board. It reads records and boards
//! and nothing else, and nothing can be changed by it.
//!
//! A page is a tree (`node`), drawn out of what was read (`views`): as HTML for whoever asks, and as patches for whoever
//! goes on looking. One task asks Consul (`watcher`), one draws (`hub`), however many browsers look.

mod fleets;
mod hub;
mod look;
mod memo;
mod node;
mod served;
mod story;
mod views;
mod watcher;

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::consul::{Connection, Error};
use crate::drain::DrainWatcher;
use crate::http::{self, HostNames, Limits, PageHandler, Pages};
use crate::machine::Board;
use crate::revive::revived;
use fleets::Fleets;
use hub::Subject;
use memo::Memo;
use served::Site;
use views::{Form, Route, View};
use watcher::Watcher;

pub use watcher::Scope;

/// Serves the page of the fleets until draining begins. Consul need not be there.
///
/// # Errors
/// Settings that make no client.
pub fn serve_fleets(
    tasks: &mut JoinSet<()>,
    connection: &Connection,
    scope: Scope,
    listener: TcpListener,
    hosts: HostNames,
    drain: DrainWatcher,
) -> Result<(), Error> {
    let (watcher, latest) = Watcher::new(connection, scope)?;
    let (site, hub) = Site::new(latest, drain.clone());
    tasks.spawn(revived("the watch of the fleets", watcher, |watcher| Box::pin(watcher.run())));
    tasks.spawn(revived("the drawing of the page", hub, |hub| Box::pin(hub.run())));
    let handler = PageHandler::new(Arc::new(site), hosts, http::waits(Limits::STATUS));
    tasks.spawn(http::serve(listener, Limits::STATUS, handler, drain));
    Ok(())
}

/// The page of one host, for its status port.
pub fn of_host(tasks: &mut JoinSet<()>, boards: watch::Receiver<Arc<Board>>, drain: DrainWatcher) -> Arc<dyn Pages> {
    let (site, hub) = Site::new(boards, drain);
    tasks.spawn(revived("the drawing of the page", hub, |hub| Box::pin(hub.run())));
    Arc::new(site)
}

impl Subject for Fleets {
    type Route = Route;

    fn route(path: &str, query: Option<&str>) -> Option<Route> {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let parts = path.strip_prefix('/')?.split('/').map(decoded).collect::<Option<Vec<_>>>()?;
        let has = |word: &str| query.is_some_and(|query| query.split('&').any(|part| part == word));
        let form = match (has("as=table"), has("as=tiles")) {
            (true, _) => Form::Table,
            (false, true) => Form::Tiles,
            (false, false) => Form::Fitting,
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Some(match parts.as_slice() {
            [""] => Route::Overview,
            ["service", name] => Route::Service { name: (*name).to_owned(), form },
            ["service", service, "change", id] => {
                Route::Change { service: (*service).to_owned(), id: (*id).to_owned() }
            }
            ["service", service, "instance", key] => {
                Route::Instance { service: (*service).to_owned(), key: (*key).to_owned() }
            }
            _ => return None,
        })
    }

    fn view(&self, route: &Route, now: u64, memo: &mut Memo) -> Option<View> {
        views::view(self, route, now, memo)
    }

    fn nothing(&self) -> View {
        views::nothing(self)
    }
}

impl Subject for Board {
    type Route = ();

    fn route(path: &str, _query: Option<&str>) -> Option<()> {
        (path == "/").then_some(())
    }

    fn view(&self, (): &(), _now: u64, _memo: &mut Memo) -> Option<View> {
        Some(views::host(self))
    }

    fn nothing(&self) -> View {
        views::host(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fleets, Form, Route, Subject};

    #[test]
    fn each_address_leads_to_its_page_and_no_other() {
        let name = "a/b ü<".to_owned();
        let at = |path: &str| Fleets::route(path, None);
        assert_eq!(at("/"), Some(Route::Overview));
        let path = "/service/a%2Fb%20%C3%BC%3C";
        assert_eq!(at(path), Some(Route::Service { name: name.clone(), form: Form::Fitting }));
        assert_eq!(
            at(&format!("{path}/instance/x%2Cy")),
            Some(Route::Instance { service: name, key: "x,y".to_owned() })
        );
        for path in ["", "/x", "/service", "/service/a/b", "/service/%ff", "//", "/service/a/change/b/c"] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
