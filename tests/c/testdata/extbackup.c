/* extbackup make DIR: a database in DIR/w, and its backups by EsentBackup: into DIR/set, and as streams into
 * DIR/set.tar.zst and DIR/set.tar; with callbacks that watch, cancel and fail. DIR/chain gets block increments.
 * extbackup count SET DEST ROWS: restores a set into DEST and counts. */
#include "engine.h"
#include <esent_ext.h>
#include <pthread.h>

enum { rows = 3000 };

struct watcher {
    JET_INSTANCE instance;
    int calls, cancel_at;
    JET_ERR result;
    uint64_t done, pages;
    uint32_t phases;
    pthread_t thread;
};

static JET_ERR JET_API watch(const ESENT_PROGRESS *p, void *context)
{
    struct watcher *w = context;
    ESENT_PROGRESS q;
    memset(&q, 0, sizeof q);
    q.cbStruct = sizeof q;
    OK(EsentBackupProgress(w->instance, &q));
    if (p->cbStruct != sizeof *p || p->cbDone < w->done || p->cpgDone < w->pages || p->cbDone > p->cbTotal || p->cpgDone > p->cpgTotal)
        FAIL("progress goes back or beyond the end");
    if (q.phase != p->phase || q.cbDone != p->cbDone || q.cpgTotal != p->cpgTotal || q.szFile) FAIL("EsentBackupProgress tells something else");
    if (!pthread_equal(w->thread, pthread_self())) FAIL("called by another thread");
    w->done = p->cbDone;
    w->pages = p->cpgDone;
    w->phases |= 1u << p->phase;
    return ++w->calls == w->cancel_at ? w->result : JET_errSuccess;
}

struct out {
    FILE *file;
    uint64_t size, most;
    pthread_t thread;
};

static JET_ERR JET_API out_write(const void *p, uint32_t n, void *context)
{
    struct out *o = context;
    if (!pthread_equal(o->thread, pthread_self())) FAIL("the stream is written by another thread");
    if (o->most && o->size + n > o->most) return JET_errDiskFull;
    o->size += n;
    if (o->file && fwrite(p, 1, n, o->file) != n) FAIL("write");
    return JET_errSuccess;
}

static JET_ERR stream(JET_INSTANCE i, const char *path, int32_t level, uint64_t most, struct watcher *w)
{
    struct out o = {path ? fopen(path, "wb") : NULL, 0, most, pthread_self()};
    ESENT_BACKUP b;
    JET_ERR err;
    memset(&b, 0, sizeof b);
    b.cbStruct = sizeof b;
    b.pfnWrite = out_write;
    b.pvWrite = &o;
    b.compression = level;
    b.pfnProgress = w ? watch : NULL;
    b.pvProgress = w;
    err = EsentBackup(i, &b);
    if (o.file) fclose(o.file);
    return err;
}

static JET_ERR blocks(JET_INSTANCE i, const char *set, struct watcher *w)
{
    ESENT_BACKUP b;
    memset(&b, 0, sizeof b);
    b.cbStruct = sizeof b;
    b.szPath = set;
    b.grbit = ESENT_bitBackupBlocks;
    b.pfnProgress = w ? watch : NULL;
    b.pvProgress = w;
    return EsentBackup(i, &b);
}

static void insert(JET_SESID s, JET_TABLEID t, JET_COLUMNID id, int count)
{
    int n;
    for (n = 0; n < count; n++) {
        char data[900];
        memset(data, n, sizeof data);
        if (n % 100 == 0) OK(JetBeginTransaction(s));
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, id, data, sizeof data, 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
        if (n % 100 == 99) OK(JetCommitTransaction(s, 0));
    }
}

static void make(const char *dir)
{
    char path[1200], set[1200];
    JET_INSTANCE i;
    JET_SESID s;
    JET_DBID db;
    JET_TABLEID t;
    JET_COLUMNID id;
    ESENT_BACKUP b;
    ESENT_PROGRESS p;
    struct watcher w;
    int n;
    snprintf(path, sizeof path, "%s/w", dir);
    mkdir(path, 0700);
    i = create_instance("ext", path);
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    snprintf(path, sizeof path, "%s/w/ext.edb", dir);
    OK(JetCreateDatabaseA(s, path, NULL, &db, 0));
    OK(JetCreateTableA(s, db, "rows", 1, 100, &t));
    id = add_column(s, t, "blob", JET_coltypLongBinary, 0, 0);
    insert(s, t, id, rows);

    memset(&p, 0, sizeof p);
    p.cbStruct = sizeof p;
    OK(EsentBackupProgress(i, &p));
    if (p.phase != ESENT_phaseNone || p.cbTotal) FAIL("a backup runs");
    p.cbStruct = 4;
    WANT(JET_errInvalidParameter, EsentBackupProgress(i, &p));
    WANT(JET_errInvalidParameter, EsentBackup(i, NULL));

    /* Into a directory, refused and cancelled at first. */
    snprintf(set, sizeof set, "%s/set", dir);
    mkdir(set, 0700);
    memset(&b, 0, sizeof b);
    b.cbStruct = sizeof b;
    WANT(JET_errInvalidParameter, EsentBackup(i, &b));
    b.szPath = set;
    b.pfnWrite = out_write;
    WANT(JET_errInvalidParameter, EsentBackup(i, &b));
    b.pfnWrite = NULL;
    b.grbit = 0x40000000;
    WANT(JET_errInvalidGrbit, EsentBackup(i, &b));
    b.grbit = 0;
    b.cbStruct = 8;
    WANT(JET_errInvalidParameter, EsentBackup(i, &b));
    b.cbStruct = sizeof b;
    b.pfnProgress = watch;
    b.pvProgress = &w;
    b.cbPerSecond = 4 << 20;
    for (n = 1; n < 18; n += 5) {
        memset(&w, 0, sizeof w);
        w.instance = i;
        w.thread = pthread_self();
        w.cancel_at = n;
        w.result = -12345;
        WANT(-12345, EsentBackup(i, &b));
        if (w.calls != n) FAIL("called again after the end");
        if (rmdir(set)) FAIL("files are left");
        mkdir(set, 0700);
    }
    memset(&w, 0, sizeof w);
    w.instance = i;
    w.thread = pthread_self();
    OK(EsentBackup(i, &b));
    if (w.calls < 18 || w.phases != (1u << ESENT_phaseDatabases | 1u << ESENT_phaseLogs | 1u << ESENT_phaseFinish)) FAIL("%d calls, phases %x", w.calls, w.phases);

    /* As a stream: one that fails, one that is cancelled, two that are good. */
    WANT(JET_errDiskFull, stream(i, NULL, 0, 3000, NULL));
    WANT(JET_errInvalidParameter, stream(i, NULL, 23, 0, NULL));
    memset(&w, 0, sizeof w);
    w.instance = i;
    w.thread = pthread_self();
    w.cancel_at = 4;
    w.result = -12346;
    WANT(-12346, stream(i, NULL, 3, 0, &w));
    w.done = w.pages = 0;
    snprintf(path, sizeof path, "%s/set.tar.zst", dir);
    OK(stream(i, path, 0, 0, &w));
    w.done = w.pages = 0;
    snprintf(path, sizeof path, "%s/set.tar", dir);
    OK(stream(i, path, -1, 0, &w));

    /* Block increments: a full backup and two of them, one of which is cancelled at first. */
    WANT(JET_errMissingFullBackup, blocks(i, set, NULL)); /* the streams were the last full backups */
    snprintf(set, sizeof set, "%s/chain", dir);
    mkdir(set, 0700);
    OK(JetBackupInstanceA(i, set, 0, NULL));
    insert(s, t, id, 100);
    memset(&w, 0, sizeof w);
    w.instance = i;
    w.thread = pthread_self();
    w.cancel_at = 2;
    w.result = -12347;
    WANT(-12347, blocks(i, set, &w));
    OK(blocks(i, set, NULL));
    WANT(JET_errInvalidGrbit, JetBackupInstanceA(i, set, ESENT_bitBackupBlocks, NULL));
    insert(s, t, id, 100);
    OK(blocks(i, set, NULL));
    insert(s, t, id, 100);
    OK(JetBackupInstanceA(i, set, JET_bitBackupIncremental, NULL));
    insert(s, t, id, 100);
    OK(JetTerm(i));
}

static void count(const char *set, const char *dest, int want)
{
    char path[1200];
    JET_INSTANCE i = create_instance("count", dest);
    JET_SESID s;
    JET_DBID db;
    JET_TABLEID t;
    uint32_t n;
    OK(JetRestoreInstanceA(i, set, dest, NULL));
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    snprintf(path, sizeof path, "%s/ext.edb", dest);
    OK(JetAttachDatabaseA(s, path, 0));
    OK(JetOpenDatabaseA(s, path, NULL, &db, 0));
    OK(JetOpenTableA(s, db, "rows", NULL, 0, 0, &t));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    OK(JetIndexRecordCount(s, t, &n, 0));
    if ((int)n != want) FAIL("%u rows, not %d", n, want);
    OK(JetTerm(i));
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "make")) make(argv[2]);
    else if (argc == 5 && !strcmp(argv[1], "count")) count(argv[2], argv[3], atoi(argv[4]));
    else FAIL("usage: extbackup make DIR | count SET DEST ROWS");
    return 0;
}
