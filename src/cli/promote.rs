//! `lictor promote`: a set of configuration that is good at one Consul, written at another.

mod render;

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use tokio::time::Instant;

use super::args::Promote;
use crate::config;
use crate::consul::{Connection, Error};
use crate::environment::glob::Glob;
use crate::exit;
use crate::fleet::Promotion;
use crate::fleet::operator::Picture;
use crate::promote::follow::{Progress, Start};
use crate::promote::plan::Clash;
use crate::promote::proof::{Unproved, prove};
use crate::promote::side::{Look, Side, edited_since};
use crate::promote::{Plan, Rules, Sealing, TooMany, Written, backup, effect};

/// What keeps it from being done, and the exit code.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Consul(String),
    #[error("{0}")]
    Rules(String),
    #[error(transparent)]
    Clash(#[from] Clash),
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    Backup(#[from] backup::BackupError),
    #[error("{0}")]
    Usage(String),
    #[error("it is not proved at the source: {0}; --unproved \"why\" promotes it all the same, and keeps the reason")]
    Unproved(Unproved),
    #[error("nothing was written: there is no terminal to ask at; look at the plan, then say --yes")]
    NotAsked,
    #[error("nothing was written")]
    Declined,
    #[error("nothing was written: somebody has edited {0} meanwhile; the plan is made anew:\n\n{1}")]
    Edited(String, String),
    #[error("{0} has been edited by somebody else, so nothing is sealed and nothing counts; promote again")]
    Unsealed(String),
    #[error("nothing was written: {} {} edited since the promotion", .0.join(", "), if .0.len() == 1 { "was" } else { "were" })]
    EditedSince(Vec<String>),
    #[error("{target}: {why}")]
    Failed { target: String, why: String },
}

impl Refusal {
    fn code(&self) -> u8 {
        match self {
            Self::Consul(_) => exit::UNAVAILABLE,
            Self::Rules(_) => exit::CONFIGURATION,
            Self::Usage(_) => exit::USAGE,
            _ => exit::NO,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Consul(error.sentence())
    }
}

/// Promotes to one target after the other. Returns the exit code.
pub(super) async fn run(options: &Promote, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match promote(options, out).await {
        Ok(()) => exit::OK,
        Err(refusal) => {
            let _ = writeln!(err, "lictor: {refusal}");
            refusal.code()
        }
    }
}

async fn promote(options: &Promote, out: &mut dyn Write) -> Result<(), Refusal> {
    let rules = rules(options)?;
    let (from_folder, to_folder) = folders(options)?;
    if options.to_token_file.len() > options.to.len() {
        return Err(Refusal::Usage("there are more --to-token-file than --to".into()));
    }
    if options.to.len() > 1 && options.backup.is_some() {
        return Err(Refusal::Usage("a --backup holds what one target had: name one --to at a time".into()));
    }
    let source = options
        .from
        .as_ref()
        .map(|address| side(address, options.from_token_file.as_deref(), &from_folder, options.from_fleet.as_deref()))
        .transpose()?;
    for (place, address) in options.to.iter().enumerate() {
        let token = options.to_token_file.get(place).or(options.to_token_file.last()).map(std::path::PathBuf::as_path);
        let target = side(address, token, &to_folder, options.to_fleet.as_deref())?;
        let job = Job { options, rules: &rules, source: source.as_ref(), target: &target };
        job.run(out).await?;
    }
    Ok(())
}

/// One promotion to one target.
struct Job<'a> {
    options: &'a Promote,
    rules: &'a Rules,
    /// `None`: what was replaced comes back.
    source: Option<&'a Side>,
    target: &'a Side,
}

impl Job<'_> {
    async fn run(&self, out: &mut dyn Write) -> Result<(), Refusal> {
        let source = match self.source {
            Some(source) => Some(source.look().await?),
            None => None,
        };
        let target = self.target.look().await?;
        if self.options.undo {
            self.unedited(&target).await?;
        }
        let plan = self.plan(source.as_ref(), &target)?;
        let text = self.text(&plan, &target.fleet);
        // A reader that is gone needs no plan.
        let _ = out.write_all(text.as_bytes());
        if plan.is_empty() {
            return Ok(());
        }
        if let (Some(side), Some(look)) = (self.source, &source) {
            self.prove(side, look, out)?;
        }
        self.ask(out)?;
        if let (Some(path), false) = (&self.options.backup, self.options.undo) {
            backup::write(path, self.target.folder(), &plan)?;
        }
        let seal = self.seal(&target);
        match self.target.write(&plan, seal.as_deref(), &target).await?? {
            Written::Done { transactions } => {
                let count = crate::line::counted(plan.changes.len() as u64, "key");
                let how = crate::line::counted(transactions as u64, "transaction");
                let _ = writeln!(out, "written to {}: {count} in {how}", self.target.name());
            }
            Written::Edited { unsealed: 0 } => {
                let target = self.target.look().await?;
                let plan = self.plan(source.as_ref(), &target)?;
                return Err(Refusal::Edited(self.target.name(), self.text(&plan, &target.fleet)));
            }
            Written::Edited { .. } => return Err(Refusal::Unsealed(self.target.name())),
        }
        let from = self.source.map_or_else(|| Promotion::UNDONE.to_owned(), Side::name);
        let by = std::env::var("USER").unwrap_or_default();
        self.target.keep(&plan, from, by, self.options.unproved.clone()).await?;
        if self.options.watch || self.options.to.len() > 1 {
            self.follow(&plan, &target.fleet, out).await
        } else {
            Ok(())
        }
    }

    fn plan(&self, source: Option<&Look>, target: &Look) -> Result<Plan, Refusal> {
        let seal = self.seal(target);
        let Some(source) = source else {
            let path = self.options.backup.as_deref().unwrap_or(Path::new(""));
            return Ok(Plan::back_to(&backup::read(path, self.target.folder())?, &target.pairs));
        };
        let of_source = commit_key(&source.fleet, self.source.map_or("", Side::folder));
        let sealing = Sealing { source: of_source.as_deref(), target: seal.as_deref() };
        Ok(Plan::between(&source.pairs, &target.pairs, self.rules, sealing)?)
    }

    /// What somebody has edited since the promotion is not undone with it.
    async fn unedited(&self, target: &Look) -> Result<(), Refusal> {
        let promotions = self.target.fleet().promotions().await?;
        let ours = promotions.last_to(self.target.folder());
        let edited = ours.map(|promotion| edited_since(promotion, &target.pairs)).unwrap_or_default();
        if edited.is_empty() { Ok(()) } else { Err(Refusal::EditedSince(edited)) }
    }

    fn seal(&self, target: &Look) -> Option<String> {
        self.options.commit_key.clone().or_else(|| commit_key(&target.fleet, self.target.folder()))
    }

    fn text(&self, plan: &Plan, fleet: &Picture) -> String {
        let from = self.source.map_or_else(|| "what was there before".to_owned(), Side::name);
        let effect = effect::effect(plan, self.target.folder(), fleet);
        let values = if self.options.show { render::Values::Shown } else { render::Values::Hidden };
        render::plan(&from, &self.target.name(), plan, &effect, values)
    }

    fn prove(&self, source: &Side, look: &Look, out: &mut dyn Write) -> Result<(), Refusal> {
        let proved = prove(source.folder(), &look.pairs, &look.fleet, look.key.as_ref());
        let _ = match (&proved, &self.options.unproved) {
            (Ok(proved), _) => {
                let count = crate::line::counted(proved.instances as u64, "live instance");
                writeln!(out, "proved: good on {count} at the source")
            }
            (Err(unproved), Some(why)) => writeln!(out, "not proved ({unproved}), promoted all the same: {why}"),
            (Err(_), None) => Ok(()),
        };
        match proved {
            Err(unproved) if self.options.unproved.is_none() => Err(Refusal::Unproved(unproved)),
            _ => Ok(()),
        }
    }

    fn ask(&self, out: &mut dyn Write) -> Result<(), Refusal> {
        if self.options.yes {
            return Ok(());
        }
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Err(Refusal::NotAsked);
        }
        let _ = write!(out, "write it? [y/N] ").and_then(|()| out.flush());
        let mut answer = String::new();
        let _ = input.lock().read_line(&mut answer);
        if matches!(answer.trim(), "y" | "yes") { Ok(()) } else { Err(Refusal::Declined) }
    }

    async fn follow(&self, plan: &Plan, before: &Picture, out: &mut dyn Write) -> Result<(), Refusal> {
        let deadline = Instant::now() + self.options.timeout;
        let failed = |why: String| Refusal::Failed { target: self.target.name(), why };
        let start = Start { folder: self.target.folder(), set: &plan.set, before };
        let (mut fleet, mut said) = (before.clone(), None);
        loop {
            // The first instance that restarts may be the one that makes the key.
            let key = self.target.fleet().key().await.ok().flatten();
            let progress = start.progress(&fleet, key.as_ref());
            if said.as_ref() != Some(&progress) {
                let _ = writeln!(out, "{}", render::progress(&progress)).and_then(|()| out.flush());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match progress {
                Progress::Good { .. } => return Ok(()),
                Progress::Failed { why } => return Err(failed(why)),
                Progress::UnderWay { .. } if left.is_zero() => return Err(failed("no verdict in time".into())),
                under_way @ Progress::UnderWay { .. } => said = Some(under_way),
            }
            // An answer that does not come is waited for, until the time is over.
            match self.target.fleet().changed(&fleet, left.min(ROUND)).await {
                Ok(next) => fleet = next,
                Err(_) => tokio::time::sleep(left.min(ROUND)).await,
            }
        }
    }
}

/// How long one look waits for a change.
const ROUND: std::time::Duration = std::time::Duration::from_secs(2);

/// The key that seals this folder, as the instances' records say.
fn commit_key(fleet: &Picture, folder: &str) -> Option<String> {
    fleet.instances.iter().find_map(|record| record.shown.reading.as_ref()?.folder(folder)?.commit_key.clone())
}

fn rules(options: &Promote) -> Result<Rules, Refusal> {
    let lookup = |name: &str| std::env::var(name).ok();
    let read = config::promotion(&options.rules, &lookup);
    let (mut rules, _) = read.map_err(|errors| Refusal::Rules(errors.to_string()))?;
    for (texts, globs) in [(&options.only, &mut rules.only), (&options.skip, &mut rules.skip)] {
        for text in texts {
            globs.push(Glob::parse(text).map_err(|why| Refusal::Usage(format!("{text}: {why}")))?);
        }
    }
    Ok(rules)
}

/// A folder ends with `/`; without that, `app` would mean `apple` too.
fn folders(options: &Promote) -> Result<(String, String), Refusal> {
    let folder = |text: &str| {
        let path = text.trim_matches('/');
        if path.is_empty() {
            Err(Refusal::Usage("the whole store is not promoted: name a folder".into()))
        } else {
            Ok(format!("{path}/"))
        }
    };
    let from = folder(&options.prefix)?;
    Ok((from.clone(), options.to_prefix.as_deref().map_or(Ok(from), folder)?))
}

fn side(address: &str, token: Option<&Path>, folder: &str, fleet: Option<&str>) -> Result<Side, Refusal> {
    // The address is said; what else Consul's own client reads counts for both sides.
    let lookup = |name: &str| std::env::var(name).ok().filter(|_| name != "CONSUL_HTTP_ADDR");
    let mut connection = Connection::from_env(Connection::at(address), &lookup)?;
    if let Some(path) = token {
        connection.token_file = Some(path.to_owned());
    }
    let last = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Ok(Side::new(&connection, folder, &format!("lictor/{}/", fleet.unwrap_or(last)))?)
}
