/* What the programs share that look for structures' sizes: a buffer that is looked at behind the size that was given. */
#ifndef SIZES_H
#define SIZES_H
#include "engine.h"

enum { MOST = 800, FILLED = 0xA5 };
static unsigned char buffer[MOST];
static int failures;

/* judge compares with what the size should have given, and looks behind it. */
static void judge(const char *what, uint32_t size, JET_ERR want, JET_ERR have)
{
    uint32_t i;
    if (have != want) {
        failures++;
        fprintf(stderr, "%s of %u bytes: %d, not %d\n", what, size, (int)have, (int)want);
    }
    for (i = size < 4 ? 4 : size; i < MOST && buffer[i] == FILLED; i++) {}
    if (i < MOST) {
        failures++;
        fprintf(stderr, "%s of %u bytes: byte %u was written\n", what, size, i);
    }
}

static inline void wide_path(WCHAR *wide, const char *path)
{
    while ((*wide++ = (WCHAR)*path++) != 0) {}
}
#endif
