/* What the host programs share: loading the library, one call that crosses into Go, and failing loudly. */
#ifndef HOST_H
#define HOST_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAIL(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); _exit(1); } while (0)

typedef JET_ERR (JET_API *get_error_info)(void *, void *, uint32_t, uint32_t, JET_GRBIT);

static get_error_info p_info;

static void *load(const char *library, const char *name)
{
    void *h = dlopen(library, RTLD_NOW), *p;
    if (!h) FAIL("%s", dlerror());
    p = dlsym(h, name);
    if (!p) FAIL("%s", dlerror());
    return p;
}

static inline void load_library(const char *library)
{
    *(void **)&p_info = load(library, "JetGetErrorInfoW");
}

/* One call into Go with an answer that can be checked. */
static inline JET_ERR call(void)
{
    JET_ERR code = JET_errRecordNotFound, err;
    JET_ERRINFOBASIC_W info;
    err = p_info(&code, &info, sizeof info, JET_ErrorInfoSpecificErr, 0);
    if (err == JET_errSuccess && info.errcatMostSpecific != JET_errcatState) FAIL("wrong answer");
    return err;
}
#endif
