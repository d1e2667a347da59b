/* usage: build_X DIR ROWS; prints lines as bench.c does, for compare.py. */
#include "build.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void die(const char *what, long code) { fprintf(stderr, "%s: %s failed: %ld\n", BUILDER.name, what, code); exit(1); }

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void report(const char *workload, double rows, double since) { printf("%s\t%s\t%.4g\trows/s\n", BUILDER.name, workload, rows / (now() - since)); fflush(stdout); }

static uint64_t state = 1;
static uint32_t next(void) { state = state * 6364136223846793005u + 1442695040888963407u; return (uint32_t)(state >> 33); }

int main(int argc, char **argv)
{
    char text[40];
    int32_t rows, r;
    uint64_t seen, disorder = 0;
    double t;
    if (argc < 3) { fprintf(stderr, "usage: %s DIR ROWS\n", argv[0]); return 2; }
    rows = atoi(argv[2]);
    BUILDER.open(argv[1]);
    BUILDER.begin();
    for (r = 0; r < rows; r++) {
        uint32_t size = (uint32_t)snprintf(text, sizeof text, "text value %u", next());
        BUILDER.put(r, (int32_t)next(), text, size);
        if (r % 1000 == 999) { BUILDER.commit(); BUILDER.begin(); }
    }
    BUILDER.commit();
    t = now(); BUILDER.index_number(); report("create-index", rows, t);
    t = now(); BUILDER.index_text(); report("create-index-text", rows, t);
    t = now();
    BUILDER.sort_begin();
    for (r = 0; r < rows; r++) BUILDER.sort_put((int32_t)next(), r);
    seen = BUILDER.sort_end(&disorder);
    if (seen > (uint64_t)rows || seen < (uint64_t)rows - rows / 100 || disorder) die("sort", (long)seen);
    report("sort", rows, t);
    BUILDER.close();
    return 0;
}
