# What lictor needs in Consul, and no more: to read the folders that its configuration names, one rule for each prefix {};
# and, if it takes the service out of traffic, the two rules at the end.
#
#   consul acl policy create -name lictor-billing -rules @policy.hcl
#   consul acl token create -description 'lictor of billing' -policy-name lictor-billing
#
# The token goes into the file of consul { token_file } (0640, readable by the service's user). A token that is replaced
# there is taken up without a restart. Where the servers have acl.enable_key_list_policy, it must be "list" instead.
key_prefix "billing/" {
  policy = "read"
}
key_prefix "global/" {
  policy = "read"
}

# With registration {}: to register the service, its check and its maintenance mode, and to see them in the catalog.
service "billing" {
  policy = "write"
}
node_prefix "" {
  policy = "read"
}
