# The rights that lictor needs in Consul, and no more: to read the folders in its configuration, one rule for each prefix {}, and
# with registration {} the two rules at the end.
#
#   consul acl policy create -name lictor-billing -rules @policy.hcl
#   consul acl token create -description 'lictor of billing' -policy-name lictor-billing
#
# Write the token into the file that consul { token_file } names (0640, readable by the service's user). lictor uses a new token in
# that file without a restart. If the servers have acl.enable_key_list_policy, the policies of the folders must be "list".
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
