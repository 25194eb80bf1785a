#!/bin/sh
# run.sh [compare.py options] - speed beside llama.cpp; run.sh table [table.py options] - every kind of work beside its
# mark; run.sh serve [serve.py options] - many clients at once; run.sh soak - a long mixed load; run.sh quality [quality.py options] - correctness.
#
# The peer is the published Python package llama-cpp-python, built with native flags into build/peer the first time
# (several minutes); PEER=DIR uses an existing virtual environment. Without --model the default 1.5B (for quality the
# 0.5B of the reference) is brought and measured.
set -eu
build=${BUILD:-build}
peer=${PEER:-$build/peer}
python=/usr/bin/python3
[ -x $python ] || python=python3
if [ ! -x "$peer/bin/python" ]; then
    $python -m venv "$peer"
fi
"$peer/bin/python" -c 'import llama_cpp' 2>/dev/null || {
    echo "Building llama-cpp-python with native flags (once, several minutes)" >&2
    CMAKE_ARGS=-DGGML_NATIVE=ON "$peer/bin/pip" install --quiet --disable-pip-version-check --no-binary llama-cpp-python \
        llama-cpp-python numpy
}
script=compare.py
id=qwen2.5-1.5b-instruct-q4_k_m
if [ "${1:-}" = table ]; then
    script=table.py
    shift
elif [ "${1:-}" = serve ] || [ "${1:-}" = soak ]; then
    script=$1.py
    shift
elif [ "${1:-}" = quality ]; then
    script=quality.py
    id=qwen2.5-0.5b-instruct-q4_k_m
    shift
fi
case " $* " in
*" --model "* | *" --help "*) ;;
*)
    model=$("$build/xiaobei" pull --json "$id" | sed -n 's/.*"event": *"done".*"path": *"\([^"]*\)".*/\1/p')
    [ -n "$model" ] || { echo "The model $id could not be brought; name one with --model FILE" >&2 && exit 66; }
    set -- --model "$model" "$@"
    ;;
esac
exec "$peer/bin/python" "$(dirname "$0")/$script" --bin "$build/xiaobei" "$@"
