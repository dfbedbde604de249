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

# lictor takes the service out of traffic before each stop (also that of a deployment), and back when it is ready. The file
# consul/billing.hcl registers the service.
registration {
}
drain {
  wait = "2s"   # a little more than consul-template's wait { min }
}

# A change of the configuration is tried on one host at a time, and on no further host once it has failed.
fleet {
}
