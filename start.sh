#!/bin/sh
# start.sh - keep the server running: restarts it after a crash (5 s, growing; gives up after 5 crashes in 10 minutes and
# leaves the report beside the log). Options are those of `xiaobei serve`; paths are seen from where it is called.
set -eu
here=$(dirname "$(readlink -f "$0")")
for bin in "$here/build/xiaobei" "$here/bin/xiaobei" "$(command -v xiaobei || true)"; do
    [ -x "$bin" ] && exec "$bin" serve --supervise "$@"
done
echo "start.sh: the program is not built yet; run \`make\` first" >&2
exit 69
