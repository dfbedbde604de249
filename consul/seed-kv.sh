#!/bin/bash
# seed-kv.sh FOLDER SOURCE...: writes variables into a folder of Consul's KV store, for lictor to read.
#
# A SOURCE is a file of NAME=value lines, a directory with one file for each key, or - for lines on stdin. The value is everything
# after the first =, as it is: quotes and $ have no meaning. Blank lines and lines that begin with # are left out. In a directory,
# subdirectories and names that begin with a dot are left out, and one newline at the end of a file is removed.
#
# The address and the token are those of `consul` (CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN_FILE, ...). Everything is read and checked
# before the first key is written. Keys are written one by one: lictor waits until edits have stopped (wait {}) before it acts, and
# with a commit_key, written last, it takes all of them or none.
#
#   ./seed-kv.sh billing/ billing.env
set -euo pipefail

fail() { echo "seed-kv: $*" >&2; exit 1; }

if (($# < 2)) || [[ $1 == -h || $1 == --help ]]; then
  sed -n '2,/^set/{/^#/!d;s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
command -v consul >/dev/null || fail "consul is not in PATH; install it, or run this where it is"
folder=${1%/}/
[[ $folder =~ ^[A-Za-z0-9_][A-Za-z0-9_./-]*$ ]] || fail "'$1' cannot be a folder of the KV store; name one such as billing/"
shift

# Values are kept in files that nobody else can read: every user can see arguments, and an argument cannot hold every byte.
values=$(mktemp -d)
trap 'rm -rf "$values"' EXIT
names=()

keep() { # keep NAME WHERE: stdin is the value
  [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_.-]*$ ]] || fail "$2: '$1' cannot be the name of a variable; nothing was written"
  cat >"$values/${#names[@]}"
  names+=("$1")
}

for source; do
  if [[ -d $source ]]; then
    for file in "$source"/*; do
      [[ -f $file ]] || continue
      if [[ -s $file && $(tail -c 1 "$file" | od -An -tx1) == ' 0a' ]]; then
        keep "${file##*/}" "$source" < <(head -c -1 "$file")
      else
        keep "${file##*/}" "$source" <"$file"
      fi
    done
    continue
  fi
  [[ $source == - || -r $source ]] || fail "$source cannot be read"
  number=0
  while IFS= read -r line || [[ $line ]]; do
    number=$((number + 1))
    [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
    [[ $line == *=* ]] || fail "$source:$number: not NAME=value; nothing was written"
    keep "${line%%=*}" "$source:$number" < <(printf %s "${line#*=}")
  done < <(cat -- "$source")
done
((${#names[@]})) || fail "there are no keys in $*"

for index in "${!names[@]}"; do
  consul kv put "$folder${names[index]}" - <"$values/$index" >/dev/null ||
    fail "$folder${names[index]} was not written, nor the $((${#names[@]} - index - 1)) after it; see above and run it again"
done
echo "seed-kv: ${#names[@]} keys written to $folder"
