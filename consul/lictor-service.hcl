# Not needed where lictor registers the service itself: registration { port = 8080 }.
#
# Registers the service billing in Consul: it is in traffic while lictor's /health answers 200. Put this file into the agent's
# configuration directory and run `consul reload`, or run `consul services register lictor-service.hcl`.
#
# If Consul uses ACLs, add a `token` with the rule: service "billing" { policy = "write" }. lictor does not need this token.
service {
  name = "billing"
  port = 8080

  check {
    id       = "billing:lictor"
    name     = "billing by lictor"
    # lictor answers from memory and has its own intervals, rise and fall, so none are needed here. /health?warn answers 429, a
    # warning, for trouble with the configuration; consul-template, and queries for passing instances only, leave out an
    # instance with a warning.
    http     = "http://127.0.0.1:8127/health"
    # With registration {}, Consul sees by its next probe that the service is back in traffic.
    interval = "1s"
    timeout  = "2s"
  }
}
