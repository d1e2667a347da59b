/* The check at the head of every exported function: does this process own the Go runtime? */
#ifndef ESENT_GUARD_H
#define ESENT_GUARD_H

#ifdef _WIN32
#define ESENT_EXPORT __declspec(dllexport)
#define ESENT_CHECK_OWNER() ((void)0) /* there is no fork() */
#else
#define ESENT_EXPORT __attribute__((visibility("default")))

/* Points to 1 in the process that loaded the library, to 0 in every child that fork() made of it. */
extern const volatile unsigned char *esent_owner __attribute__((visibility("hidden")));

/* Only the forking thread lives on in a forked child; the runtime's other threads are gone, and a call into
 * it would wait for them for ever. */
#define ESENT_CHECK_OWNER() \
    do { \
        if (__builtin_expect(*esent_owner == 0, 0)) \
            return JET_errInstanceUnavailable; \
    } while (0)
#endif

/* A number for the calling thread, never used again for another one in this process. */
#include <stdint.h>
extern __thread uint64_t esent_thread_number __attribute__((visibility("hidden")));
uint64_t esent_new_thread(void) __attribute__((visibility("hidden")));
static inline uint64_t esent_thread(void) { return esent_thread_number ? esent_thread_number : esent_new_thread(); }

/* How many callbacks of the program's are running on the calling thread, one in the other. */
extern __thread uint32_t esent_callbacks __attribute__((visibility("hidden")));
static inline uint32_t esent_callbacks_running(void) { return esent_callbacks; }

/* Defines a second name of a function of the same file. */
#define ESENT_ALIAS(function) __attribute__((alias(#function)))

#endif
