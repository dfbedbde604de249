//! `consul.retry {}` and `consul.transport {}`.

use std::time::Duration;

use crate::config::section::Section;
use crate::config::value;
use crate::consul::{Retry, Transport};

const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn retry(section: &mut Section<'_>, retry: &mut Retry) {
    section.no_effect("enabled", "a watch never gives up");
    section.no_effect("attempts", "a watch never gives up");
    let place = section.place_of("max_backoff");
    let backoff = section.read("backoff", value::duration_from(MILLISECOND));
    let max = section.read("max_backoff", value::duration);
    retry.backoff = backoff.unwrap_or(retry.backoff);
    // Zero is envconsul's word for "no limit"; waiting for hours helps nobody.
    match max.filter(|max| !max.is_zero()) {
        Some(max) if max < retry.backoff => {
            section.error(&place, format!("{}: must not be shorter than backoff", section.name("max_backoff")));
        }
        Some(max) => retry.max_backoff = max,
        None => retry.max_backoff = retry.max_backoff.max(retry.backoff),
    }
}

pub(super) fn transport(section: &mut Section<'_>, transport: &mut Transport) {
    let mut read = |word| section.read(word, value::duration_from(MILLISECOND));
    transport.dial_keep_alive = read("dial_keep_alive").unwrap_or(transport.dial_keep_alive);
    transport.dial_timeout = read("dial_timeout").unwrap_or(transport.dial_timeout);
    for word in ["disable_keep_alives", "idle_conn_timeout", "max_conns_per_host", "max_idle_conns"] {
        section.no_effect(word, POOL);
    }
    section.no_effect("max_idle_conns_per_host", POOL);
    section.no_effect("tls_handshake_timeout", "dial_timeout covers the TLS handshake");
}

const POOL: &str = "lictor keeps the connections it needs";
