# /etc/lictor/billing.hcl, part of each deployment: how lictor runs billing.

# consul {
#   token_file = "/etc/lictor/billing.token"   # 0640, group billing; see consul/policy.hcl of lictor
# }

prefix {
  path = "billing/"
}

exec {
  command = ["/opt/billing/billing", "-addr", ":8080"]
}

check "Web" {
  http {
    url = "http://127.0.0.1:8080/healthz"
  }
}

# Out of traffic before each stop, a deployment's too, and back in when it is ready. consul/billing.hcl registers the service.
registration {
}
drain {
  wait = "2s"   # consul-template's wait { min } and a little more
}

# A change of the configuration reaches one host at a time, and stops at the first one that takes it back.
fleet {
}
