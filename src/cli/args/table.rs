//! The flags of `run` that set a word of the configuration: one line for each flag.

use clap::{Arg, ArgMatches, Command};

use super::switch::switch;
use crate::config::{FlagValue, Override};

/// Every such flag that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides(pub(super) Vec<Override>);

struct Flag {
    /// With its dashes.
    name: &'static str,
    path: &'static [&'static str],
    value: Takes,
    help: &'static str,
}

impl Overrides {
    /// The text that a flag was given.
    pub(super) fn text(&self, flag: &str) -> Option<String> {
        self.0.iter().rev().find(|given| given.flag == flag).and_then(|given| match &given.value {
            FlagValue::Text(text) => Some(text.clone()),
            FlagValue::Switch(_) => None,
        })
    }
}

enum Takes {
    Text(&'static str),
    Switch,
}

const fn text(name: &'static str, path: &'static [&'static str], value: &'static str, help: &'static str) -> Flag {
    Flag { name, path, value: Takes::Text(value), help }
}

const fn toggle(name: &'static str, path: &'static [&'static str], help: &'static str) -> Flag {
    Flag { name, path, value: Takes::Switch, help }
}

const NO_EFFECT: &str = "Accepted for compatibility with envconsul; no effect";

#[rustfmt::skip]
const GROUPS: &[(&str, &[Flag])] = &[
    ("Variables", &[
        toggle("--upcase", &["upcase"], "Variables in upper case"),
        toggle("--sanitize", &["sanitize"], "Every character other than A-Z, a-z, 0-9 and _ becomes _"),
        toggle("--pristine", &["pristine"], "The service gets nothing of lictor's own environment"),
        text("--wait", &["wait"], "MIN[:MAX]", "The quiet time before a change is acted on, and its limit"),
    ]),
    ("Service", &[
        text("--exec", &["exec", "command"], "PROGRAM", "The program; with arguments, write them after --"),
        text("--exec-kill-signal", &["exec", "kill_signal"], "SIGNAL", "The signal that stops the service"),
        text("--exec-kill-timeout", &["exec", "kill_timeout"], "DURATION", "How long to wait before KILL"),
        text("--exec-splay", &["exec", "splay"], "DURATION", NO_EFFECT),
    ]),
    ("lictor", &[
        text("--name", &["name"], "NAME", "The service's name"),
        text("--status", &["status", "address"], "IP:PORT", "Where the status is served"),
        text("--statsd", &["statsd", "address"], "HOST:PORT", "Where metrics are sent"),
        text("--state", &["state", "directory"], "DIR", "Where the last good environment is kept"),
        text("--log-level", &["log", "level"], "LEVEL", "trace, debug, info, warn or error"),
        text("--pid-file", &["pid_file"], "FILE", "A file for lictor's own PID"),
        text("--kill-signal", &["kill_signal"], "SIGNAL", NO_EFFECT),
        text("--reload-signal", &["reload_signal"], "SIGNAL", NO_EFFECT),
    ]),
    ("Consul", &[
        text("--consul-addr", &["consul", "address"], "ADDRESS", "host:port, http(s)://..., unix:///path"),
        text("--consul-token", &["consul", "token"], "TOKEN", "The ACL token; other users cannot see it in a token_file"),
        text("--consul-auth", &["consul", "auth"], "USER[:PASSWORD]", "HTTP basic authentication"),
        toggle("--consul-retry", &["consul", "retry", "enabled"], NO_EFFECT),
        text("--consul-retry-attempts", &["consul", "retry", "attempts"], "N", NO_EFFECT),
        text("--consul-retry-backoff", &["consul", "retry", "backoff"], "DURATION", "The first wait after an error"),
        text("--consul-retry-max-backoff", &["consul", "retry", "max_backoff"], "DURATION", "The longest such wait"),
        toggle("--consul-ssl", &["consul", "ssl", "enabled"], "Uses TLS"),
        toggle("--consul-ssl-verify", &["consul", "ssl", "verify"], "Verifies Consul's certificate"),
        text("--consul-ssl-ca-cert", &["consul", "ssl", "ca_cert"], "FILE", "Trusted certificates"),
        text("--consul-ssl-ca-path", &["consul", "ssl", "ca_path"], "DIR", "Trusted certificates"),
        text("--consul-ssl-cert", &["consul", "ssl", "cert"], "FILE", "The client's certificate"),
        text("--consul-ssl-key", &["consul", "ssl", "key"], "FILE", "The client's key"),
        text("--consul-ssl-server-name", &["consul", "ssl", "server_name"], "NAME", "The name in the certificate"),
        text("--consul-transport-dial-keep-alive", &["consul", "transport", "dial_keep_alive"], "DURATION",
            "Time between TCP keep-alive probes"),
        text("--consul-transport-dial-timeout", &["consul", "transport", "dial_timeout"], "DURATION",
            "How long to wait for a connection"),
        toggle("--consul-transport-disable-keep-alives", &["consul", "transport", "disable_keep_alives"], NO_EFFECT),
        text("--consul-transport-max-idle-conns-per-host", &["consul", "transport", "max_idle_conns_per_host"], "N",
            NO_EFFECT),
        text("--consul-transport-tls-handshake-timeout", &["consul", "transport", "tls_handshake_timeout"],
            "DURATION", NO_EFFECT),
        text("--max-stale", &["max_stale"], "DURATION", NO_EFFECT),
    ]),
];

/// Each flag of `run` with the way to the word of the configuration that it stands for and wins over.
pub fn flags() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    GROUPS.iter().flat_map(|(_, flags)| flags.iter()).map(|flag| (flag.name, flag.path))
}

impl Flag {
    fn long(&self) -> &'static str {
        self.name.trim_start_matches('-')
    }

    fn arg(&self, heading: &'static str) -> Arg {
        // As in Go, the last one counts if a flag occurs twice.
        let arg = Arg::new(self.name).long(self.long()).overrides_with(self.name);
        let arg = arg.help(self.help).help_heading(heading);
        match self.value {
            Takes::Text(name) => arg.value_name(name),
            Takes::Switch => switch(arg),
        }
    }

    fn given(&self, matches: &ArgMatches) -> Option<Override> {
        let value = match self.value {
            Takes::Text(_) => FlagValue::Text(matches.get_one::<String>(self.name)?.clone()),
            Takes::Switch => FlagValue::Switch(*matches.get_one::<bool>(self.name)?),
        };
        Some(Override { flag: self.name, path: self.path, value })
    }
}

impl clap::Args for Overrides {
    fn augment_args(command: Command) -> Command {
        let args = GROUPS.iter().flat_map(|(heading, flags)| flags.iter().map(move |flag| flag.arg(heading)));
        args.fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = GROUPS.iter().flat_map(|(_, flags)| flags.iter());
        Ok(Self(flags.filter_map(|flag| flag.given(matches)).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = <Self as clap::FromArgMatches>::from_arg_matches(matches)?;
        Ok(())
    }
}
