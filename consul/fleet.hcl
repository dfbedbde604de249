# What fleet {} needs beside policy.hcl, and no more, for a service "billing" whose fleet has the default folder.
#
#   consul acl policy create -name lictor-billing-fleet -rules @fleet.hcl
#
# The fleet's folder holds the key of the marks that its records are written with: whoever may not read the values may not
# read this folder either.
key_prefix "lictor/billing/" {
  policy = "write"
}
# The catalog, for the gate: which instances pass.
service "billing" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
# Its session. session "HOST" for each host is enough, by the names that the agents have.
session_prefix "" {
  policy = "write"
}
