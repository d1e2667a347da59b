/* Thousands of threads, with small stacks, that call once and end. */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>
#include "host.h"

enum { ROUNDS = 250, AT_ONCE = 20 };

static void *one(void *unused)
{
    if (call()) FAIL("call failed");
    return unused;
}

static int count(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static long resident_kb(void)
{
    long kb = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, f)) sscanf(line, "VmRSS: %ld", &kb);
    fclose(f);
    return kb;
}

int main(int argc, char **argv)
{
    pthread_t t[AT_ONCE];
    pthread_attr_t small;
    int r, i, threads = 0;
    long kb = 0;
    pthread_attr_init(&small);
    if (pthread_attr_setstacksize(&small, 65536)) FAIL("stack size");
    load_library(argv[argc - 1]);
    for (r = 0; r < ROUNDS; r++) {
        for (i = 0; i < AT_ONCE; i++) if (pthread_create(&t[i], &small, one, NULL)) FAIL("pthread_create");
        for (i = 0; i < AT_ONCE; i++) pthread_join(t[i], NULL);
        if (r == ROUNDS / 10) { kb = resident_kb(); threads = count("/proc/self/task"); }
    }
    /* Nothing stays behind of a thread that has gone. */
    if (resident_kb() > kb + 16384) FAIL("grew from %ld to %ld KB", kb, resident_kb());
    if (count("/proc/self/task") > threads + 10) FAIL("%d threads left, %d before", count("/proc/self/task"), threads);
    return 0;
}
