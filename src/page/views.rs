//! The contents of the pages as trees: one file for each page. Pure: records in, trees out.

mod change;
mod facts;
mod host;
mod instance;
mod overview;
mod rollout;
mod service;
mod timeline;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::fleets::{Fleets, Standing};
use super::look::{Tone, moment, shape, since};
use super::memo::Memo;
use super::node::{Element, classed, element, link};

pub(super) use host::host;

/// A whole page.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) title: String,
    /// The root element of the page; its key is `page`.
    pub(super) root: Element,
}

/// Which page of the fleets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Route {
    /// All services.
    Overview,
    /// One of them.
    Service { name: String, form: Form },
    /// A story of its last day.
    Change { service: String, id: String },
    /// One of its instances.
    Instance { service: String, key: String },
}

/// How the instances are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// As it suits their number.
    Fitting,
    Table,
    Tiles,
}

/// The page; `None`: there is none, or not any more.
pub(super) fn view(fleets: &Fleets, route: &Route, now: u64, memo: &mut Memo) -> Option<View> {
    match route {
        Route::Overview => Some(overview::overview(fleets)),
        Route::Service { name, form } => service::service(fleets, name, *form, now, memo),
        Route::Change { service, id } => change::change(fleets, service, id, now),
        Route::Instance { service, key } => instance::instance(fleets, service, key, now),
    }
}

/// The page for an address without a page.
pub(super) fn nothing(fleets: &Fleets) -> View {
    let main = element("main")
        .with("id", "main")
        .child(element("h1").text("Nothing here"))
        .child(element("p").text("There is no such page, or what it showed is gone."))
        .child(element("p").child(link("/".to_owned(), "All services")));
    View { title: "Nothing here · lictor".to_owned(), root: page(fleets, &[], main) }
}

/// The head, a notice about Consul if there is one, and this.
fn page(fleets: &Fleets, trail: &[(String, String)], main: Element) -> Element {
    let crumb = |(to, text): &(String, String)| element("li").child(link(to.clone(), text.clone()));
    let crumbs = element("ol")
        .child(element("li").child(link("/".to_owned(), "All services")))
        .children(trail.iter().map(crumb));
    let mut root = classed("div", "page").with("id", "page").keyed("page").child(
        classed("header", "top")
            .child(classed("span", "mark").text("lictor"))
            .child(element("nav").with("aria-label", "You are here").child(crumbs)),
    );
    if let Some(notice) = consul(fleets) {
        root = root.child(element("aside").with("aria-label", "Consul").keyed("consul").child(notice));
    }
    root.child(main).child(classed("footer", "foot").child(
        element("p").text("From Consul alone; nothing can be changed here. ").child(
            classed("span", "live").with("id", "live").with("role", "status").text("Reload to see what has changed."),
        ),
    ))
}

fn consul(fleets: &Fleets) -> Option<Element> {
    match &fleets.consul {
        Standing::Answers => None,
        Standing::Unknown => Some(notice("consul", Tone::Unknown).text("Consul has not answered yet.")),
        Standing::Away { since: at, why } => {
            let known = if fleets.read_at == 0 {
                element("span").text("Nothing is known yet.")
            } else {
                element("span").text("This is the last known state, as of ").child(moment(fleets.read_at)).text(".")
            };
            let text = notice("consul", Tone::Bad)
                .child(element("strong").text("Consul has not answered since "))
                .child(since(*at))
                .text(". ");
            Some(text.child(known).child(classed("span", "why").text(format!(" {}", super::fleets::sentence(why)))))
        }
    }
}

/// A notice at the top of the page.
fn notice(key: &str, tone: Tone) -> Element {
    classed("p", format!("notice {}", tone.class())).keyed(format!("notice {key}")).child(shape(tone))
}

/// A line of a table of words.
fn fact(key: &str, name: &'static str, value: Element) -> Element {
    classed("div", "fact")
        .keyed(format!("fact {key} {name}"))
        .child(element("dt").text(name))
        .child(element("dd").child(value))
}

fn words(text: impl Into<std::borrow::Cow<'static, str>>) -> Element {
    element("span").text(text)
}

/// The characters that no server or browser changes in a part of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn to_service(name: &str) -> String {
    format!("/service/{}", encoded(name))
}

fn to_instance(service: &str, key: &str) -> String {
    format!("/service/{}/instance/{}", encoded(service), encoded(key))
}

fn to_change(service: &str, id: &str) -> String {
    format!("/service/{}/change/{}", encoded(service), encoded(id))
}
