/* What the programs share that look for limits: a database of a page size, tables and columns by the dozen, and failures that are
 * counted. */
#ifndef LIMITS_H
#define LIMITS_H
#include "engine.h"

static JET_INSTANCE inst;
static JET_SESID ses;
static JET_DBID dbid;

/* NEAR counts a failure and goes on. */
static int failures;
#define NEAR(code, call, ...) do { JET_ERR e_ = (call); if (e_ != (code)) { failures++; \
    fprintf(stderr, "%d: %s -> %d, not %d: ", __LINE__, #call, (int)e_, (int)(code)); fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } } while (0)

static JET_TABLEID table(const char *name)
{
    JET_TABLEID t;
    OK(JetCreateTableA(ses, dbid, name, 0, 80, &t));
    return t;
}

/* index_on describes an index "i" over a column, whose keys have most bytes, 0 for the default. */
static JET_INDEXCREATE_A index_on(const char *column, JET_GRBIT grbit, uint32_t most)
{
    static char key[40];
    JET_INDEXCREATE_A x;
    memset(&x, 0, sizeof x);
    memset(key, 0, sizeof key);
    snprintf(key, sizeof key - 1, "+%s", column);
    x.cbStruct = sizeof x;
    x.szIndexName = "i";
    x.szKey = key;
    x.cbKey = (uint32_t)strlen(key) + 2;
    x.grbit = grbit | (most ? JET_bitIndexKeyMost : 0);
    x.cbKeyMost = most;
    return x;
}

/* start makes the database of a program that was called with DIR PAGE. */
static uint32_t start(const char *name, int argc, char **argv)
{
    uint32_t page = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    char path[1100];
    if (argc != 3) FAIL("usage");
    set_number(NULL, JET_paramDatabasePageSize, page);
    inst = create_instance(name, argv[1]);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &ses, NULL, NULL));
    snprintf(path, sizeof path, "%s/%s.edb", argv[1], name);
    OK(JetCreateDatabaseA(ses, path, NULL, &dbid, 0));
    return page;
}
#endif
