/* tenant.h - whose request it is: what the engine computed for one tenant is never used for another (engine.h).
 *
 * The API key where the server has one; without keys the request's `user`; on the page the session cookie. A request
 * with none of them shares nothing: it finds the built-in system prompt and leaves nothing to be found. The number is a
 * keyed hash with a key of this process, so that it says nothing outside of it. Any thread.
 */
#ifndef XIAOBEI_SERVER_TENANT_H
#define XIAOBEI_SERVER_TENANT_H

#include <stdint.h>

#include "server/http.h"

/* user may be NULL. 0: nobody. */
uint64_t tenant_of(const struct http_exchange *x, const char *api_key, const char *user);

/* Give a browser that has none a session cookie. Before http_send. */
void tenant_set_cookie(struct http_exchange *x);

#endif
