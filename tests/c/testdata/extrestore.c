/* extrestore DIR: a database in DIR/w and a chain of backups of it in DIR/set; the commits in the set's logs are listed,
 * and the database is restored as it was between them. */
#include "engine.h"
#include <esent_ext.h>

enum { rounds = 6, rows_of_a_round = 40 };

struct commits {
    int n;
    uint64_t count;
    JET_LGPOS last;
    int64_t ms;
    int stop_at;
};

static JET_ERR JET_API take(const ESENT_COMMITS *c, void *context)
{
    struct commits *all = context;
    if (c->cbStruct != sizeof *c || !c->cCommits || c->lGeneration != c->lgposFirst.lGeneration || c->msFirst > c->msLast) FAIL("commits");
    if (c->msLast < all->ms) FAIL("the commits are not in order");
    all->ms = c->msLast;
    all->last = c->lgposLast;
    all->count += c->cCommits;
    return ++all->n == all->stop_at ? JET_errOutOfMemory : JET_errSuccess;
}

struct watcher {
    int calls, cancel_at;
    uint64_t done, total;
};

static JET_ERR JET_API watch(const ESENT_PROGRESS *p, void *context)
{
    struct watcher *w = context;
    if (p->cbStruct != sizeof *p || p->cbDone < w->done || p->cbDone > p->cbTotal) FAIL("progress goes back or beyond the end");
    w->done = p->cbDone;
    w->total = p->cbTotal;
    return ++w->calls == w->cancel_at ? JET_errOutOfMemory : JET_errSuccess;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(void)
{
    struct timespec t = {0, 30000000};
    nanosleep(&t, NULL);
}

static const char *sub(const char *dir, const char *name)
{
    static char path[8][1100];
    static int n;
    char *p = path[n++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static int count_rows(const char *dir, const char *name)
{
    JET_INSTANCE i = create_instance(name, dir);
    JET_SESID s;
    JET_DBID db;
    JET_TABLEID t;
    uint32_t n;
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetAttachDatabaseA(s, sub(dir, "ext.edb"), 0));
    OK(JetOpenDatabaseA(s, sub(dir, "ext.edb"), NULL, &db, 0));
    OK(JetOpenTableA(s, db, "t", NULL, 0, 0, &t));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    OK(JetIndexRecordCount(s, t, &n, 0));
    OK(JetTerm(i));
    return (int)n;
}

/* file reads a set that came as one file. */
static JET_ERR JET_API file_read(void *p, uint32_t n, uint32_t *actual, void *context)
{
    *actual = (uint32_t)fread(p, 1, n, context);
    return JET_errSuccess;
}

static JET_ERR JET_API file_write(const void *p, uint32_t n, void *context)
{
    return fwrite(p, 1, n, context) == n ? JET_errSuccess : JET_errDiskFull;
}

int main(int argc, char **argv)
{
    const char *dir = argv[1], *work, *set;
    JET_INSTANCE i;
    JET_SESID s;
    JET_DBID db;
    JET_TABLEID t;
    JET_COLUMNID id;
    int64_t moments[rounds];
    struct commits all = {0, 0, {0, 0, 0}, 0, 0}, few = {0, 0, {0, 0, 0}, 0, 2}, segments = {0, 0, {0, 0, 0}, 0, 0};
    struct watcher w = {0, 0, 0, 0};
    ESENT_RESTORE r;
    FILE *stream, *report;
    char text[4000];
    int round, n;
    if (argc != 2) return 2;
    work = strdup(sub(dir, "w"));
    set = strdup(sub(dir, "set"));
    mkdir(work, 0700);
    mkdir(set, 0700);
    set_number(NULL, JET_paramMaxInstances, 16);
    i = create_instance("work", work);
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, sub(work, "ext.edb"), NULL, &db, 0));
    OK(JetCreateTableA(s, db, "t", 0, 100, &t));
    id = add_column(s, t, "data", JET_coltypLongBinary, 0, 0);
    for (round = 0; round < rounds; round++) {
        for (n = 0; n < rows_of_a_round; n++) {
            char data[100];
            memset(data, round, sizeof data);
            OK(JetBeginTransaction(s));
            OK(JetPrepareUpdate(s, t, JET_prepInsert));
            OK(JetSetColumn(s, t, id, data, sizeof data, 0, NULL));
            OK(JetUpdate(s, t, NULL, 0, NULL));
            OK(JetCommitTransaction(s, 0));
        }
        if (round == 0) OK(JetBackupInstanceA(i, set, 0, NULL));
        pause_ms();
        moments[round] = now();
        pause_ms();
    }
    OK(JetBackupInstanceA(i, set, JET_bitBackupIncremental, NULL));
    stream = fopen(sub(dir, "set.tar"), "wb+");
    {
        ESENT_BACKUP b;
        memset(&b, 0, sizeof b);
        b.cbStruct = sizeof b;
        b.pfnWrite = file_write;
        b.pvWrite = stream;
        b.compression = -1;
        OK(EsentBackup(i, &b));
    }
    OK(JetTerm(i));

    OK(EsentListCommits(set, 0, take, &all));
    OK(EsentListCommits(set, 1, take, &segments));
    if (all.count != segments.count || all.count < (rounds - 1) * rows_of_a_round || segments.n <= all.n) FAIL("%d commits", (int)all.count);
    WANT(JET_errOutOfMemory, EsentListCommits(set, 1, take, &few));
    if (few.n != 2) FAIL("the list goes on");
    WANT(JET_errFileNotFound, EsentListCommits(dir, 0, take, &few));
    WANT(JET_errInvalidParameter, EsentListCommits(set, 0, NULL, NULL));

    for (round = 0; round < rounds; round++) {
        char name[20];
        const char *dest;
        snprintf(name, sizeof name, "r%d", round);
        dest = sub(dir, name);
        mkdir(dest, 0700);
        w = (struct watcher){0, 0, 0, 0};
        i = create_instance(name, dest);
        OK(EsentRestoreToTime(i, set, dest, moments[round], watch, &w));
        OK(JetTerm(i));
        if (w.calls < 5 || w.done != w.total) FAIL("%d calls, %d of %d", w.calls, (int)w.done, (int)w.total);
        strcat(name, "n");
        n = count_rows(dest, name);
        if (n != (round + 1) * rows_of_a_round) FAIL("moment %d: %d rows", round, n);
    }
    mkdir(sub(dir, "p"), 0700);
    i = create_instance("p", sub(dir, "p"));
    WANT(JET_errInvalidParameter, EsentRestoreToPosition(i, set, sub(dir, "p"), NULL, NULL, NULL));
    WANT(JET_errInvalidParameter, EsentRestoreToTime(i, set, sub(dir, "p"), 0, NULL, NULL));
    WANT(JET_errEndingRestoreLogTooLow, EsentRestoreToTime(i, set, sub(dir, "p"), 1000, NULL, NULL));
    OK(EsentRestoreToPosition(i, set, sub(dir, "p"), &all.last, NULL, NULL));
    OK(JetTerm(i));
    if ((n = count_rows(sub(dir, "p"), "pn")) != rounds * rows_of_a_round) FAIL("%d rows at the last commit", n);

    i = create_instance("again", sub(dir, "p"));
    memset(&r, 0, sizeof r);
    r.cbStruct = sizeof r - 1;
    r.szPath = set;
    r.szDest = sub(dir, "r1");
    WANT(JET_errInvalidParameter, EsentRestore(i, &r));
    WANT(JET_errInvalidParameter, EsentRestore(i, NULL));
    r.cbStruct = sizeof r;
    r.grbit = 0x80;
    WANT(JET_errInvalidGrbit, EsentRestore(i, &r));
    OK(JetTerm(i));
    mkdir(sub(dir, "logs"), 0700);
    i = create_instance("third", sub(dir, "logs"));
    r.grbit = ESENT_bitRestoreDryRun;
    r.szReport = strdup(sub(dir, "report.json"));
    WANT(JET_errFileAlreadyExists, EsentRestore(i, &r));
    report = fopen(r.szReport, "r");
    text[fread(text, 1, sizeof text - 1, report)] = 0;
    if (!strstr(text, "\"result\": -1814") || !strstr(text, "ext.edb")) FAIL("report: %s", text);
    r.grbit |= ESENT_bitRestoreOverwrite;
    OK(EsentRestore(i, &r));
    r.grbit = ESENT_bitRestoreOverwrite;
    w = (struct watcher){0, 3, 0, 0};
    r.pfnProgress = watch;
    r.pvProgress = &w;
    WANT(JET_errOutOfMemory, EsentRestore(i, &r));
    if ((n = count_rows(sub(dir, "r1"), "r1again")) != 2 * rows_of_a_round) FAIL("%d rows after a restore that was cancelled", n);
    r.pfnProgress = NULL;
    rewind(stream);
    r.pfnRead = file_read;
    r.pvRead = stream;
    WANT(JET_errInvalidParameter, EsentRestore(i, &r));
    r.szPath = NULL;
    OK(EsentRestore(i, &r));
    OK(JetTerm(i));
    if ((n = count_rows(sub(dir, "r1"), "r1last")) != rounds * rows_of_a_round) FAIL("%d rows from the stream", n);
    puts("ok");
    return 0;
}
