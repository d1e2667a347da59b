/* killed work DIR: threads change rows in transactions, some of which wait for the disk, while another makes
 * changes that it never commits and one backs up, until the process is killed. It says on standard output what it
 * does, a line before or after each commit:
 *     s THREAD STEP    the commit of the step is about to be called; steps of a thread are numbered
 *     c THREAD STEP    it has returned, and need not be durable
 *     d THREAD STEP    it has returned, and is durable
 *     b, e             a backup begins, a backup has ended well
 * killed check DIR: recovers the database, says how many steps of each thread are there, "f THREAD STEPS", and
 * compares everything with what so many steps make.
 * killed restore BACKUP DIR: the same with a backup, restored into DIR. */
#include <pthread.h>
#include "engine.h"

enum { THREADS = 4, TABLES = 2, ROWS = 300, NOTE = 9000, CHANGES = 4, DOOMED = 99, NEWEST = 100, TOTAL = 101 };

/* A step creates a table now and then, and a later one deletes it. */
enum { CREATES = 100, LIVES = 250 };

static JET_INSTANCE inst;
static char db[1100];
static const char *const names[TABLES] = { "red", "blue" };

/* What a row must hold. The bytes of a note follow from its seed: a longer one begins as a shorter one does. */
typedef struct { int there; int64_t value; uint32_t size; uint64_t seed; } Row;

/* What a step does to a row. */
typedef struct { int table, row, removes, appends; int64_t value; uint32_t size; uint64_t seed; } Change;

static void changes_of(int thread, uint64_t step, Change *c)
{
    uint64_t random = step * 64 + (uint64_t)thread;
    int i;
    for (i = 0; i < CHANGES; i++) {
        c[i].table = (int)(next_random(&random) % TABLES);
        c[i].row = (int)(next_random(&random) % ROWS);
        c[i].removes = next_random(&random) % 4 == 0;
        c[i].appends = next_random(&random) % 3 == 0;
        c[i].value = (int64_t)next_random(&random);
        c[i].size = (uint32_t)(next_random(&random) % 5 ? next_random(&random) % 200 : next_random(&random) % NOTE);
        c[i].seed = next_random(&random);
    }
}

/* apply gives what a row holds after a change. */
static Row apply(Row old, const Change *c)
{
    Row r = { !c->removes, c->value, c->size, c->seed };
    if (old.there && c->appends) {
        r.size = old.size + c->size <= NOTE ? old.size + c->size : old.size;
        r.seed = old.seed;
    }
    return r;
}

static void fill(unsigned char *p, uint32_t size, uint64_t seed)
{
    uint32_t i;
    for (i = 0; i < size; i++) p[i] = (unsigned char)(i % 8 ? p[i - 1] + (i % 3) : next_random(&seed));
}

typedef struct { JET_TABLEID t; JET_COLUMNID thread, row, value, note, seed; } Table;
typedef struct { JET_SESID s; JET_DBID d; Table tables[TABLES]; JET_TABLEID steps; JET_COLUMNID owner, step, total; } Desk;

static void open_desk(Desk *k)
{
    int i;
    OK(JetBeginSessionA(inst, &k->s, NULL, NULL));
    OK(JetOpenDatabaseA(k->s, db, NULL, &k->d, 0));
    for (i = 0; i < TABLES; i++) {
        Table *t = &k->tables[i];
        OK(JetOpenTableA(k->s, k->d, names[i], NULL, 0, 0, &t->t));
        t->thread = column(k->s, t->t, "thread");
        t->row = column(k->s, t->t, "row");
        t->value = column(k->s, t->t, "value");
        t->note = column(k->s, t->t, "note");
        t->seed = column(k->s, t->t, "seed");
    }
    OK(JetOpenTableA(k->s, k->d, "steps", NULL, 0, 0, &k->steps));
    k->owner = column(k->s, k->steps, "owner");
    k->step = column(k->s, k->steps, "step");
    k->total = column(k->s, k->steps, "total");
}

/* create makes the tables, and the rows that all threads share: the newest step of each, and how many there are. */
static void create(JET_SESID s, JET_DBID d)
{
    static const int32_t shared[] = { NEWEST, TOTAL };
    JET_TABLEID t;
    JET_COLUMNID owner;
    JET_COLUMNDEF total;
    int32_t zero = 0;
    int i;
    OK(JetBeginTransaction(s));
    for (i = 0; i < TABLES; i++) {
        OK(JetCreateTableA(s, d, names[i], 0, 80, &t));
        add_column(s, t, "thread", JET_coltypLong, 0, 0);
        add_column(s, t, "row", JET_coltypLong, 0, 0);
        add_column(s, t, "value", JET_coltypLongLong, 0, 0);
        add_column(s, t, "seed", JET_coltypLongLong, 0, 0);
        add_column(s, t, "note", JET_coltypLongBinary, 0, 0);
        OK(JetCreateIndexA(s, t, "key", JET_bitIndexPrimary | JET_bitIndexUnique, "+thread\0+row\0", 14, 80));
        OK(JetCreateIndexA(s, t, "value", 0, "+value\0", 8, 80));
        OK(JetCreateIndexA(s, t, "down", JET_bitIndexUnique, "-row\0+thread\0", 14, 80));
    }
    OK(JetCreateTableA(s, d, "steps", 0, 80, &t));
    owner = add_column(s, t, "owner", JET_coltypLong, 0, 0);
    add_column(s, t, "step", JET_coltypLongLong, 0, 0);
    memset(&total, 0, sizeof total);
    total.cbStruct = sizeof total;
    total.coltyp = JET_coltypLong;
    total.grbit = JET_bitColumnFixed | JET_bitColumnEscrowUpdate;
    OK(JetAddColumnA(s, t, "total", &total, &zero, sizeof zero, NULL));
    OK(JetCreateIndexA(s, t, "owner", JET_bitIndexPrimary | JET_bitIndexUnique, "+owner\0", 8, 80));
    for (i = 0; i < 2; i++) {
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, owner, &shared[i], sizeof shared[i], 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
    }
    OK(JetCommitTransaction(s, 0));
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
    e = JetOpenTableA(s, d, "steps", NULL, 0, 0, &t);
    if (e == JET_errObjectNotFound) create(s, d);
    else OK(e);
    OK(JetEndSession(s, 0));
}

static JET_ERR seek_row(Desk *k, const Table *t, int32_t thread, int32_t row)
{
    OK(JetMakeKey(k->s, t->t, &thread, sizeof thread, JET_bitNewKey));
    OK(JetMakeKey(k->s, t->t, &row, sizeof row, 0));
    return JetSeek(k->s, t->t, JET_bitSeekEQ);
}

static JET_ERR seek_owner(Desk *k, int32_t owner)
{
    OK(JetMakeKey(k->s, k->steps, &owner, sizeof owner, JET_bitNewKey));
    return JetSeek(k->s, k->steps, JET_bitSeekEQ);
}

/* step_of is the number of steps that a thread has committed. */
static uint64_t step_of(Desk *k, int32_t thread)
{
    uint64_t n;
    JET_ERR e = seek_owner(k, thread);
    if (e == JET_errRecordNotFound) return 0;
    OK(e);
    OK(JetRetrieveColumn(k->s, k->steps, k->step, &n, sizeof n, NULL, 0, NULL));
    return n;
}

/* read_row gives what a row holds, where the cursor stands, having compared its note with its seed. */
static Row read_row(Desk *k, const Table *t)
{
    unsigned char note[NOTE], right[NOTE];
    Row r = { 1, 0, 0, 0 };
    OK(JetRetrieveColumn(k->s, t->t, t->value, &r.value, sizeof r.value, NULL, 0, NULL));
    OK(JetRetrieveColumn(k->s, t->t, t->seed, &r.seed, sizeof r.seed, NULL, 0, NULL));
    WANT(0, JetRetrieveColumn(k->s, t->t, t->note, note, sizeof note, &r.size, 0, NULL));
    fill(right, r.size, r.seed);
    if (memcmp(note, right, r.size)) FAIL("the note of a row does not belong to it");
    return r;
}

/* change_row makes a change to a row that nobody else touches. */
static void change_row(Desk *k, int32_t thread, const Change *c)
{
    const Table *t = &k->tables[c->table];
    unsigned char note[NOTE];
    int32_t row = c->row;
    JET_ERR e = seek_row(k, t, thread, row);
    Row old = { 0, 0, 0, 0 }, r;
    JET_GRBIT bits = 0;
    if (e != JET_errRecordNotFound) {
        OK(e);
        old = read_row(k, t);
    }
    r = apply(old, c);
    if (!r.there) {
        if (old.there) OK(JetDelete(k->s, t->t));
        return;
    }
    OK(JetPrepareUpdate(k->s, t->t, old.there ? JET_prepReplace : JET_prepInsert));
    if (!old.there) {
        OK(JetSetColumn(k->s, t->t, t->thread, &thread, sizeof thread, 0, NULL));
        OK(JetSetColumn(k->s, t->t, t->row, &row, sizeof row, 0, NULL));
    }
    OK(JetSetColumn(k->s, t->t, t->value, &r.value, sizeof r.value, 0, NULL));
    OK(JetSetColumn(k->s, t->t, t->seed, &r.seed, sizeof r.seed, 0, NULL));
    fill(note, r.size, r.seed);
    if (old.there && r.seed == old.seed) {
        bits = JET_bitSetAppendLV;
        memmove(note, note + old.size, r.size -= old.size);
    }
    if (!bits || r.size) OK(JetSetColumn(k->s, t->t, t->note, note, r.size, r.size ? bits : JET_bitSetZeroLength, NULL));
    OK(JetUpdate(k->s, t->t, NULL, 0, NULL));
}

static void say(const char *what, int thread, uint64_t step)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%s %d %llu\n", what, thread, (unsigned long long)step);
    if (write(1, line, (size_t)n) != n) FAIL("write");
}

static void table_name(char *name, size_t size, int thread, uint64_t step)
{
    snprintf(name, size, "of%dstep%llu", thread, (unsigned long long)step);
}

/* change_tables creates the table of a step, and deletes the one that has lived. */
static void change_tables(Desk *k, int thread, uint64_t step)
{
    char name[64];
    JET_TABLEID t;
    JET_COLUMNID id;
    if (step % CREATES == 1) {
        table_name(name, sizeof name, thread, step);
        OK(JetCreateTableA(k->s, k->d, name, 0, 80, &t));
        id = add_column(k->s, t, "step", JET_coltypLongLong, 0, 0);
        OK(JetPrepareUpdate(k->s, t, JET_prepInsert));
        OK(JetSetColumn(k->s, t, id, &step, sizeof step, 0, NULL));
        OK(JetUpdate(k->s, t, NULL, 0, NULL));
        OK(JetCloseTable(k->s, t));
    }
    if (step > LIVES && (step - LIVES) % CREATES == 1) {
        table_name(name, sizeof name, thread, step - LIVES);
        OK(JetDeleteTableA(k->s, k->d, name));
    }
}

/* note_step raises the thread's number of steps, the number of all steps, and now and then the row that all
 * threads write. A write conflict on that is for the caller. */
static JET_ERR note_step(Desk *k, int32_t thread, uint64_t step)
{
    int32_t one = 1;
    JET_ERR e;
    if (step > 1) OK(seek_owner(k, thread));
    OK(JetPrepareUpdate(k->s, k->steps, step > 1 ? JET_prepReplace : JET_prepInsert));
    if (step == 1) OK(JetSetColumn(k->s, k->steps, k->owner, &thread, sizeof thread, 0, NULL));
    OK(JetSetColumn(k->s, k->steps, k->step, &step, sizeof step, 0, NULL));
    OK(JetUpdate(k->s, k->steps, NULL, 0, NULL));
    OK(seek_owner(k, TOTAL));
    OK(JetEscrowUpdate(k->s, k->steps, k->total, &one, sizeof one, NULL, 0, NULL, 0));
    if (step % 8) return 0;
    OK(seek_owner(k, NEWEST));
    if ((e = JetPrepareUpdate(k->s, k->steps, JET_prepReplace)) < 0) return e;
    step = step << 8 | (uint64_t)thread;
    OK(JetSetColumn(k->s, k->steps, k->step, &step, sizeof step, 0, NULL));
    if ((e = JetUpdate(k->s, k->steps, NULL, 0, NULL)) < 0) OK(JetPrepareUpdate(k->s, k->steps, JET_prepCancel));
    return e;
}

/* make_step makes a step in one transaction, again after a write conflict. Some inner transactions, and some whole
 * steps before the one that stays, are taken back. */
static void make_step(Desk *k, int32_t thread, uint64_t step)
{
    Change c[CHANGES], other[CHANGES];
    int i, taken_back = step % 7 != 0;
    changes_of(thread, step, c);
    changes_of(thread + THREADS, step, other);
    for (;;) {
        JET_ERR e;
        OK(JetBeginTransaction(k->s));
        if (step % 6 == 0) {
            OK(JetBeginTransaction(k->s));
            for (i = 0; i < CHANGES; i++) change_row(k, thread, &other[i]);
            OK(JetRollback(k->s, 0));
        }
        for (i = 0; i < CHANGES; i++) change_row(k, thread, &c[i]);
        change_tables(k, thread, step);
        e = note_step(k, thread, step);
        if (e >= 0 && taken_back) break;
        if (e != JET_errWriteConflict) OK(e);
        if (e >= 0) taken_back = 1;
        else usleep(500);
        OK(JetRollback(k->s, 0));
    }
    say("s", thread, step);
    switch (step % 5) {
    case 0:
        OK(JetCommitTransaction(k->s, 0));
        say("d", thread, step);
        return;
    case 1:
        OK(JetCommitTransaction(k->s, JET_bitCommitLazyFlush));
        OK(JetCommitTransaction(k->s, JET_bitWaitLastLevel0Commit));
        say("d", thread, step);
        return;
    default:
        OK(JetCommitTransaction(k->s, JET_bitCommitLazyFlush));
        say("c", thread, step);
    }
}

static void *worker(void *arg)
{
    int32_t thread = (int32_t)(intptr_t)arg;
    uint64_t step;
    Desk k;
    open_desk(&k);
    for (step = step_of(&k, thread) + 1;; step++) make_step(&k, thread, step);
    return arg;
}

/* doomed makes changes that reach log and database before they are taken back, or the process is killed. */
static void *doomed(void *unused)
{
    Desk k;
    uint64_t step;
    open_desk(&k);
    for (step = 1;; step++) {
        Change c[CHANGES];
        int i;
        if (step % 40 == 1) OK(JetBeginTransaction(k.s));
        changes_of(DOOMED, step, c);
        for (i = 0; i < CHANGES; i++) change_row(&k, DOOMED, &c[i]);
        usleep(1000);
        if (step % 40 == 0) OK(JetRollback(k.s, 0));
    }
    return unused;
}

static void *archivist(void *arg)
{
    char dir[1200];
    snprintf(dir, sizeof dir, "%s/backup", (const char *)arg);
    mkdir(dir, 0777);
    for (;;) {
        usleep(150000);
        say("b", 0, 0);
        OK(JetBackupInstanceA(inst, dir, JET_bitBackupAtomic, NULL));
        say("e", 0, 0);
    }
}

static void work(char *dir)
{
    pthread_t t[THREADS + 2];
    intptr_t i;
    for (i = 0; i < THREADS; i++) if (pthread_create(&t[i], NULL, worker, (void *)i)) FAIL("pthread_create");
    if (pthread_create(&t[i], NULL, doomed, NULL) || pthread_create(&t[i + 1], NULL, archivist, dir)) FAIL("pthread_create");
    pause();
}

/* check_tables looks for the tables that so many steps have created and not deleted. */
static void check_tables(Desk *k, int thread, uint64_t steps)
{
    uint64_t step;
    for (step = 1; step <= steps; step += CREATES) {
        char name[64];
        JET_TABLEID t;
        JET_ERR e;
        uint64_t n;
        table_name(name, sizeof name, thread, step);
        e = JetOpenTableA(k->s, k->d, name, NULL, 0, 0, &t);
        if (e == JET_errObjectNotFound && steps >= step + LIVES) continue;
        if (e < 0 || steps >= step + LIVES) FAIL("table %s after %llu steps: %d", name, (unsigned long long)steps, (int)e);
        WANT(0, JetMove(k->s, t, JET_MoveFirst, 0));
        OK(JetRetrieveColumn(k->s, t, column(k->s, t, "step"), &n, sizeof n, NULL, 0, NULL));
        WANT(JET_errNoCurrentRecord, JetMove(k->s, t, JET_MoveNext, 0));
        OK(JetCloseTable(k->s, t));
        if (n != step) FAIL("table %s has step %llu", name, (unsigned long long)n);
    }
}

/* check_thread compares a thread's rows with what its steps have made, and adds them to the number of each table. */
static void check_thread(Desk *k, int thread, uint64_t steps, long *rows)
{
    static Row want[TABLES][ROWS];
    Change c[CHANGES];
    uint64_t step;
    int i, j;
    memset(want, 0, sizeof want);
    for (step = 1; step <= steps; step++) {
        changes_of(thread, step, c);
        for (i = 0; i < CHANGES; i++) want[c[i].table][c[i].row] = apply(want[c[i].table][c[i].row], &c[i]);
    }
    for (j = 0; j < TABLES; j++) {
        for (i = 0; i < ROWS; i++) {
            Row w = want[j][i], r;
            JET_ERR e = seek_row(k, &k->tables[j], thread, i);
            if (e == JET_errRecordNotFound && !w.there) continue;
            if (e < 0 || !w.there) FAIL("%s %d/%d: seek %d, there %d", names[j], thread, i, (int)e, w.there);
            r = read_row(k, &k->tables[j]);
            if (r.value != w.value || r.size != w.size || r.seed != w.seed) FAIL("%s %d/%d has another content", names[j], thread, i);
            rows[j]++;
        }
    }
    check_tables(k, thread, steps);
}

/* check_index walks along an index: so many entries, in order, each with the values of its record. */
static void check_index(Desk *k, const Table *t, const char *index, long rows)
{
    long n = 0;
    int64_t value, last = INT64_MIN;
    JET_ERR e;
    OK(JetSetCurrentIndexA(k->s, t->t, index));
    for (e = JetMove(k->s, t->t, JET_MoveFirst, 0); e >= 0; e = JetMove(k->s, t->t, JET_MoveNext, 0), n++) {
        int32_t of[2], in[2];
        OK(JetRetrieveColumn(k->s, t->t, t->thread, &of[0], sizeof of[0], NULL, 0, NULL));
        OK(JetRetrieveColumn(k->s, t->t, t->row, &of[1], sizeof of[1], NULL, 0, NULL));
        if (of[0] >= THREADS) FAIL("%s: a row that was never committed", index);
        if (!strcmp(index, "value")) {
            OK(JetRetrieveColumn(k->s, t->t, t->value, &value, sizeof value, NULL, JET_bitRetrieveFromIndex, NULL));
            if (value < last) FAIL("index out of order");
            last = value;
            if (read_row(k, t).value != value) FAIL("an entry of %s has another value than its record", index);
        } else if (!strcmp(index, "down")) {
            OK(JetRetrieveColumn(k->s, t->t, t->thread, &in[0], sizeof in[0], NULL, JET_bitRetrieveFromIndex, NULL));
            OK(JetRetrieveColumn(k->s, t->t, t->row, &in[1], sizeof in[1], NULL, JET_bitRetrieveFromIndex, NULL));
            value = (int64_t)(ROWS - in[1]) * 256 + in[0];
            if (value <= last) FAIL("index out of order");
            last = value;
            if (memcmp(of, in, sizeof of)) FAIL("an entry of %s has another key than its record", index);
        }
    }
    if (e != JET_errNoCurrentRecord) FAIL("reading along %s: %d", index, (int)e);
    if (n != rows) FAIL("%ld entries along %s, %ld rows", n, index, rows);
    OK(JetSetCurrentIndexA(k->s, t->t, NULL));
}

static void check(void)
{
    Desk k;
    long rows[TABLES] = { 0 };
    uint64_t found[THREADS], all = 0, newest;
    int32_t total;
    int i;
    open_desk(&k);
    for (i = 0; i < THREADS; i++) {
        say("f", i, found[i] = step_of(&k, i));
        check_thread(&k, i, found[i], rows);
        all += found[i];
    }
    for (i = 0; i < TABLES; i++) {
        check_index(&k, &k.tables[i], "key", rows[i]);
        check_index(&k, &k.tables[i], "value", rows[i]);
        check_index(&k, &k.tables[i], "down", rows[i]);
    }
    OK(seek_owner(&k, TOTAL));
    OK(JetRetrieveColumn(k.s, k.steps, k.total, &total, sizeof total, NULL, 0, NULL));
    if ((uint64_t)total != all) FAIL("%d steps counted, %llu there", (int)total, (unsigned long long)all);
    if (all >= 8 * THREADS) {
        OK(seek_owner(&k, NEWEST));
        WANT(0, JetRetrieveColumn(k.s, k.steps, k.step, &newest, sizeof newest, NULL, 0, NULL));
        if ((newest & 255) >= THREADS || newest >> 8 > found[newest & 255] || newest >> 8 < found[newest & 255] / 8 * 8)
            FAIL("the row that all write is of step %llu of %llu, which has %llu", (unsigned long long)(newest >> 8),
                (unsigned long long)(newest & 255), (unsigned long long)found[newest & 255]);
    }
    OK(JetEndSession(k.s, 0));
}

static JET_INSTANCE instance(const char *name, const char *dir)
{
    JET_INSTANCE i = create_instance(name, dir);
    set_number(&i, JET_paramCheckpointDepthMax, 256 * 1024);
    set_number(&i, JET_paramLogFileSize, 128);
    set_number(&i, JET_paramCircularLog, 1);
    return i;
}

int main(int argc, char **argv)
{
    int restores = argc == 4 && !strcmp(argv[1], "restore");
    char *dir;
    if (argc != 3 && !restores) FAIL("usage");
    dir = argv[argc - 1];
    snprintf(db, sizeof db, "%s/killed.edb", dir);
    OK(JetSetSystemParameterA(NULL, 0, JET_paramCacheSizeMin, 64, NULL));
    OK(JetSetSystemParameterA(NULL, 0, JET_paramCacheSizeMax, 256, NULL));
    inst = instance("killed", dir);
    if (restores) {
        OK(JetRestoreInstanceA(inst, argv[2], dir, NULL));
        inst = instance("restored", dir);
    }
    OK(JetInit(&inst));
    prepare();
    if (!strcmp(argv[1], "work")) work(dir);
    check();
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
