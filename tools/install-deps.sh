#!/bin/sh
# install-deps.sh [LIST...] - install the Debian packages named in tools/LIST.txt that are missing.
# Without missing packages it touches neither the network nor anything else.
set -eu
here=$(dirname "$0")
[ $# -gt 0 ] || set -- packages

command -v dpkg-query >/dev/null 2>&1 || {
    echo "This is not a Debian system: install what these name by your own means, then run make again:" >&2
    for list in "$@"; do echo "  $here/$list.txt" >&2; done
    exit 69
}

missing=
for list in "$@"; do
    while read -r name _; do
        case $name in '' | '#'*) continue ;; esac
        case $(dpkg-query -W -f='${Status}' "$name" 2>/dev/null || true) in
        'install ok installed') ;;
        *) missing="$missing $name" ;;
        esac
    done <"$here/$list.txt"
done
[ -n "$missing" ] || exit 0

command="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    echo "Debian packages are missing. Type this as root, then run make again:" >&2
    echo "  apt-get update && $command" >&2
    exit 69
fi
echo "Installing Debian packages:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # the list is meant to be split
$as_root $command >&2
