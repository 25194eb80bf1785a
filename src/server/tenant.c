/* tenant.c - see tenant.h. */
#include "server/tenant.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SESSION_BYTES = 16, SESSION_TEXT = 2 * SESSION_BYTES };
#define COOKIE "xiaobei_session="

static unsigned char process_key[crypto_generichash_KEYBYTES];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    randombytes_buf(process_key, sizeof process_key);
}

/* kind keeps a `user` from being taken for a key or a session of the same spelling. */
static uint64_t number_of(char kind, const char *text, size_t n)
{
    unsigned char digest[crypto_generichash_BYTES];
    crypto_generichash_state state;
    uint64_t number;
    pthread_once(&key_once, make_key);
    crypto_generichash_init(&state, process_key, sizeof process_key, sizeof digest);
    crypto_generichash_update(&state, (const unsigned char *)&kind, 1);
    crypto_generichash_update(&state, (const unsigned char *)text, n);
    crypto_generichash_final(&state, digest, sizeof digest);
    memcpy(&number, digest, sizeof number);
    return number == 0 || number == UINT64_MAX ? 1 : number; /* nobody and the public have these */
}

/* The session in a Cookie header: our own spelling or none. */
static const char *session_of(const struct http_exchange *x)
{
    const char *header = http_header(x, "Cookie");
    const char *at = header ? strstr(header, COOKIE) : NULL;
    if (!at || (at != header && at[-1] != ' ' && at[-1] != ';')) return NULL;
    at += sizeof COOKIE - 1;
    size_t n = strspn(at, "0123456789abcdef");
    return n == SESSION_TEXT && (at[n] == '\0' || at[n] == ';') ? at : NULL;
}

uint64_t tenant_of(const struct http_exchange *x, const char *api_key, const char *user)
{
    if (api_key) return number_of('k', api_key, strlen(api_key));
    if (user && *user) return number_of('u', user, strlen(user));
    const char *session = session_of(x);
    return session ? number_of('s', session, SESSION_TEXT) : 0;
}

void tenant_set_cookie(struct http_exchange *x)
{
    unsigned char bytes[SESSION_BYTES];
    char text[SESSION_TEXT + 1];
    char cookie[sizeof COOKIE + SESSION_TEXT + 64];
    if (session_of(x)) return;
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
    snprintf(cookie, sizeof cookie, COOKIE "%s; Path=/; HttpOnly; SameSite=Strict", text);
    http_set_header(x, "Set-Cookie", cookie);
}
