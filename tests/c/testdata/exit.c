/* Ends with code 7 while threads are inside the library. usage: exit LIBRARY exit|return|atexit|_exit */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>
#include "host.h"

static void *busy(void *unused)
{
    for (;;) if (call()) FAIL("call failed");
    return unused;
}

static void last_call(void)
{
    if (call()) FAIL("call at exit failed");
}

int main(int argc, char **argv)
{
    const char *way = argv[argc - 1];
    pthread_t t;
    int i;
    load_library(argv[1]);
    for (i = 0; i < 6; i++) if (pthread_create(&t, NULL, busy, NULL)) FAIL("pthread_create");
    usleep(30000);
    if (!strcmp(way, "_exit")) _exit(7);
    if (!strcmp(way, "atexit")) atexit(last_call);
    if (!strcmp(way, "return")) return 7;
    exit(7);
}
