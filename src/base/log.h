/* log.h - server.log: one line per event, "2026-11-24 12:00:00.123 INFO  [server] text".
 *
 * Never a patient's words: callers log ids, counts, durations and codes. Rotated at midnight (local time) to
 * server_YYYYMMDD.log and by size to server_YYYYMMDD.N.log, keep newest `keep`; reopened on log_request_reopen (SIGUSR1
 * sets a flag, the next line acts on it), and when another server in the same directory has renamed it. Before log_open
 * lines go to standard error. What goes there goes by the console (console.h), which never waits for its reader.
 * Thread: any; one mutex. log_request_reopen is async-signal-safe.
 */
#ifndef XIAOBEI_BASE_LOG_H
#define XIAOBEI_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_options {
    const char *directory; /* server.log lives here; created if missing */
    enum log_level level;  /* lines below it are dropped */
    size_t max_bytes;      /* rotate when the file would pass this; 0 = 64 MiB */
    int keep;              /* rotated files kept; 0 = 14 */
    bool also_stderr;      /* echo to standard error (foreground runs) */
};

int log_open(const struct log_options *options, struct error *e) MUST_USE;
void log_close(void);
void log_request_reopen(void);
int log_level_parse(const char *name, enum log_level *out) MUST_USE; /* debug info warn error; ERR_INVALID */
void log_write(enum log_level level, const char *module, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_write(LOG_DEBUG, LOG_MODULE, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, LOG_MODULE, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, LOG_MODULE, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, LOG_MODULE, __VA_ARGS__)

#endif
