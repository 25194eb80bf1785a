#!/bin/sh
# fuzz.sh BUILD SECONDS LIBS TARGET... - build the library with libFuzzer, ASan and UBSan and fuzz each target; LIBS are
# the packages to link with, from the Makefile. Findings are kept as BUILD/crash-*, new inputs in BUILD/corpus/, the corpus in the repository only grows by hand.
set -eu
build=$1
seconds=$2
packages=$3
shift 3
sanitizers=-fsanitize=fuzzer-no-link,address,undefined
make --no-print-directory BUILD="$build" CC=clang OPT='-O1 -g' SAN="$sanitizers" "$build/libxiaobei.a"
# shellcheck disable=SC2086 # a list of packages
libs=$(pkg-config --libs $packages)
for target in "$@"; do
    mkdir -p "$build/corpus/$target"
    # shellcheck disable=SC2086 # flags are meant to be split
    clang -std=gnu11 -D_GNU_SOURCE -g -Isrc -Itests -fsanitize=fuzzer,address,undefined -pthread \
        "tests/fuzz/$target.c" "$build/libxiaobei.a" -o "$build/$target" $libs ${FUZZ_LIBS:-} -lm
    echo "== $target for $seconds s"
    "$build/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$build/crash-$target-" \
        -print_final_stats=1 "$build/corpus/$target" "tests/fuzz/corpus/${target#fuzz_}"
done
