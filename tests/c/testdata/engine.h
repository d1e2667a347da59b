/* What the programs share that use the engine, not only its door: calls that must succeed, an instance in a
 * directory, columns by number. They are linked with the library. */
#ifndef ENGINE_H
#define ENGINE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <esent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FAIL(...) do { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); _exit(1); } while (0)

/* OK makes a call that may only succeed, warnings included. */
#define OK(call) do { JET_ERR ok_ = (call); if (ok_ < 0) FAIL("%s:%d: %s -> %d", __FILE__, __LINE__, #call, (int)ok_); } while (0)

/* WANT makes a call that may only give the code. */
#define WANT(code, call) do { JET_ERR want_ = (call); \
    if (want_ != (code)) FAIL("%s:%d: %s -> %d, not %d", __FILE__, __LINE__, #call, (int)want_, (int)(code)); } while (0)

static inline void set_number(JET_INSTANCE *i, uint32_t id, JET_API_PTR v) { OK(JetSetSystemParameterA(i, JET_sesidNil, id, v, NULL)); }
static inline void set_text(JET_INSTANCE *i, uint32_t id, const char *v) { OK(JetSetSystemParameterA(i, JET_sesidNil, id, 0, v)); }

/* create_instance makes an instance whose files all lie in dir; it is not initialised. */
static inline JET_INSTANCE create_instance(const char *name, const char *dir)
{
    JET_INSTANCE i;
    char path[1100];
    OK(JetCreateInstanceA(&i, name));
    snprintf(path, sizeof path, "%s/", dir);
    set_text(&i, JET_paramSystemPath, path);
    set_text(&i, JET_paramLogFilePath, path);
    set_text(&i, JET_paramTempPath, path);
    set_text(&i, JET_paramAlternateDatabaseRecoveryPath, path);
    set_number(&i, JET_paramLogFileSize, 512);
    set_number(&i, JET_paramMaxSessions, 64);
    set_number(&i, JET_paramMaxVerPages, 8192);
    set_number(&i, JET_paramNoInformationEvent, 1);
    return i;
}

static inline JET_COLUMNID add_column(JET_SESID s, JET_TABLEID t, const char *name, JET_COLTYP type, JET_GRBIT grbit, uint16_t cp)
{
    JET_COLUMNDEF d;
    JET_COLUMNID id;
    memset(&d, 0, sizeof d);
    d.cbStruct = sizeof d;
    d.coltyp = type;
    d.grbit = grbit;
    d.cp = cp;
    OK(JetAddColumnA(s, t, name, &d, NULL, 0, &id));
    return id;
}

static inline JET_COLUMNID column(JET_SESID s, JET_TABLEID t, const char *name)
{
    JET_COLUMNDEF d;
    OK(JetGetTableColumnInfoA(s, t, name, &d, sizeof d, JET_ColInfo));
    return d.columnid;
}

/* Deterministic pseudo-random numbers (splitmix64). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
#endif
