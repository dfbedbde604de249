//! Every metric of lictor: its name in `StatsD` (after the prefix) and in Prometheus, and its meaning.
//!
//! The two differ where their conventions do: Prometheus uses base units, marks counters by `_total`, and has no gauge beside a
//! counter.

/// One metric.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metric {
    /// After the prefix.
    pub(super) statsd: &'static str,
    /// What it is sent as to `StatsD`.
    pub(super) sent_as: SentAs,
    /// The tags of its series, besides `service` and the configured tags.
    pub(super) tags: &'static [&'static str],
    /// `None`: another metric there has this number.
    pub(super) prometheus: Option<Exposed>,
    /// One sentence for `# HELP`.
    pub(super) help: &'static str,
}

/// The same metric in Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exposed {
    pub(super) name: &'static str,
    pub(super) metric_type: MetricType,
    pub(super) unit: Unit,
}

/// `StatsD`'s types, as far as they occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentAs {
    /// At each tick.
    Gauge,
    /// Its growth, on the event.
    Counter,
    /// Milliseconds, on the event.
    Timer,
}

/// Prometheus's types, as far as they occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricType {
    Gauge,
    Counter,
    /// A sum and a count, without quantiles.
    Summary,
}

/// How the number is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// As it is.
    Same,
    /// A percentage as a ratio of one.
    Ratio,
}

/// Sent with the same type as in Prometheus, with no tags of its own.
const fn metric(statsd: &'static str, exposed: Exposed, help: &'static str) -> Metric {
    let sent_as = match exposed.metric_type {
        MetricType::Gauge => SentAs::Gauge,
        MetricType::Counter => SentAs::Counter,
        MetricType::Summary => SentAs::Timer,
    };
    Metric { statsd, sent_as, tags: &[], prometheus: Some(exposed), help }
}

impl Metric {
    const fn tagged(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }

    /// A total that is read instead of counted here: its value is sent at each tick.
    const fn sent_as_gauge(self) -> Self {
        Self { sent_as: SentAs::Gauge, ..self }
    }
}

const fn gauge(name: &'static str) -> Exposed {
    Exposed { name, metric_type: MetricType::Gauge, unit: Unit::Same }
}

const fn counter(name: &'static str) -> Exposed {
    Exposed { name, metric_type: MetricType::Counter, unit: Unit::Same }
}

const fn summary(name: &'static str) -> Exposed {
    Exposed { name, metric_type: MetricType::Summary, unit: Unit::Same }
}

const fn ratio(name: &'static str) -> Exposed {
    Exposed { name, metric_type: MetricType::Gauge, unit: Unit::Ratio }
}

pub(super) static UP: Metric =
    metric("up", gauge("lictor_up"), "Whether every startup and readiness check of the service passes.");
pub(super) static STATE: Metric = metric(
    "service.state",
    gauge("lictor_service_state"),
    "State of the service: 0 down, 1 starting, 2 up, 3 draining.",
);
pub(super) static PROCESSES: Metric = metric(
    "service.processes",
    gauge("lictor_service_processes"),
    "How many processes lictor runs the service as: two while one takes over from another.",
);
pub(super) static UPTIME: Metric =
    metric("service.uptime_seconds", gauge("lictor_service_uptime_seconds"), "Age of the service's process.");
/// Sent beside the counter, because increments that were sent while Telegraf was away are lost for ever.
pub(super) static RESTARTS_TOTAL: Metric = Metric {
    statsd: "service.restarts_total",
    sent_as: SentAs::Gauge,
    tags: &[],
    prometheus: None,
    help: "Restarts of the service since lictor started.",
};
pub(super) static RESTARTS: Metric = metric(
    "service.restarts",
    counter("lictor_service_restarts_total"),
    "Restarts of the service since lictor started, by reason.",
)
.tagged(&[label::REASON]);
pub(super) static EXITS: Metric =
    metric("service.exits", counter("lictor_service_exits_total"), "Exits of the service's process, by result.")
        .tagged(&[label::RESULT]);
pub(super) static BUILD_INFO: Metric =
    metric("build_info", gauge("lictor_build_info"), "Always 1; the running version is a label.")
        .tagged(&[label::VERSION]);

pub(super) static CHANGES: Metric =
    metric("config.changes", counter("lictor_config_changes_total"), "Changes of the environment, by result.")
        .tagged(&[label::RESULT]);
pub(super) static CONFIG_AGE: Metric = metric(
    "config.age_seconds",
    gauge("lictor_config_age_seconds"),
    "How long the present environment has been in use.",
);
pub(super) static CONFIG_STALE: Metric = metric(
    "config.stale_seconds",
    gauge("lictor_config_stale_seconds"),
    "How long the source that has been silent longest has not answered; 0 while all answer.",
);
pub(super) static CONFIG_HELD: Metric = metric(
    "config.held_seconds",
    gauge("lictor_config_held_seconds"),
    "How long changes have been held; 0 while none is held.",
);
pub(super) static GENERATION: Metric = metric(
    "config.generation",
    gauge("lictor_config_generation"),
    "Number of the environment and build that the service runs.",
);
pub(super) static PROPAGATION: Metric = metric(
    "config.propagation_ms",
    summary("lictor_config_propagation_seconds"),
    "Time from a change at its source to the service being good on it.",
);
pub(super) static TURNS: Metric =
    metric("fleet.turns", counter("lictor_fleet_turns_total"), "Turns of the fleet that have ended, by result.")
        .tagged(&[label::RESULT]);
pub(super) static TURN_WAIT: Metric = metric(
    "fleet.turn_wait_ms",
    summary("lictor_fleet_turn_wait_seconds"),
    "Time from asking for a turn of the fleet to getting it.",
);
pub(super) static TRAFFIC: Metric = metric(
    "traffic",
    gauge("lictor_traffic"),
    "Whether Consul's catalog shows the service as passing, as far as lictor steers traffic.",
);
pub(super) static DRAIN: Metric = metric(
    "drain_ms",
    summary("lictor_drain_seconds"),
    "Time from the order to leave traffic to the stop of the process.",
);
pub(super) static SOURCE_ERRORS: Metric = metric(
    "source.errors",
    counter("lictor_source_errors_total"),
    "Failed attempts to read a source, by source and class.",
)
.tagged(&[label::SOURCE, label::CLASS]);

pub(super) static CHECK_UP: Metric =
    metric("check.up", gauge("lictor_check_up"), "Whether the check passes.").tagged(&[label::CHECK]);
pub(super) static CHECK_FAILURES: Metric =
    metric("check.failures", counter("lictor_check_failures_total"), "Probes of the check that failed.")
        .tagged(&[label::CHECK]);
pub(super) static CHECK_DURATION: Metric =
    metric("check.duration_ms", summary("lictor_check_duration_seconds"), "How long the check's probes took.")
        .tagged(&[label::CHECK]);

pub(super) static CPU_PERCENT: Metric = metric(
    "process.cpu_percent",
    ratio("lictor_process_cpu_ratio"),
    "CPU time that the service used since the last tick; one CPU is 100 percent, or a ratio of 1.",
);
pub(super) static CPU_SECONDS: Metric = metric(
    "process.cpu_seconds",
    counter("lictor_process_cpu_seconds_total"),
    "CPU time that the service's process has used.",
)
.sent_as_gauge();
pub(super) static RSS: Metric = metric(
    "process.rss_bytes",
    gauge("lictor_process_resident_memory_bytes"),
    "Resident memory of the service's process.",
);
pub(super) static OPEN_FDS: Metric =
    metric("process.open_fds", gauge("lictor_process_open_fds"), "Open file descriptors of the service's process.");
pub(super) static FD_LIMIT: Metric = metric(
    "process.fd_limit",
    gauge("lictor_process_max_fds"),
    "Limit of open file descriptors of the service's process.",
);
pub(super) static THREADS: Metric =
    metric("process.threads", gauge("lictor_process_threads"), "Threads of the service's process.");

pub(super) static SELF_RSS: Metric =
    metric("self.rss_bytes", gauge("lictor_self_resident_memory_bytes"), "Resident memory of lictor itself.");
pub(super) static SELF_CPU: Metric = metric(
    "self.cpu_percent",
    ratio("lictor_self_cpu_ratio"),
    "CPU time that lictor itself used since the last tick; one CPU is 100 percent, or a ratio of 1.",
);
pub(super) static DROPPED: Metric = metric(
    "self.statsd_dropped",
    counter("lictor_self_statsd_dropped_total"),
    "Lines for StatsD that are known to be lost.",
)
.sent_as_gauge();

pub(super) static GO_UP: Metric =
    metric("go.up", gauge("lictor_go_up"), "Whether the service's expvar page can be read.");
pub(super) static GO_HEAP: Metric =
    metric("go.heap_inuse_bytes", gauge("lictor_go_heap_inuse_bytes"), "Heap in use by the service's Go runtime.");
pub(super) static GO_SYSTEM: Metric = metric(
    "go.sys_bytes",
    gauge("lictor_go_sys_bytes"),
    "Memory that the service's Go runtime has obtained from the system.",
);
pub(super) static GO_ROUTINES: Metric =
    metric("go.goroutines", gauge("lictor_go_goroutines"), "Goroutines of the service, if it publishes them.");
pub(super) static GO_CYCLES: Metric = metric(
    "go.gc_cycles",
    counter("lictor_go_gc_cycles_total"),
    "Cycles of garbage collection in the service's process.",
);
pub(super) static GO_PAUSE: Metric = metric(
    "go.gc_pause_ms",
    summary("lictor_go_gc_pause_seconds"),
    "How long garbage collection stopped the service, each time.",
);
/// In `StatsD` each has its own name below this one.
pub(super) static EXPVAR: Metric =
    metric("expvar", gauge("lictor_expvar"), "Gauges that the service publishes by expvar, by name.");
pub(super) static EXPVAR_TOTAL: Metric =
    metric("expvar", counter("lictor_expvar_total"), "Counters that the service publishes by expvar, by name.");

/// All of them, in the order of `docs/metrics.md`.
#[cfg(test)]
pub(super) static ALL: &[&Metric] = &[
    &UP,
    &STATE,
    &PROCESSES,
    &UPTIME,
    &RESTARTS_TOTAL,
    &RESTARTS,
    &EXITS,
    &BUILD_INFO,
    &CHANGES,
    &CONFIG_AGE,
    &CONFIG_STALE,
    &CONFIG_HELD,
    &GENERATION,
    &PROPAGATION,
    &TURNS,
    &TURN_WAIT,
    &TRAFFIC,
    &DRAIN,
    &SOURCE_ERRORS,
    &CHECK_UP,
    &CHECK_FAILURES,
    &CHECK_DURATION,
    &CPU_PERCENT,
    &CPU_SECONDS,
    &RSS,
    &OPEN_FDS,
    &FD_LIMIT,
    &THREADS,
    &SELF_RSS,
    &SELF_CPU,
    &DROPPED,
    &GO_UP,
    &GO_HEAP,
    &GO_SYSTEM,
    &GO_ROUTINES,
    &GO_CYCLES,
    &GO_PAUSE,
    &EXPVAR,
    &EXPVAR_TOTAL,
];

/// What tells the series of one metric apart.
pub(super) mod label {
    pub(in super::super) const SERVICE: &str = "service";
    pub(in super::super) const REASON: &str = "reason";
    pub(in super::super) const RESULT: &str = "result";
    pub(in super::super) const VERSION: &str = "version";
    pub(in super::super) const SOURCE: &str = "source";
    pub(in super::super) const CLASS: &str = "class";
    pub(in super::super) const CHECK: &str = "check";
    pub(in super::super) const NAME: &str = "name";
}
