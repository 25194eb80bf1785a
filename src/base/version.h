/* version.h - the program's version; also in /health and the server's start line. */
#ifndef XIAOBEI_BASE_VERSION_H
#define XIAOBEI_BASE_VERSION_H
#define XIAOBEI_VERSION "0.1.0"
#endif
