/* page.h - the web page, embedded into the program: GET / and /assets/NAME, with a strict content security policy. */
#ifndef XIAOBEI_SERVER_PAGE_H
#define XIAOBEI_SERVER_PAGE_H

#include "server/http.h"

void page_handle(struct http_exchange *x, void *app);

#endif
