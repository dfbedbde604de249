#!/bin/sh
# install.sh [install|remove|purge]: installs the files beside it, as the packages do, or removes them again.
#
# `install` over an older version is an upgrade: running instances replace themselves by the new program, and no service is
# restarted. `remove` stops the instances and leaves their state; `purge` also deletes /var/lib/lictor. Configurations in
# /etc/lictor always stay. With DESTDIR=FOLDER everything goes into that folder, and the running system is not touched.
set -eu
cd "$(dirname "$0")"
root=${DESTDIR:-}
list=/usr/share/doc/lictor/installed-files

fail() { echo "install.sh: $1" >&2; exit 1; }
here() { [ -z "$root" ]; }
with_systemd() { here && [ -d /run/systemd/system ]; }

remove_files() { # those on stdin
  while read -r file; do
    rm -f "$root/$file"
  done
}

install_files() {
  sha256sum --check --quiet SHA256SUMS || fail "the files beside it are damaged: unpack the tarball again"
  if [ -e "$root$list" ]; then # remove files that the new version no longer has
    find tree -type f | sed 's,^tree/,,' >"$root$list.new"
    grep -vxF -f "$root$list.new" "$root$list" | remove_files
    rm -f "$root$list.new"
  fi
  find tree -type f | sed 's,^tree/,,' | while read -r file; do
    mode=0644
    [ ! -x "tree/$file" ] || mode=0755
    install -D -m "$mode" "tree/$file" "$root/$file.lictor-new"
    # Replaced by a rename, because the program may be running.
    mv -f "$root/$file.lictor-new" "$root/$file"
  done
  find tree -type f | sed 's,^tree/,,' >"$root$list"
  if here; then
    systemd-sysusers /usr/lib/sysusers.d/lictor.conf
    systemd-tmpfiles --create /usr/lib/tmpfiles.d/lictor.conf
  else
    install -d -m 0755 "$root/etc/lictor"
  fi
  ! with_systemd || begin_anew
  echo "lictor is installed"
}

begin_anew() { # replaces each running instance by the new program, in the same process and under its service
  systemctl daemon-reload
  for unit in $(systemctl list-units --type=service --state=running --plain --no-legend 'lictor@*' | cut -d' ' -f1); do
    name=${unit#lictor@}
    lictor reexec --timeout 20s --name "${name%.service}" || echo "$unit still runs the previous version; later: lictor reexec --name ${name%.service}" >&2
  done
}

remove() {
  [ -e "$root$list" ] || fail "lictor was not installed by this script"
  ! with_systemd || systemctl stop 'lictor@*.service' lictor-fleet.service
  cp "$root$list" "$root$list.old"
  remove_files <"$root$list.old"
  rm -rf "$root/usr/share/doc/lictor" "$root/usr/share/licenses/lictor"
  ! with_systemd || systemctl daemon-reload
}

here && [ "$(id -u)" != 0 ] && fail "root is needed (or DESTDIR=FOLDER)"
if here && [ ! -e "$list" ]; then
  # Files of a package are left to the package manager.
  for owner in 'dpkg-query --search' 'rpm --query --file'; do
    command -v "${owner%% *}" >/dev/null || continue
    if $owner /usr/bin/lictor >/dev/null 2>&1; then
      fail "/usr/bin/lictor belongs to a package (see ${owner%% *}): remove that first"
    fi
  done
fi
case ${1:-install} in
  install) install_files ;;
  remove) remove ;;
  purge)
    remove
    rm -rf "$root/var/lib/lictor" "$root/run/lictor"
    rmdir "$root/etc/lictor" 2>/dev/null || true ;;
  *) echo "usage: install.sh [install|remove|purge]" >&2; exit 2 ;;
esac
