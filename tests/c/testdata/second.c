/* Two Go libraries in one process. usage: second LIBRARY SECOND ours-first|ours-second */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>
#include "host.h"

static int (*work)(int);

static void *both(void *unused)
{
    int i;
    for (i = 0; i < 300; i++) {
        if (call()) FAIL("call failed");
        if (work(10) != 10 * 1000 + 45) FAIL("second library");
        if (i % 50 == 0) work(16);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t t[8];
    int i, first = argc > 3 && !strcmp(argv[3], "ours-first");
    if (first) load_library(argv[1]);
    *(void **)&work = load(argv[2], "SecondWork");
    if (!first) load_library(argv[1]);
    for (i = 0; i < 8; i++) if (pthread_create(&t[i], NULL, both, NULL)) FAIL("pthread_create");
    for (i = 0; i < 8; i++) pthread_join(t[i], NULL);
    return 0;
}
