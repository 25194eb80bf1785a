#!/bin/sh
# run.sh [compare.py options] - measure beside llama.cpp, driven through the published Python package llama-cpp-python. The package is built
# with native flags into build/peer the first time (several minutes); PEER=DIR uses an existing virtual environment.
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
exec "$peer/bin/python" "$(dirname "$0")/compare.py" --bin "$build/xiaobei" "$@"
