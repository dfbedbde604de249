# The configuration of `make demo`. The demo adds the source on the command line: a watched directory, or with CONSUL=1 the folder
# billing/ of a real Consul.
name = "billing"

exec {
  command      = ["target/demo/billing", "-addr", "127.0.0.1:8080"]
  kill_timeout = "5s"
}

# Short, so that the demo shows a revert within seconds. On a real host, keep the defaults.
apply {
  min_healthy = "2s"
  deadline    = "6s"
}
crash {
  backoff = "500ms"
}

check "Web" {
  http {
    url = "http://127.0.0.1:8080/healthz"
  }
  interval = "1s"
}

status {
  address = "127.0.0.1:8127"
}
admin {
  socket = "target/demo/lictor.sock"
}
state {
  directory = "target/demo/state"
}
