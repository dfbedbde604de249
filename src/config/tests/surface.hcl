# Everything of the configuration that is served, once.
name = "billing"

consul {
  address    = "127.0.0.1:8500"
  token_file = "/etc/lictor/token"
}

prefix { path = "global/" }
prefix {
  path     = "billing/"
  required = true
  min_keys = 0
  empty    = "hold"
}
file { path = "/etc/billing/billing.env" }
directory { path = "/etc/billing/conf.d" }
upcase   = true
sanitize = true
pristine = false
wait {
  min = "100ms"
  max = "2s"
}

exec {
  command       = ["/opt/billing/billing", "-addr", ":8080"]
  directory     = "/opt/billing"
  user          = "billing"
  kill_signal   = "SIGTERM"
  kill_timeout  = "30s"
  env {
    custom    = ["GOMAXPROCS=2"]
    allowlist = []
    denylist  = ["AWS_*"]
    pristine  = false
  }
}

apply {
  min_healthy   = "10s"
  deadline      = "90s"
  revert        = true
  handover      = "restart"
  check_timeout = "30s"
}
guard {
  empty    = "hold"
  max_loss = "50%"
  min_loss = 3
}
crash {
  backoff     = "1s"
  max_backoff = "1m"
  reset_after = "1m"
}

key "DATABASE_URL" {
  required  = true
  type      = "url"
  public    = false
  on_change = "restart"
}

check "Database" {
  postgres { url = env_of_service("DATABASE_URL") }
  interval = "5s"
  timeout  = "2s"
  rise     = 1
  fall     = 3
  role     = "readiness"
  good     = "Good"
  bad      = "Bad"
}
check "Web" {
  http { url = "http://127.0.0.1:8080/healthz" }
}
check "Disk" {
  command { command = ["/usr/local/bin/check_disk"] }
  role = "info"
}

version {
  symbol  = "main.version"
  http    = ""
  command = []
  process = "main"
}

registration {
  id               = "billing"
  port             = 0
  service          = "billing"
  check_interval   = "1s"
  deregister_after = "10m"
}
drain {
  wait  = "2s"
  quiet = "1s"
  max   = "30s"
}

status { address = "127.0.0.1:8127" }
admin {
  socket = "/run/lictor/billing.sock"
  mode   = "0660"
  group  = "ops"
}
statsd {
  address  = "127.0.0.1:8125"
  prefix   = "lictor"
  style    = "influx"
  interval = "5s"
  tags     = { env = "prod" }
}
state {
  directory  = "/var/lib/lictor/billing"
  max_age    = "720h"
  boot_grace = "10s"
}
log {
  level  = "info"
  format = "auto"
}
