/* A host with handlers of its own for SIGSEGV, SIGCHLD and SIGPROF on an alternate stack, while threads call
 * the library. usage: signals LIBRARY handlers-first|library-first */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host.h"

enum { THREADS = 4, CALLS = 100000, CHILDREN = 20, FAULTS = 200 };

static atomic_int profs, childs, segvs, on_main_stack;
static __thread sigjmp_buf after_fault;
static __thread char *alternate;
static const size_t alternate_size = 65536;

static void on_prof(int s)
{
    char here;
    (void)s;
    if (alternate && (&here < alternate || &here >= alternate + alternate_size)) on_main_stack++;
    profs++;
}
static void on_pipe(int s) { (void)s; }
static void on_child(int s) { (void)s; childs++; }
static void on_segv(int s, siginfo_t *i, void *c)
{
    (void)s; (void)c;
    if (i->si_addr != (void *)16) _exit(2);
    segvs++;
    siglongjmp(after_fault, 1);
}

static void handle(int sig, void (*plain)(int), void (*full)(int, siginfo_t *, void *))
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_flags = SA_ONSTACK | SA_RESTART | (full ? SA_SIGINFO : 0);
    if (full) a.sa_sigaction = full; else a.sa_handler = plain;
    if (sigaction(sig, &a, NULL)) FAIL("sigaction");
}

static void handlers(void)
{
    handle(SIGPIPE, on_pipe, NULL);
    handle(SIGPROF, on_prof, NULL);
    handle(SIGCHLD, on_child, NULL);
    handle(SIGSEGV, NULL, on_segv);
}

static void own_stack(void)
{
    stack_t s;
    memset(&s, 0, sizeof s);
    alternate = s.ss_sp = malloc(alternate_size);
    s.ss_size = alternate_size;
    if (sigaltstack(&s, NULL)) FAIL("sigaltstack");
}

static void fault(void)
{
    if (sigsetjmp(after_fault, 1) == 0) *(volatile int *)16 = 1;
}

static void *worker(void *unused)
{
    int i;
    stack_t now;
    own_stack();
    for (i = 0; i < CALLS; i++) {
        if (call()) FAIL("call failed");
        if (i % (CALLS / FAULTS) == 0) fault();
    }
    if (sigaltstack(NULL, &now) || now.ss_sp != alternate) FAIL("the thread's alternate stack is gone");
    return unused;
}

/* The runtime's own threads keep out of the host's asynchronous signals, except SIGCHLD, SIGPROF and SIGURG,
 * which the runtime opens always. */
static void check_masks(void)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    int blocked = 0;
    while ((e = readdir(d)))  {
        char path[300], line[256];
        FILE *f;
        unsigned long long mask = 0;
        if (e->d_name[0] == '.' || atoi(e->d_name) == (int)syscall(SYS_gettid)) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        if (!(f = fopen(path, "r"))) continue;
        while (fgets(line, sizeof line, f)) sscanf(line, "SigBlk: %llx", &mask);
        fclose(f);
        if (mask >> (SIGINT - 1) & mask >> (SIGALRM - 1) & mask >> (SIGUSR1 - 1) & mask >> (SIGTERM - 1) & 1) blocked++;
        else FAIL("thread %s takes the host's signals: blocked %llx", e->d_name, mask);
    }
    closedir(d);
    if (!blocked) FAIL("no runtime threads seen");
}

static void check_handler(int sig, void *f)
{
    struct sigaction a;
    if (sigaction(sig, NULL, &a)) FAIL("sigaction");
    if ((void *)a.sa_sigaction != f) FAIL("handler of signal %d replaced", sig);
    if (!(a.sa_flags & SA_ONSTACK)) FAIL("handler of signal %d lost SA_ONSTACK", sig);
}

int main(int argc, char **argv)
{
    pthread_t t[THREADS];
    struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    int i, first = argc > 2 && !strcmp(argv[2], "handlers-first");
    sigset_t mask;
    own_stack();
    if (first) handlers();
    load_library(argv[1]);
    if (call()) FAIL("first call");
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    for (i = 1; i < 32; i++) if (sigismember(&mask, i)) FAIL("loading left signal %d blocked", i);
    check_masks();
    if (!first) {
        struct sigaction a;
        if (sigaction(SIGPIPE, NULL, &a) || a.sa_handler != SIG_DFL) FAIL("loading changed SIGPIPE");
        handlers();
    }
    setitimer(ITIMER_PROF, &every, NULL);
    for (i = 0; i < THREADS; i++) if (pthread_create(&t[i], NULL, worker, NULL)) FAIL("pthread_create");
    for (i = 0; i < CHILDREN; i++) {
        pid_t p = fork();
        if (p == 0) _exit(0);
        if (p < 0 || waitpid(p, NULL, 0) != p) FAIL("child");
        usleep(1000);
    }
    for (i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    setitimer(ITIMER_PROF, &never, NULL);
    check_handler(SIGPIPE, (void *)on_pipe);
    check_handler(SIGPROF, (void *)on_prof);
    check_handler(SIGCHLD, (void *)on_child);
    if (segvs != THREADS * FAULTS) FAIL("%d of %d faults reached the host", segvs, THREADS * FAULTS);
    if (!childs) FAIL("no SIGCHLD");
    if (!profs) FAIL("no SIGPROF");
    printf("%d profile ticks (%d beside the alternate stack), %d children, %d faults\n", profs, on_main_stack, childs, segvs);
    return 0;
}
