# The service as Consul sees it: in traffic while lictor's /health says 200.
service {
  name = "billing"
  port = 8080

  check {
    id       = "billing:lictor"
    name     = "billing by lictor"
    http     = "http://127.0.0.1:8127/health"
    interval = "5s"
    timeout  = "2s"
  }
}
