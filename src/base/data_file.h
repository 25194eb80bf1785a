/* data_file.h - the files of data/, embedded into the program as they are (mk/data.mk, tools/embed_data.sh).
 *
 * Tables that people review stay text: a reader of data/NAME reads what the program runs on. Whoever needs one parses
 * it when the program starts. Thread: constant data, any.
 */
#ifndef XIAOBEI_BASE_DATA_FILE_H
#define XIAOBEI_BASE_DATA_FILE_H

#include <stddef.h>

struct data_file {
    const char *name; /* "drugs.tsv" */
    const char *data; /* bytes up to end; not NUL-terminated */
    const char *end;
};

extern const struct data_file data_files[]; /* ends with name NULL; generated */

const struct data_file *data_file_find(const char *name); /* NULL if there is none of that name */

#endif
