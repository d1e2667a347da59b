/* shortage DIR: sessions, cursors, temporary tables, versions and pages run out; each gives its code, and with some
 * of them given back the engine goes on.
 * shortage DIR MIB: the process may have so much more address space only, of which a cache would like far more. */
#include <sys/resource.h>
#include "engine.h"

enum { SESSIONS = 16, CURSORS = 64, SORTS = 4, MOST = 100000 };

static JET_INSTANCE inst;
static JET_SESID s;
static JET_DBID d;
static JET_COLUMNID key, note;

static JET_ERR insert(JET_TABLEID t, int32_t k, uint32_t size)
{
    static unsigned char buf[100000];
    JET_ERR e;
    OK(JetBeginTransaction(s));
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    OK(JetSetColumn(s, t, key, &k, sizeof k, 0, NULL));
    e = JetSetColumn(s, t, note, buf, size, 0, NULL);
    if (e >= 0) e = JetUpdate(s, t, NULL, 0, NULL);
    if (e < 0) OK(JetPrepareUpdate(s, t, JET_prepCancel));
    OK(e < 0 ? JetRollback(s, 0) : JetCommitTransaction(s, JET_bitCommitLazyFlush));
    return e;
}

static void make(const char *path, JET_TABLEID *t)
{
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, path, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 0, 80, t));
    key = add_column(s, *t, "key", JET_coltypLong, 0, 0);
    note = add_column(s, *t, "note", JET_coltypLongBinary, 0, 0);
    OK(JetCreateIndexA(s, *t, "key", JET_bitIndexPrimary | JET_bitIndexUnique, "+key\0", 6, 80));
}

static void sessions(void)
{
    JET_SESID list[MOST];
    JET_ERR e = 0;
    int i, n, round;
    for (round = 0; round < 3; round++) {
        for (n = 0; n < MOST && (e = JetBeginSessionA(inst, &list[n], NULL, NULL)) >= 0; n++) { }
        if (e != JET_errOutOfSessions || n < SESSIONS - 1) FAIL("session %d: %d", n, (int)e);
        WANT(JET_errOutOfSessions, JetDupSession(s, &list[n]));
        for (i = 0; i < n; i++) OK(JetEndSession(list[i], 0));
    }
}

static void cursors(JET_TABLEID t)
{
    static JET_TABLEID list[MOST];
    JET_ERR e = 0;
    int i, n, round;
    for (round = 0; round < 3; round++) {
        for (n = 0; n < MOST && (e = n % 2 ? JetDupCursor(s, t, &list[n], 0) : JetOpenTableA(s, d, "t", NULL, 0, 0, &list[n])) >= 0; n++) { }
        if (e != JET_errOutOfCursors || n < CURSORS / 2) FAIL("cursor %d: %d", n, (int)e);
        OK(JetMove(s, list[n - 1], JET_MoveFirst, 0));
        for (i = 0; i < n; i++) OK(JetCloseTable(s, list[i]));
    }
}

static void sorts(void)
{
    JET_TABLEID list[MOST / 100];
    JET_COLUMNDEF c = { sizeof c, 0, JET_coltypLong, 0, 0, 0, 0, 0, JET_bitColumnTTKey };
    JET_COLUMNID id;
    JET_ERR e = 0;
    int i, n, round;
    for (round = 0; round < 3; round++) {
        for (n = 0; n < MOST / 100 && (e = JetOpenTempTable(s, &c, 1, JET_bitTTUpdatable | JET_bitTTIndexed, &list[n], &id)) >= 0; n++) { }
        if (e != JET_errTooManySorts || n < SORTS) FAIL("temporary table %d: %d", n, (int)e);
        for (i = 0; i < n; i++) OK(JetCloseTable(s, list[i]));
    }
}

/* versions fills the version store with one transaction; what was done in it can be taken back, and then others go. */
static void versions(JET_TABLEID t)
{
    JET_ERR e = 0;
    int32_t k, round;
    for (round = 0; round < 3; round++) {
        OK(JetBeginTransaction(s));
        for (k = 1000; k < 1000 + MOST && (e = insert(t, k, 10)) >= 0; k++) { }
        if (e != JET_errVersionStoreOutOfMemory) FAIL("row %d: %d", (int)k, (int)e);
        WANT(JET_errVersionStoreOutOfMemory, insert(t, k, 10));
        OK(JetRollback(s, 0));
        OK(JetMove(s, t, JET_MoveLast, 0));
        OK(insert(t, 1 + round, 50000));
    }
}

int main(int argc, char **argv)
{
    char path[1100];
    JET_TABLEID t;
    int32_t k;
    if (argc < 2) FAIL("usage");
    snprintf(path, sizeof path, "%s/x.edb", argv[1]);
    OK(JetSetSystemParameterA(NULL, 0, JET_paramCacheSizeMin, 16, NULL));
    OK(JetSetSystemParameterA(NULL, 0, JET_paramCacheSizeMax, argc > 2 ? 1 << 24 : 32, NULL));
    inst = create_instance("shortage", argv[1]);
    if (argc > 2) {
        struct rlimit l;
        long pages;
        FILE *f = fopen("/proc/self/statm", "r");
        if (!f || fscanf(f, "%ld", &pages) != 1) FAIL("statm");
        fclose(f);
        l.rlim_cur = l.rlim_max = (rlim_t)pages * 4096 + ((rlim_t)atol(argv[2]) << 20);
        if (setrlimit(RLIMIT_AS, &l)) FAIL("setrlimit");
        OK(JetInit(&inst));
    } else {
        set_number(&inst, JET_paramMaxSessions, SESSIONS);
        set_number(&inst, JET_paramMaxCursors, CURSORS);
        set_number(&inst, JET_paramMaxTemporaryTables, SORTS);
        set_number(&inst, JET_paramMaxVerPages, 32);
        OK(JetInit(&inst));
    }
    make(path, &t);
    if (argc == 2) {
        OK(insert(t, 0, 10));
        sessions();
        cursors(t);
        sorts();
        versions(t);
    }
    /* Far more than the cache holds. */
    for (k = 100; k < 400; k++) OK(insert(t, k, 20000));
    for (k = 0; JetMove(s, t, k ? JET_MoveNext : JET_MoveFirst, 0) >= 0; k++) { }
    if (k < 300) FAIL("%d rows", (int)k);
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
