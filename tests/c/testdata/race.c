/* race DIR SECONDS SEED: threads work on a database while others end their sessions, close their tables and
 * databases and roll their transactions back, and the instance is stopped and terminated in the midst of it, again
 * and again. Every call must come back, with whatever code; what is in the files afterwards must be whole. */
#include <pthread.h>
#include <stdatomic.h>
#include "engine.h"

enum { WORKERS = 6, WRECKERS = 2, ROWS = 200, NOTE = 6000, LONGEST = 60 };

static JET_INSTANCE inst;
static char db[1100];
static atomic_int stop;
static atomic_long calls, refused, wrecked;
static JET_COLUMNID key, value, note;

/* What a worker has open just now, for the others to meddle with. */
static struct { _Atomic(JET_SESID) s; _Atomic(JET_TABLEID) t; atomic_uint d; } shown[WORKERS];

/* said counts a call and gives its code. */
static JET_ERR said(JET_ERR e)
{
    calls++;
    if (e < 0) refused++;
    if (e == JET_errInternalError || e == JET_errDatabaseCorrupted || e == JET_errLVCorrupted || e == JET_errReadVerifyFailure)
        FAIL("a call gave %d", (int)e);
    return e;
}

static void fill(unsigned char *p, uint32_t size, int64_t seed)
{
    uint32_t i;
    for (i = 0; i < size; i++) p[i] = (unsigned char)(seed >> (i % 4 * 8));
}

static void change(JET_SESID s, JET_TABLEID t, uint64_t *random)
{
    unsigned char buf[NOTE];
    int32_t k = (int32_t)(next_random(random) % ROWS);
    int64_t v = (int64_t)(next_random(random) >> 1);
    uint32_t size = (uint32_t)(next_random(random) % 4 ? next_random(random) % 100 : next_random(random) % NOTE), actual;
    JET_ERR e;
    said(JetMakeKey(s, t, &k, sizeof k, JET_bitNewKey));
    e = said(JetSeek(s, t, JET_bitSeekEQ));
    if (e >= 0 && next_random(random) % 4 == 0) { said(JetDelete(s, t)); return; }
    if (e >= 0 && next_random(random) % 2) {
        said(JetRetrieveColumn(s, t, note, buf, sizeof buf, &actual, 0, NULL));
        said(JetMove(s, t, next_random(random) % 2 ? JET_MoveNext : JET_MovePrevious, 0));
        return;
    }
    if (said(JetPrepareUpdate(s, t, e < 0 ? JET_prepInsert : JET_prepReplace)) < 0) return;
    if (e < 0) said(JetSetColumn(s, t, key, &k, sizeof k, 0, NULL));
    fill(buf, size, v);
    e = said(JetSetColumn(s, t, value, &v, sizeof v, 0, NULL));
    if (e >= 0) e = said(JetSetColumn(s, t, note, buf, size, size ? 0 : JET_bitSetZeroLength, NULL));
    if (e >= 0) e = said(JetUpdate(s, t, NULL, 0, NULL));
    if (e < 0) said(JetPrepareUpdate(s, t, JET_prepCancel));
}

/* work does with a session what comes to its mind, until it is refused too often: then the session is another's
 * doing. */
static void work(int n, JET_SESID s, uint64_t *random)
{
    JET_DBID d;
    JET_TABLEID t = 0;
    int i;
    if (said(JetOpenDatabaseA(s, db, NULL, &d, 0)) < 0) return;
    shown[n].d = d;
    for (i = 0; i < 60 && !stop; i++) {
        if (!t) {
            if (said(JetOpenTableA(s, d, "t", NULL, 0, 0, &t)) < 0) break;
            shown[n].t = t;
        }
        if (said(JetBeginTransaction(s)) == JET_errInvalidSesid) break;
        change(s, t, random);
        change(s, t, random);
        switch (next_random(random) % 8) {
        case 0: said(JetRollback(s, JET_bitRollbackAll)); break;
        case 1: said(JetCommitTransaction(s, 0)); break;
        case 2: said(JetCloseTable(s, t)); shown[n].t = t = 0; /* fall through */
        default: said(JetCommitTransaction(s, JET_bitCommitLazyFlush));
        }
    }
}

static void *worker(void *arg)
{
    int n = (int)((uintptr_t)arg & 0xFF);
    uint64_t random = (uintptr_t)arg;
    while (!stop) {
        JET_SESID s;
        JET_ERR e;
        if (said(JetBeginSessionA(inst, &s, NULL, NULL)) < 0) { usleep(1000); continue; }
        shown[n].s = s;
        work(n, s, &random);
        shown[n].s = shown[n].t = 0;
        while ((e = said(JetEndSession(s, 0))) == JET_errSessionSharingViolation || e == JET_errTermInProgress) usleep(100);
    }
    return NULL;
}

/* wrecker makes calls with what belongs to others. */
static void *wrecker(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    while (!stop) {
        int n = (int)(next_random(&random) % WORKERS);
        JET_SESID s = shown[n].s;
        JET_TABLEID t = shown[n].t;
        unsigned char buf[100];
        usleep((useconds_t)(next_random(&random) % 500));
        wrecked++;
        switch (next_random(&random) % 12) {
        case 0: said(JetEndSession(s, 0)); break;
        case 1: said(JetCloseTable(s, t)); break;
        case 2: said(JetCloseDatabase(s, shown[n].d, 0)); break;
        case 3: case 4: said(JetRollback(s, JET_bitRollbackAll)); break;
        case 5: said(JetCommitTransaction(s, 0)); break;
        case 6: /* a transaction belongs to the thread that began it: nobody else could end it, or the session */
            if (said(JetBeginTransaction(s)) >= 0)
                while (said(JetRollback(s, 0)) == JET_errSessionSharingViolation) usleep(50);
            break;
        case 7: said(JetPrepareUpdate(s, t, JET_prepCancel)); break;
        case 8: said(JetRetrieveColumn(s, t, note, buf, sizeof buf, NULL, 0, NULL)); break;
        case 9: said(JetDupCursor(s, t, &t, 0)); break;
        case 10: said(JetIdle(s, JET_bitIdleCompact)); break;
        default: said(JetMove(s, t, JET_MoveNext, 0));
        }
    }
    return NULL;
}

static void *terminator(void *arg)
{
    said(JetTerm2(inst, (JET_GRBIT)(uintptr_t)arg));
    return NULL;
}

/* open_instance initialises, recovering if need be, and makes the table where it is not there yet. */
static void open_instance(const char *dir)
{
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_ERR e;
    inst = create_instance("race", dir);
    set_number(&inst, JET_paramCircularLog, 1);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    e = JetAttachDatabaseA(s, db, 0);
    if (e == JET_errFileNotFound) {
        OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
        OK(JetBeginTransaction(s));
        OK(JetCreateTableA(s, d, "t", 0, 80, &t));
        add_column(s, t, "key", JET_coltypLong, 0, 0);
        add_column(s, t, "value", JET_coltypLongLong, 0, 0);
        add_column(s, t, "note", JET_coltypLongBinary, 0, 0);
        OK(JetCreateIndexA(s, t, "key", JET_bitIndexPrimary | JET_bitIndexUnique, "+key\0", 6, 80));
        OK(JetCreateIndexA(s, t, "value", 0, "+value\0", 8, 80));
        OK(JetCommitTransaction(s, 0));
    } else {
        OK(e);
        OK(JetOpenDatabaseA(s, db, NULL, &d, 0));
        OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &t));
    }
    key = column(s, t, "key");
    value = column(s, t, "value");
    note = column(s, t, "note");
    OK(JetEndSession(s, 0));
}

/* check reads everything along both indexes. */
static void check(void)
{
    static const char *const indexes[] = { "key", "value" };
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_ERR e;
    int i, n[2] = { 0, 0 };
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    OK(JetOpenDatabaseA(s, db, NULL, &d, 0));
    OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &t));
    for (i = 0; i < 2; i++) {
        OK(JetSetCurrentIndexA(s, t, indexes[i]));
        for (e = JetMove(s, t, JET_MoveFirst, 0); e >= 0; e = JetMove(s, t, JET_MoveNext, 0), n[i]++) {
            unsigned char have[NOTE], want[NOTE];
            int64_t v;
            uint32_t size;
            OK(JetRetrieveColumn(s, t, value, &v, sizeof v, NULL, 0, NULL));
            OK(JetRetrieveColumn(s, t, note, have, sizeof have, &size, 0, NULL));
            fill(want, size, v);
            if (memcmp(have, want, size)) FAIL("the note of a row does not belong to it");
        }
        if (e != JET_errNoCurrentRecord) FAIL("reading along %s: %d", indexes[i], (int)e);
    }
    if (n[0] != n[1]) FAIL("%d rows, %d entries", n[0], n[1]);
    OK(JetEndSession(s, 0));
}

int main(int argc, char **argv)
{
    static const JET_GRBIT ends[] = { JET_bitTermComplete, JET_bitTermAbrupt, JET_bitTermAbrupt, JET_bitTermDirty | JET_bitTermAbrupt };
    double end = seconds() + (argc > 2 ? atof(argv[2]) : 1);
    uint64_t random = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    int rounds = 0;
    if (argc < 3) FAIL("usage");
    snprintf(db, sizeof db, "%s/race.edb", argv[1]);
    for (; seconds() < end; rounds++) {
        pthread_t threads[WORKERS + WRECKERS], terms[2];
        uintptr_t i;
        JET_ERR e;
        int two = next_random(&random) % 2;
        alarm(LONGEST); /* what hangs is killed by the signal */
        open_instance(argv[1]);
        check();
        stop = 0;
        for (i = 0; i < WORKERS + WRECKERS; i++) {
            uintptr_t arg = (uintptr_t)(next_random(&random) & ~(uint64_t)0xFF) | i;
            if (pthread_create(&threads[i], NULL, i < WORKERS ? worker : wrecker, (void *)arg)) FAIL("pthread_create");
        }
        usleep((useconds_t)(next_random(&random) % 200000));
        if (next_random(&random) % 3 == 0) {
            said(JetStopServiceInstance(inst));
            usleep((useconds_t)(next_random(&random) % 20000));
        }
        for (i = 0; i <= (uintptr_t)two; i++)
            if (pthread_create(&terms[i], NULL, terminator, (void *)(uintptr_t)ends[next_random(&random) % 4])) FAIL("pthread_create");
        for (i = 0; i <= (uintptr_t)two; i++) pthread_join(terms[i], NULL);
        if (next_random(&random) % 2) usleep(5000); /* some go on with an instance that is gone */
        stop = 1;
        for (i = 0; i < WORKERS + WRECKERS; i++) pthread_join(threads[i], NULL);
        e = said(JetTerm2(inst, JET_bitTermAbrupt)); /* it may have been refused before: somebody was in a transaction */
        if (e < 0 && e != JET_errInvalidInstance && e != JET_errInvalidParameter) FAIL("the last JetTerm2 gave %d", (int)e);
    }
    open_instance(argv[1]);
    check();
    OK(JetTerm2(inst, JET_bitTermComplete));
    printf("rounds %d calls %ld refused %ld wrecked %ld\n", rounds, (long)calls, (long)refused, (long)wrecked);
    if (rounds == 0 || refused == calls) FAIL("too little happened");
    return 0;
}
