consul = "127.0.0.1:8500"
token = "x"
prefix {
  path = "a"
  format = "{{ key }}"
}
exec {
  command = "env"
  splay = "5s"
}
secret {}
