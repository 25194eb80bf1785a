#!/bin/sh
# embed_assets.sh OUT_DIR FILE... - write OUT_DIR/web_assets.c and web_assets.S, which put the files into the program as they are.
set -eu
out=$1
shift
mkdir -p "$out"
{
    echo '    .section .rodata'
    i=0
    for file in "$@"; do
        printf '    .global asset_%d, asset_%d_end\nasset_%d:\n    .incbin "%s"\nasset_%d_end:\n' $i $i $i "$file" $i
        i=$((i + 1))
    done
    echo '    .section .note.GNU-stack,"",%progbits'
} >"$out/web_assets.S"
{
    echo '#include "server/assets.h"'
    i=0
    for file in "$@"; do
        echo "extern const unsigned char asset_${i}[], asset_${i}_end[];"
        i=$((i + 1))
    done
    echo 'const struct asset assets[] = {'
    i=0
    for file in "$@"; do
        case $file in
        *.html) type='text/html; charset=utf-8' ;;
        *.js) type='text/javascript; charset=utf-8' ;;
        *.css) type='text/css; charset=utf-8' ;;
        *.svg) type='image/svg+xml' ;;
        *.png) type='image/png' ;;
        *.json | *.webmanifest) type='application/json' ;;
        *) type='application/octet-stream' ;;
        esac
        tag=$(sha256sum "$file" | cut -c1-16)
        echo "    {\"$(basename "$file")\", \"$type\", \"\\\"$tag\\\"\", asset_$i, asset_${i}_end},"
        i=$((i + 1))
    done
    echo '    {0}};'
} >"$out/web_assets.c"
