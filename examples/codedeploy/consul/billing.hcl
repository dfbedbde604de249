# The service as Consul sees it: in traffic while lictor's /health says 200. An answer from memory, so it may be asked every
# second: after a restart Consul believes only its own next look that the service is back.
service {
  name = "billing"
  port = 8080

  check {
    id       = "billing:lictor"
    name     = "billing by lictor"
    http     = "http://127.0.0.1:8127/health"
    interval = "1s"
    timeout  = "2s"
  }
}
