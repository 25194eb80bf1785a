/* file_hint.c - see file_hint.h. */
#include "model/file_hint.h"

#include <stdbool.h>
#include <string.h>

static bool starts(const uint8_t *data, size_t n, const char *with)
{
    return n >= strlen(with) && memcmp(data, with, strlen(with)) == 0;
}

const char *file_hint(const uint8_t *data, size_t n)
{
    if (n == 0) return " (it is empty)";
    size_t skip = starts(data, n, "\xEF\xBB\xBF") ? 3 : 0;
    while (skip < n && skip < 64 && (data[skip] == ' ' || data[skip] == '\n' || data[skip] == '\r')) skip++;
    if (skip < n && data[skip] == '<') return " (it looks like a web page, such as a login or error page)";
    if (starts(data, n, "version https://git-lfs"))
        return " (it is a Git LFS pointer: the repository was cloned without its large files)";
    if (starts(data, n, "GGUF")) return " (it is a GGUF file: give the file itself, not a directory)";
    if (starts(data, n, "lmgg") || starts(data, n, "tjgg") || starts(data, n, "fmgg"))
        return " (it is in the old GGML format, from before GGUF)";
    if (starts(data, n, "PK\x03\x04")) return " (it looks like a zip or PyTorch file; safetensors or GGUF is needed)";
    if (starts(data, n, "\x1F\x8B")) return " (it looks compressed)";
    if (skip < n && data[skip] == '{') return " (it looks like JSON, such as an error message of a hub)";
    return "";
}
