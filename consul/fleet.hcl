# The rights that fleet {} needs besides policy.hcl, and no more, for a service "billing" with the default folder.
#
#   consul acl policy create -name lictor-billing-fleet -rules @fleet.hcl
#
# The fleet's folder holds the key with which its records mark values. Give nobody who may not read the values the right to
# read this folder.
key_prefix "lictor/billing/" {
  policy = "write"
}
# To see in the catalog which instances pass (fleet.min_passing).
service "billing" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
# For lictor's session. A rule session "NODE" for each host, with the name of its agent, is enough.
session_prefix "" {
  policy = "write"
}
