/* verbs.h - what the program can be asked to do; one file per verb (cli/verb_NAME.c), one entry each in verbs.c.
 *
 * A verb gets its own arguments (argv[0] is its name), writes data to stdout and words to stderr, and returns an exit
 * code (sysexits). `xiaobei VERB --help` prints its usage to stdout. Only cli/ may decide to end the process.
 */
#ifndef XIAOBEI_CLI_VERBS_H
#define XIAOBEI_CLI_VERBS_H

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* one line for `xiaobei --help` */
    const char *usage;   /* the verb's own help, whole lines, ends with a newline */
};

const struct verb *const *verbs_all(void); /* ends with NULL */
const struct verb *verb_find(const char *name);

#endif
