/* Forks while threads are inside the library. A child gets JET_errInstanceUnavailable from every call. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host.h"

extern char **environ;

static atomic_int stop;

static void *busy(void *unused)
{
    while (!stop) if (call()) FAIL("call failed");
    return unused;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void expect_ok(pid_t p, const char *what)
{
    int status;
    if (p < 0 || waitpid(p, &status, 0) != p) FAIL("%s: no child", what);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) FAIL("%s: child ended with %x", what, status);
}

static void child(const char *library)
{
    JET_ERR (JET_API *init)(JET_INSTANCE *), (JET_API *stop_service)(void), (JET_API *begin)(JET_INSTANCE, JET_SESID *, const char *, const char *);
    JET_INSTANCE i = JET_instanceNil;
    JET_SESID s;
    double start = now();
    int n;
    alarm(10);
    *(void **)&init = load(library, "JetInit");
    *(void **)&begin = load(library, "JetBeginSession");
    *(void **)&stop_service = load(library, "JetStopService");
    for (n = 0; n < 1000; n++)
        if (call() != JET_errInstanceUnavailable) FAIL("child: call");
    if (init(&i) != JET_errInstanceUnavailable) FAIL("child: JetInit");
    if (begin(i, &s, NULL, NULL) != JET_errInstanceUnavailable) FAIL("child: JetBeginSession");
    if (stop_service() != JET_errInstanceUnavailable) FAIL("child: JetStopService");
    if (now() - start > 1) FAIL("child: slow");
}

int main(int argc, char **argv)
{
    pthread_t t[4];
    pid_t p;
    int i;
    char *again[] = {argv[0], argv[1], (char *)"executed", NULL};
    load_library(argv[1]);
    if (call()) FAIL("first call");
    if (argc > 2) return 0; /* executed by a child: a new process with a library of its own */
    for (i = 0; i < 4; i++) if (pthread_create(&t[i], NULL, busy, NULL)) FAIL("pthread_create");
    for (i = 0; i < 20; i++) {
        if ((p = fork()) == 0) {
            child(argv[1]);
            if ((p = fork()) == 0) { child(argv[1]); _exit(0); }
            expect_ok(p, "grandchild");
            exit(0);
        }
        expect_ok(p, "fork");
    }
    if ((p = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) == 0) { child(argv[1]); _exit(0); }
    expect_ok(p, "clone");
    if ((p = fork()) == 0) { execv(argv[0], again); _exit(1); }
    expect_ok(p, "exec");
    if (posix_spawn(&p, argv[0], NULL, NULL, again, environ)) FAIL("posix_spawn");
    expect_ok(p, "posix_spawn");
    if (call()) FAIL("parent: call after forks");
    stop = 1;
    for (i = 0; i < 4; i++) pthread_join(t[i], NULL);
    return 0;
}
