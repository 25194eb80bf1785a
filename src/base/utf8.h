/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 * Pure functions; any thread. */
#ifndef XIAOBEI_BASE_UTF8_H
#define XIAOBEI_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode one character of s[0..n). Returns its length in bytes and stores it in *cp; 0 if n is 0; for an invalid or
 * cut sequence returns 1 and stores U+FFFD. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp);

/* Encode cp into out; returns the length, 1-4 (an invalid cp becomes U+FFFD). */
size_t utf8_encode(uint32_t cp, char out[4]);

bool utf8_is_valid(const char *s, size_t n);

/* Length of the longest prefix of s[0..n) that does not end inside an unfinished (but so far valid) sequence: what may
 * be released to a client now, the rest (at most 3 bytes) waits for more. */
size_t utf8_complete_prefix(const char *s, size_t n);

/* Bytes of the string s that fit into max without cutting a character in two: the precision for "%.*s". */
int utf8_fit(const char *s, int max);

/* Make the string s valid in place: what cannot be decoded becomes '?', byte by byte. */
void utf8_mend(char *s);

/* Number of characters; invalid bytes count as one each. */
size_t utf8_count(const char *s, size_t n);

#endif
