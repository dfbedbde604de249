# Not needed where lictor registers the service itself: registration { port = 8080 }.
#
# The service billing as Consul sees it: in traffic while lictor's /health says 200. Into the agent's configuration
# folder (then `consul reload`), or `consul services register lictor-service.hcl`.
#
# Where Consul asks for tokens, `token` here names one with: service "billing" { policy = "write" }. It is not lictor's.
service {
  name = "billing"
  port = 8080

  check {
    id       = "billing:lictor"
    name     = "billing by lictor"
    # An answer from memory: lictor probes on its own clock, with its own rise and fall, so none is needed here.
    # /health?warn is 429, a warning, for trouble with the configuration; prepared queries and consul-template that ask
    # for passing instances only leave such a one out.
    http     = "http://127.0.0.1:8127/health"
    # Where lictor takes the service out of traffic (registration {}), Consul sees at its next look that it is back.
    interval = "1s"
    timeout  = "2s"
  }
}
