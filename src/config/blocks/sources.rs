//! `prefix {}`, `file {}` and `directory {}`: the sources, in the order of writing.

use crate::config::reference::{Attribute, Block, Type, attribute, ignored};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::guard;
use crate::config::read::call::Lookup;
use crate::config::read::kv_path::{self, KvPath};
use crate::config::read::place::Place;
use crate::config::read::report::Finding;
use crate::config::read::section::Section;
use crate::config::read::tree::Node;
use crate::config::read::value;
use crate::environment::Mapping;
use crate::environment::format::Format;
use crate::machine::policy::Empty;
use crate::source::{Kind, Prefix, Spec};

pub(crate) static PREFIX: Block = Block::new(
    "prefix",
    "A folder of Consul's KV store: each key below it is a variable. Of several sources with one name, the later wins.",
)
.repeated()
.attributes(&[
    attribute(
        "path",
        Type::Text,
        "global/",
        "The folder; `app` means `app/`. `@dc2` at its end names another datacenter, and `{{ env \"NAME\" }}` in it stands for a variable of lictor's own environment.",
    )
    .needed(),
    attribute("datacenter", Type::Text, "dc2", "The datacenter whose store is read.").otherwise("the agent's own"),
    attribute("no_prefix", Type::Boolean, "false", "`false` puts the path before the names of the variables.").default("true"),
    attribute(
        "format",
        Type::Text,
        "APP_{{ key }}",
        "How a key becomes a name; `{{ key | replaceKey \"old\" \"new\" }}` swaps a name.",
    )
    .otherwise("the key as it is"),
    REQUIRED,
    attribute("min_keys", Type::Count("keys"), "3", "An answer of Consul's with fewer keys does not count as one.").default("0"),
    attribute(
        "empty",
        Type::OneOf(&["hold", "apply"]),
        "apply",
        "What happens if the folder had keys and now has none.",
    )
    .otherwise("what `guard.empty` says"),
    ignored("key", "Consul's keys are all read; write a key \"NAME\" {} block at the top for rules"),
]);

pub(crate) static FILE: Block =
    Block::new("file", "A file of `NAME=value` lines, as systemd's `EnvironmentFile` has them. It is watched.")
        .repeated()
        .attributes(&[attribute("path", Type::Path, "/etc/billing/billing.env", "The file.").needed(), REQUIRED]);

pub(crate) static DIRECTORY: Block = Block::new(
    "directory",
    "A folder with one file for each variable, such as a mounted ConfigMap. It is watched.",
)
.repeated()
.attributes(&[
    attribute(
        "path",
        Type::Path,
        "/etc/billing/conf.d",
        "The folder. Subfolders and names that begin with a dot are left out, and one line break at the end of a value is removed.",
    )
    .needed(),
    REQUIRED,
]);

const REQUIRED: Attribute =
    attribute("required", Type::Boolean, "false", "Whether nothing starts before this source has answered.")
        .default("true");

/// How long one blocking query may take.
const WAIT: Duration = Duration::from_secs(25);

/// The most sources: each has a connection or a watched directory of its own.
const MAX_SOURCES: usize = 100;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) specs: Vec<Spec>,
    /// `prefix.empty`, by the name of the source.
    pub(crate) empty: Vec<(Arc<str>, Empty)>,
    /// Whether any source was written, correct or not.
    pub(crate) given: Given,
    /// Where each source was written, by its name.
    places: BTreeMap<Arc<str>, Place>,
}

impl Sources {
    /// Adds a source. The same source twice is an error: it would need two watches, and its keys would not count twice.
    fn add(&mut self, section: &mut Section<'_>, place: Place, spec: Spec) {
        if let Some(first) = self.places.get(&spec.name) {
            section.error(&place, format!("this source is the same as the one at {first}: leave one of them out"));
        }
        self.places.entry(Arc::clone(&spec.name)).or_insert(place);
        self.specs.push(spec);
    }
}

/// Whether a source was named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given {
    #[default]
    None,
    Some,
}

/// The settings for the names of every source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming {
    pub(crate) sanitize: bool,
    pub(crate) upcase: bool,
}

impl Naming {
    fn mapping(self) -> Mapping {
        Mapping { prefix: None, format: None, sanitize: self.sanitize, upcase: self.upcase }
    }
}

pub(crate) fn read(root: &mut Section<'_>, naming: Naming, lookup: Lookup<'_>) -> Sources {
    let mut sources = Sources::default();
    root.each(&["prefix", "file", "directory"], |word, section| {
        sources.given = Given::Some;
        if sources.specs.len() == MAX_SOURCES {
            section.wrong(&format!("there are more than {MAX_SOURCES} sources"));
        }
        match word {
            "prefix" => prefix(section, naming, lookup, &mut sources),
            "file" => path(section, naming, "file", Kind::File, &mut sources),
            _ => path(section, naming, "directory", Kind::Directory, &mut sources),
        }
    });
    sources
}

fn path(
    section: &mut Section<'_>,
    naming: Naming,
    what: &str,
    kind: impl FnOnce(std::path::PathBuf) -> Kind,
    sources: &mut Sources,
) {
    let place = section.place_of("path");
    let path = section.needed("path", value::path);
    let required = section.read("required", value::boolean).unwrap_or(true);
    let Some(path) = path else { return };
    let name = format!("{what} {}", path.display()).into();
    let spec = Spec { name, kind: kind(path), required, min_keys: 0, mapping: naming.mapping() };
    sources.add(section, place, spec);
}

fn prefix(section: &mut Section<'_>, naming: Naming, lookup: Lookup<'_>, sources: &mut Sources) {
    let place = section.place_of("path");
    let path = section.needed("path", value::parsed(|text| kv_path::parse(text, lookup)));
    let own = section.place_of("datacenter");
    let datacenter = section.read("datacenter", value::parsed(kv_path::datacenter_name));
    let no_prefix = section.read("no_prefix", value::boolean);
    let format = section.read("format", format);
    let required = section.read("required", value::boolean).unwrap_or(true);
    let min_keys = section.read("min_keys", value::count(0)).unwrap_or(0);
    let empty = section.read("empty", value::one_of(guard::EMPTY));

    let Some(KvPath { folder, datacenter: at, .. }) = path.clone() else { return };
    if at.is_some() && datacenter.is_some() && at != datacenter {
        let sentence = format!("{}: another datacenter stands in the path after @", section.name("datacenter"));
        section.error(&own, sentence);
    }
    let datacenter = datacenter.or(at);
    let name: Arc<str> = match &datacenter {
        Some(datacenter) => format!("consul {folder}@{datacenter}").into(),
        None => format!("consul {folder}").into(),
    };
    let prefix = path.filter(|_| no_prefix == Some(false)).map(|path| path.written);
    if let Some(empty) = empty {
        sources.empty.push((Arc::clone(&name), empty));
    }
    let spec = Spec {
        name,
        kind: Kind::Consul(Prefix { path: folder, datacenter, wait: WAIT, commit: None }),
        required,
        min_keys: min_keys as usize,
        mapping: Mapping { prefix, format: format.flatten(), ..naming.mapping() },
    };
    sources.add(section, place, spec);
}

/// Empty text means no format.
fn format(node: &Node) -> Result<Option<Format>, Finding> {
    value::maybe_text(node)?.map(|text| Format::parse(&text).map_err(|why| node.wrong(why.to_string()))).transpose()
}
