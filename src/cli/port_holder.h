/* port_holder.h - which process listens on a TCP port of this machine, from /proc (Linux). For `doctor` and for the
 * sentence that says why `serve` could not start. Thread: any. */
#ifndef XIAOBEI_CLI_PORT_HOLDER_H
#define XIAOBEI_CLI_PORT_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* True if something listens on the port (IPv4 or IPv6). out gets "nginx (pid 812)", or "another user's process" when
 * /proc does not let us see it. */
bool port_holder_find(int port, char *out, size_t n);

#endif
