/* killed work DIR: threads change rows in transactions that wait for the disk, and say on standard output
 * which are committed, until the process is killed. killed check DIR KILLS N...: N transactions of each thread
 * were said to be committed; recovers the database and compares all rows with what so many transactions
 * make, or one more of a thread for each kill: committed and not yet said. */
#include <pthread.h>
#include "engine.h"

enum { THREADS = 3, ROWS = 400, NOTE = 9000 };

static JET_INSTANCE inst;
static char db[1100];

/* What a row must hold. Every step of a thread is a function of the thread and the step's number. */
typedef struct { int there; int64_t value; uint32_t size; uint64_t seed; } Row;

typedef struct { Row rows[ROWS]; } Model;

typedef struct { int row; int64_t value; uint32_t size; uint64_t seed; int removes; } Change;

enum { CHANGES = 4 };

static void changes_of(int thread, uint64_t step, Change *c)
{
    uint64_t random = step * 64 + (uint64_t)thread;
    int i;
    for (i = 0; i < CHANGES; i++) {
        c[i].row = (int)(next_random(&random) % ROWS);
        c[i].removes = next_random(&random) % 4 == 0;
        c[i].value = (int64_t)next_random(&random);
        c[i].size = (uint32_t)(next_random(&random) % 5 ? next_random(&random) % 200 : next_random(&random) % NOTE);
        c[i].seed = next_random(&random);
    }
}

static void fill(unsigned char *p, uint32_t size, uint64_t seed)
{
    uint32_t i;
    for (i = 0; i < size; i++) p[i] = (unsigned char)(i % 8 ? p[i - 1] + (i % 3) : next_random(&seed));
}

typedef struct { JET_SESID s; JET_DBID d; JET_TABLEID rows, steps; JET_COLUMNID thread, row, value, note, owner, step; } Desk;

static void open_desk(Desk *k)
{
    OK(JetBeginSessionA(inst, &k->s, NULL, NULL));
    OK(JetOpenDatabaseA(k->s, db, NULL, &k->d, 0));
    OK(JetOpenTableA(k->s, k->d, "rows", NULL, 0, 0, &k->rows));
    OK(JetOpenTableA(k->s, k->d, "steps", NULL, 0, 0, &k->steps));
    k->thread = column(k->s, k->rows, "thread");
    k->row = column(k->s, k->rows, "row");
    k->value = column(k->s, k->rows, "value");
    k->note = column(k->s, k->rows, "note");
    k->owner = column(k->s, k->steps, "owner");
    k->step = column(k->s, k->steps, "step");
}

/* prepare attaches the database and makes what is missing in it: the process may have been killed at any
 * moment of that, too. */
static void prepare(void)
{
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_ERR e;
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    e = JetAttachDatabaseA(s, db, 0);
    if (e == JET_errFileNotFound) {
        OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    } else {
        OK(e);
        OK(JetOpenDatabaseA(s, db, NULL, &d, 0));
    }
    e = JetOpenTableA(s, d, "rows", NULL, 0, 0, &t);
    if (e != JET_errObjectNotFound) {
        OK(e);
        OK(JetEndSession(s, 0));
        return;
    }
    OK(JetBeginTransaction(s));
    OK(JetCreateTableA(s, d, "rows", 0, 80, &t));
    add_column(s, t, "thread", JET_coltypLong, 0, 0);
    add_column(s, t, "row", JET_coltypLong, 0, 0);
    add_column(s, t, "value", JET_coltypLongLong, 0, 0);
    add_column(s, t, "note", JET_coltypLongBinary, 0, 0);
    OK(JetCreateIndexA(s, t, "key", JET_bitIndexPrimary | JET_bitIndexUnique, "+thread\0+row\0", 14, 80));
    OK(JetCreateIndexA(s, t, "value", 0, "+value\0", 8, 80));
    OK(JetCreateTableA(s, d, "steps", 0, 80, &t));
    add_column(s, t, "owner", JET_coltypLong, 0, 0);
    add_column(s, t, "step", JET_coltypLongLong, 0, 0);
    OK(JetCreateIndexA(s, t, "owner", JET_bitIndexPrimary | JET_bitIndexUnique, "+owner\0", 8, 80));
    OK(JetCommitTransaction(s, 0));
    OK(JetEndSession(s, 0));
}

static JET_ERR seek_row(Desk *k, int32_t thread, int32_t row)
{
    OK(JetMakeKey(k->s, k->rows, &thread, sizeof thread, JET_bitNewKey));
    OK(JetMakeKey(k->s, k->rows, &row, sizeof row, 0));
    return JetSeek(k->s, k->rows, JET_bitSeekEQ);
}

/* step_of is the number of steps that a thread has committed. */
static uint64_t step_of(Desk *k, int32_t thread)
{
    uint64_t n;
    JET_ERR e;
    OK(JetMakeKey(k->s, k->steps, &thread, sizeof thread, JET_bitNewKey));
    if ((e = JetSeek(k->s, k->steps, JET_bitSeekEQ)) == JET_errRecordNotFound) return 0;
    OK(e);
    OK(JetRetrieveColumn(k->s, k->steps, k->step, &n, sizeof n, NULL, 0, NULL));
    return n;
}

static void set(Desk *k, const Change *c, int32_t thread, int there)
{
    unsigned char note[NOTE];
    int32_t row = c->row;
    fill(note, c->size, c->seed);
    OK(JetPrepareUpdate(k->s, k->rows, there ? JET_prepReplace : JET_prepInsert));
    if (!there) {
        OK(JetSetColumn(k->s, k->rows, k->thread, &thread, sizeof thread, 0, NULL));
        OK(JetSetColumn(k->s, k->rows, k->row, &row, sizeof row, 0, NULL));
    }
    OK(JetSetColumn(k->s, k->rows, k->value, &c->value, sizeof c->value, 0, NULL));
    OK(JetSetColumn(k->s, k->rows, k->note, note, c->size, c->size ? 0 : JET_bitSetZeroLength, NULL));
    OK(JetUpdate(k->s, k->rows, NULL, 0, NULL));
}

static void make_step(Desk *k, int32_t thread, uint64_t step)
{
    Change c[CHANGES];
    int i;
    changes_of(thread, step, c);
    OK(JetBeginTransaction(k->s));
    for (i = 0; i < CHANGES; i++) {
        JET_ERR e = seek_row(k, thread, c[i].row);
        if (e != JET_errRecordNotFound) OK(e);
        if (c[i].removes) {
            if (e >= 0) OK(JetDelete(k->s, k->rows));
        } else {
            set(k, &c[i], thread, e >= 0);
        }
    }
    if (step % 50 == 1) { /* a table comes with the step */
        char name[64];
        JET_TABLEID t;
        JET_COLUMNID id;
        snprintf(name, sizeof name, "of%dstep%llu", (int)thread, (unsigned long long)step);
        OK(JetCreateTableA(k->s, k->d, name, 0, 80, &t));
        id = add_column(k->s, t, "step", JET_coltypLongLong, 0, 0);
        OK(JetPrepareUpdate(k->s, t, JET_prepInsert));
        OK(JetSetColumn(k->s, t, id, &step, sizeof step, 0, NULL));
        OK(JetUpdate(k->s, t, NULL, 0, NULL));
        OK(JetCloseTable(k->s, t));
    }
    if (step > 1) { OK(JetMakeKey(k->s, k->steps, &thread, sizeof thread, JET_bitNewKey)); OK(JetSeek(k->s, k->steps, JET_bitSeekEQ)); }
    OK(JetPrepareUpdate(k->s, k->steps, step > 1 ? JET_prepReplace : JET_prepInsert));
    if (step == 1) OK(JetSetColumn(k->s, k->steps, k->owner, &thread, sizeof thread, 0, NULL));
    OK(JetSetColumn(k->s, k->steps, k->step, &step, sizeof step, 0, NULL));
    OK(JetUpdate(k->s, k->steps, NULL, 0, NULL));
    if (step % 3) {
        OK(JetCommitTransaction(k->s, 0));
    } else {
        OK(JetCommitTransaction(k->s, JET_bitCommitLazyFlush));
        OK(JetCommitTransaction(k->s, JET_bitWaitLastLevel0Commit));
    }
}

static void *worker(void *arg)
{
    int32_t thread = (int32_t)(intptr_t)arg;
    uint64_t step;
    Desk k;
    open_desk(&k);
    for (step = step_of(&k, thread) + 1;; step++) {
        char line[64];
        int n;
        make_step(&k, thread, step);
        n = snprintf(line, sizeof line, "%d %llu\n", (int)thread, (unsigned long long)step);
        if (write(1, line, (size_t)n) != n) FAIL("write");
    }
}

static void work(void)
{
    pthread_t t[THREADS];
    intptr_t i;
    for (i = 0; i < THREADS; i++) if (pthread_create(&t[i], NULL, worker, (void *)i)) FAIL("pthread_create");
    pause();
}

static void compare_row(Desk *k, int thread, int row, const Row *want)
{
    unsigned char note[NOTE], right[NOTE];
    int64_t value;
    uint32_t size;
    JET_ERR e = seek_row(k, thread, row);
    if (e == JET_errRecordNotFound && !want->there) return;
    if (e < 0 || !want->there) FAIL("row %d/%d: seek %d, there %d", thread, row, (int)e, want->there);
    OK(JetRetrieveColumn(k->s, k->rows, k->value, &value, sizeof value, NULL, 0, NULL));
    WANT(0, JetRetrieveColumn(k->s, k->rows, k->note, note, sizeof note, &size, 0, NULL));
    fill(right, want->size, want->seed);
    if (value != want->value || size != want->size || memcmp(note, right, size)) FAIL("row %d/%d has another content", thread, row);
}

static void check_thread(Desk *k, int thread, uint64_t steps)
{
    static Model m;
    Change c[CHANGES];
    uint64_t step;
    int i;
    memset(&m, 0, sizeof m);
    for (step = 1; step <= steps; step++) {
        changes_of(thread, step, c);
        for (i = 0; i < CHANGES; i++) {
            Row r = { !c[i].removes, c[i].value, c[i].size, c[i].seed };
            m.rows[c[i].row] = r;
        }
        if (step % 50 == 1) {
            char name[64];
            JET_TABLEID t;
            uint64_t n;
            snprintf(name, sizeof name, "of%dstep%llu", thread, (unsigned long long)step);
            OK(JetOpenTableA(k->s, k->d, name, NULL, 0, 0, &t));
            WANT(0, JetMove(k->s, t, JET_MoveFirst, 0));
            OK(JetRetrieveColumn(k->s, t, column(k->s, t, "step"), &n, sizeof n, NULL, 0, NULL));
            WANT(JET_errNoCurrentRecord, JetMove(k->s, t, JET_MoveNext, 0));
            OK(JetCloseTable(k->s, t));
            if (n != step) FAIL("table %s has step %llu", name, (unsigned long long)n);
        }
    }
    for (i = 0; i < ROWS; i++) compare_row(k, thread, i, &m.rows[i]);
}

/* count is the number of entries along an index; along the index over value, their order too. */
static long count(Desk *k, const char *index)
{
    long n = 0;
    int64_t value, last = INT64_MIN;
    JET_ERR e;
    OK(JetSetCurrentIndexA(k->s, k->rows, index));
    for (e = JetMove(k->s, k->rows, JET_MoveFirst, 0); e >= 0; e = JetMove(k->s, k->rows, JET_MoveNext, 0), n++) {
        OK(JetRetrieveColumn(k->s, k->rows, k->value, &value, sizeof value, NULL, 0, NULL));
        if (!strcmp(index, "value") && value < last) FAIL("index out of order");
        last = value;
    }
    if (e != JET_errNoCurrentRecord) FAIL("reading along %s: %d", index, (int)e);
    OK(JetSetCurrentIndexA(k->s, k->rows, NULL));
    return n;
}

static void check(uint64_t kills, char **said)
{
    Desk k;
    int i;
    open_desk(&k);
    for (i = 0; i < THREADS; i++) {
        uint64_t n = strtoull(said[i], NULL, 10), found = step_of(&k, i);
        if (found < n || found > n + kills) FAIL("thread %d: %llu steps said to be committed, %llu found", i, (unsigned long long)n, (unsigned long long)found);
        check_thread(&k, i, found);
        printf("%d %llu\n", i, (unsigned long long)found);
    }
    if (count(&k, "key") != count(&k, "value")) FAIL("%ld rows and %ld entries", count(&k, "key"), count(&k, "value"));
}

int main(int argc, char **argv)
{
    char *dir = argv[2];
    if (argc != 3 && argc != 4 + THREADS) FAIL("usage");
    snprintf(db, sizeof db, "%s/killed.edb", dir);
    OK(JetSetSystemParameterA(NULL, 0, JET_paramCacheSizeMin, 64, NULL));
    OK(JetSetSystemParameterA(NULL, 0, JET_paramCacheSizeMax, 256, NULL));
    inst = create_instance("killed", dir);
    set_number(&inst, JET_paramCheckpointDepthMax, 256 * 1024);
    set_number(&inst, JET_paramLogFileSize, 128);
    set_number(&inst, JET_paramCircularLog, 1);
    OK(JetInit(&inst));
    prepare();
    if (!strcmp(argv[1], "work")) work();
    check(strtoull(argv[3], NULL, 10), argv + 4);
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
