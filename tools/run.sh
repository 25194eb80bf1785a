#!/bin/sh
# run.sh - bring the default model if none is there, then serve the page in the foreground.
set -eu
bin=${BUILD:-build}/xiaobei
if ! "$bin" ls --json 2>/dev/null | grep -q '"complete": *true'; then
    echo "No model is here yet: bringing the default one (about 1.1 GB, once)." >&2
    "$bin" pull
fi
exec "$bin" serve "$@"
