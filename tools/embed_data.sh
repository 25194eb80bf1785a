#!/bin/sh
# embed_data.sh OUT_DIR FILE... - write OUT_DIR/data_files.c and data_files.S, which put the files of data/ into the program.
set -eu
out=$1
shift
mkdir -p "$out"
{
    echo '    .section .rodata'
    i=0
    for file in "$@"; do
        printf '    .global data_file_%d, data_file_%d_end\ndata_file_%d:\n    .incbin "%s"\ndata_file_%d_end:\n' \
            $i $i $i "$file" $i
        i=$((i + 1))
    done
    echo '    .section .note.GNU-stack,"",%progbits'
} >"$out/data_files.S"
{
    echo '#include "base/data_file.h"'
    i=0
    for file in "$@"; do
        echo "extern const char data_file_${i}[], data_file_${i}_end[];"
        i=$((i + 1))
    done
    echo 'const struct data_file data_files[] = {'
    i=0
    for file in "$@"; do
        echo "    {\"$(basename "$file")\", data_file_$i, data_file_${i}_end},"
        i=$((i + 1))
    done
    echo '    {0}};'
} >"$out/data_files.c"
