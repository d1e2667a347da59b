/* Sets up the mark that tells a forked child from the process that loaded the library, and keeps the
 * runtime out of the host's signals as far as it can do without them. */
#ifndef _WIN32
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

static unsigned char fallback;
static unsigned char *mark = &fallback;
const volatile unsigned char *esent_owner __attribute__((visibility("hidden"))) = &fallback;

static sigset_t callers_mask;
static struct sigaction callers_sigpipe;

static void forked(void) { *mark = 0; }

/* Runs before the Go runtime starts (constructors with a priority come before those without). The threads
 * that the runtime makes inherit the signal mask of the thread that loads the library: with everything
 * blocked here, the host's asynchronous signals go to the host's threads. The runtime opens by itself the
 * synchronous ones, SIGCHLD, SIGPROF and SIGURG. */
__attribute__((constructor(101))) static void before_runtime(void)
{
    sigset_t all;
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) {
        mark = page;
        esent_owner = page;
    }
    *mark = 1;
#ifdef MADV_WIPEONFORK
    /* The kernel clears the page in every child, also in one made by a bare clone system call. */
    if (page == MAP_FAILED || madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK) != 0)
#endif
        pthread_atfork(NULL, NULL, forked);

    sigaction(SIGPIPE, NULL, &callers_sigpipe);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &callers_mask);
}

/* Runs after the runtime has put its handlers in place. It needs none for SIGPIPE, and with one the host's
 * threads would get EPIPE instead of the end that a program by default expects. */
__attribute__((constructor)) static void after_runtime(void)
{
    if ((callers_sigpipe.sa_flags & SA_SIGINFO) ||
        (callers_sigpipe.sa_handler != SIG_DFL && callers_sigpipe.sa_handler != SIG_IGN))
        callers_sigpipe.sa_flags |= SA_ONSTACK;
    sigaction(SIGPIPE, &callers_sigpipe, NULL);
    pthread_sigmask(SIG_SETMASK, &callers_mask, NULL);
}
#endif
