/* A backup while writers commit, on the adapters of bench.c.
 *
 *     backup_X DIR MEGABYTES
 *
 * A store of that size is filled. Then: the latency of durable commits of two writers alone; a backup alone; `cat` of the
 * store's file into a new one, with a sync, as the limit; a backup beside the two writers, and their latency meanwhile.
 * backup_extra.c adds what only this engine has. A backup that has not ended after a minute beside writers goes on without them, and backup-ended is 0. Prints lines as
 * bench.c does, for compare.py. Linux only. */
#define _GNU_SOURCE
#include "bench.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 1000, WRITERS = 2, MOST = 1 << 22 };

void die(const char *what, long code) { fprintf(stderr, "%s: %s failed: %ld\n", ENGINE.name, what, code); _exit(1); }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void report(const char *what, double value, const char *unit)
{
    printf("%s\t%s\t%.4g\t%s\n", ENGINE.name, what, value, unit);
    fflush(stdout);
}

static char payload[SIZE];
static int64_t rows;
static volatile int stop;
static pthread_mutex_t single = PTHREAD_MUTEX_INITIALIZER;

static void fill(int64_t key)
{
    uint64_t r = (uint64_t)key * 0x9E3779B97F4A7C15u + 1;
    size_t i;
    for (i = 0; i + 8 <= SIZE; i += 8) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17;
        memcpy(payload + i, &r, 8);
    }
}

typedef struct {
    int id;
    float *latency; /* microseconds */
    long n;
} writer;

static void *commits(void *p)
{
    writer *w = p;
    session *s = ENGINE.session_new();
    char row[100] = {0};
    static int64_t next[WRITERS];
    while (!stop) {
        double t = now();
        if (!ENGINE.multi_writer) pthread_mutex_lock(&single);
        ENGINE.begin(s, 1);
        ENGINE.put(s, rows + (w->id + 1) * 1000000000000 + next[w->id]++, 0, row, sizeof row);
        ENGINE.commit(s, 1);
        if (!ENGINE.multi_writer) pthread_mutex_unlock(&single);
        if (w->n < MOST) w->latency[w->n++] = (float)((now() - t) * 1e6);
        usleep(500); /* a load, not a flood */
    }
    ENGINE.session_free(s);
    return 0;
}

static pthread_t threads[WRITERS];
static writer writers[WRITERS];

static void begin_writers(void)
{
    int i;
    stop = 0;
    for (i = 0; i < WRITERS; i++) {
        writers[i] = (writer){i, malloc(MOST * sizeof(float)), 0};
        pthread_create(&threads[i], 0, commits, &writers[i]);
    }
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void end_writers(const char *what)
{
    char name[80];
    long n = 0;
    float *all;
    int i;
    stop = 1;
    for (i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], 0);
        n += writers[i].n;
    }
    all = malloc((size_t)(n + 1) * sizeof(float));
    for (n = 0, i = 0; i < WRITERS; i++) {
        memcpy(all + n, writers[i].latency, (size_t)writers[i].n * sizeof(float));
        n += writers[i].n;
        free(writers[i].latency);
    }
    if (n == 0) die("no commits", 0);
    qsort(all, (size_t)n, sizeof(float), rising);
    snprintf(name, sizeof name, "%s-p50", what);
    report(name, all[n / 2] / 1e6, "s");
    snprintf(name, sizeof name, "%s-p99", what);
    report(name, all[n * 99 / 100] / 1e6, "s");
    free(all);
}

/* memory is a line of /proc/self/status in MiB. */
static double memory(const char *line)
{
    char text[200];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(text, sizeof text, f))
        if (!strncmp(text, line, strlen(line))) kib = atof(text + strlen(line) + 1);
    if (f) fclose(f);
    return kib / 1024;
}

static void forget_peak(void)
{
    int f = open("/proc/self/clear_refs", O_WRONLY);
    if (f < 0 || write(f, "5", 1) != 1) die("clear_refs", 0);
    close(f);
}

static void clear_dir(const char *dir)
{
    char command[5000];
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s'", dir, dir);
    if (system(command) != 0) die(command, 0);
}

static uint64_t copied;
static volatile int ended;

static void *backup(void *dest)
{
    copied = ENGINE.backup(dest);
    ended = 1;
    return 0;
}

/* largest finds the store's file. */
static uint64_t largest(const char *dir, char *out, size_t size)
{
    uint64_t most = 0;
    struct dirent *e;
    DIR *d = opendir(dir);
    while (d && (e = readdir(d))) {
        char path[5000];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > most) {
            most = (uint64_t)st.st_size;
            snprintf(out, size, "%s", path);
        }
    }
    if (d) closedir(d);
    return most;
}

static double cat(const char *file, uint64_t bytes, const char *dest)
{
    char command[10200];
    double t;
    clear_dir(dest);
    snprintf(command, sizeof command, "cat '%s' > '%s/copy' && sync -d '%s/copy'", file, dest, dest);
    t = now();
    if (system(command) != 0) die(command, 0);
    t = now() - t;
    clear_dir(dest);
    return (double)bytes / t / 1e6;
}

/* extra is what is measured of one engine alone. */
void extra(const char *dest, const char *spare, double bytes, void (*report)(const char *what, double value, const char *unit)) __attribute__((weak));

int main(int argc, char **argv)
{
    char store[4200], dest[4200], file[5000];
    session *s;
    uint64_t bytes;
    int64_t i;
    double t, before, limit;
    pthread_t thread;
    if (argc < 3) { fprintf(stderr, "usage: %s DIR MEGABYTES\n", argv[0]); return 2; }
    rows = (int64_t)atoll(argv[2]) * 1000000 / (SIZE + 40);
    mkdir(argv[1], 0755);
    snprintf(store, sizeof store, "%s/store", argv[1]);
    snprintf(dest, sizeof dest, "%s/copy", argv[1]);
    clear_dir(store);
    clear_dir(dest);
    ENGINE.open(store, 1);
    s = ENGINE.session_new();
    for (i = 0; i < rows;) {
        int k;
        ENGINE.begin(s, 1);
        for (k = 0; k < 1000 && i < rows; k++, i++) {
            fill(i);
            ENGINE.put(s, i, (int32_t)(i / 100), payload, SIZE);
        }
        ENGINE.commit(s, 0);
    }
    ENGINE.session_free(s);
    begin_writers();
    sleep(10);
    end_writers("commit");

    bytes = largest(store, file, sizeof file);
    report("store-size", (double)bytes / 1e6, "MB");
    cat(file, bytes, dest); /* warms the system's cache, for all alike */
    limit = cat(file, bytes, dest);
    report("cat", limit, "MB/s");
    before = memory("VmRSS:");
    forget_peak();
    t = now();
    bytes = ENGINE.backup(dest);
    t = (double)bytes / (now() - t) / 1e6;
    report("backup-alone", t, "MB/s");
    report("backup-memory", memory("VmHWM:") - before, "MiB");
    report("backup-of-cat", t / limit, "");
    if (extra) {
        snprintf(file, sizeof file, "%s/spare", argv[1]);
        extra(dest, file, (double)bytes, report);
    }

    clear_dir(dest);
    begin_writers();
    sleep(1);
    t = now();
    pthread_create(&thread, 0, backup, dest);
    while (!ended && now() - t < 60) usleep(10000);
    report("backup-ended", ended, "");
    end_writers("backup-commit");
    pthread_join(thread, 0);
    report("backup-loaded", (double)copied / (now() - t) / 1e6, "MB/s");
    ENGINE.close();
    return 0;
}
