/*
 * nightly.c: a service that writes all the time and makes a backup when it is told to.
 *
 *     ./nightly DATA SETS
 *
 * SIGUSR1 makes a backup in SETS: a full one when there is none or the last is a week old, else an increment of the
 * pages that have changed. Each is rehearsed, and SETS/report.json says how that went. SIGTERM ends the service.
 * docs/backup.md shows the systemd units that go with it.
 */
#define _DEFAULT_SOURCE
#include <esent_ext.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { WEEK = 7 * 24 * 3600, GENTLE = 50 << 20 /* bytes per second */ };

static volatile sig_atomic_t wanted, ended;
static void on_signal(int s) { if (s == SIGUSR1) wanted = 1; else ended = 1; }

static void check(JET_ERR err, const char *what)
{
    if (err < 0) { fprintf(stderr, "%s: error %d\n", what, (int)err); exit(1); }
}
#define CHECK(call) check(call, #call)

static JET_ERR JET_API progress(const ESENT_PROGRESS *p, void *context)
{
    (void)context;
    fprintf(stderr, "\rbackup: %3.0f %%", p->cbTotal ? 100.0 * (double)p->cbDone / (double)p->cbTotal : 0.0);
    return ended ? JET_errBackupAbortByServer : JET_errSuccess; /* a service that ends does not wait for its backup */
}

/* A backup into dir/new, as one step: until it is complete the set before it stays. */
static JET_ERR backup(JET_INSTANCE instance, const char *dir)
{
    char report[1100], made[1100];
    struct stat st;
    ESENT_BACKUP b = {.cbStruct = sizeof b, .grbit = JET_bitBackupAtomic, .szPath = dir, .cbPerSecond = GENTLE, .pfnProgress = progress};
    ESENT_VERIFY v = {.cbStruct = sizeof v, .grbit = ESENT_bitVerifyRehearse, .szPath = dir, .szReport = report};
    JET_ERR err = JET_errMissingFullBackup;
    snprintf(report, sizeof report, "%s/report.json", dir);
    snprintf(made, sizeof made, "%s/full", dir); /* its time is that of the last full backup */
    if (stat(made, &st) == 0 && time(NULL) - st.st_mtime < WEEK) {
        b.grbit |= ESENT_bitBackupBlocks;
        err = EsentBackup(instance, &b);
    }
    if (err == JET_errMissingFullBackup) { /* the first one, or the first after a restore */
        b.grbit = JET_bitBackupAtomic;
        if ((err = EsentBackup(instance, &b)) >= 0) {
            FILE *f = fopen(made, "w");
            if (f) fclose(f);
        }
    }
    return err < 0 ? err : EsentBackupVerify(&v);
}

int main(int argc, char **argv)
{
    JET_INSTANCE instance;
    JET_SESID session;
    JET_DBID database;
    JET_TABLEID table;
    JET_COLUMNID column;
    JET_COLUMNDEF number = {.cbStruct = sizeof number, .coltyp = JET_coltypLongLong};
    char dir[1000], path[1100];
    int64_t n;
    if (argc < 3) { fprintf(stderr, "usage: %s DATA SETS\n", argv[0]); return 2; }
    signal(SIGUSR1, on_signal);
    signal(SIGTERM, on_signal);
    mkdir(argv[2], 0777);
    snprintf(dir, sizeof dir, "%s/", argv[1]);
    snprintf(path, sizeof path, "%s/nightly.edb", argv[1]);
    CHECK(JetCreateInstance(&instance, "nightly"));
    CHECK(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramCreatePathIfNotExist, 1, NULL));
    CHECK(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramSystemPath, 0, dir));
    CHECK(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramLogFilePath, 0, dir));
    CHECK(JetInit(&instance));
    CHECK(JetBeginSession(instance, &session, NULL, NULL));
    if (JetAttachDatabase(session, path, 0) >= 0) {
        CHECK(JetOpenDatabase(session, path, NULL, &database, 0));
        CHECK(JetOpenTable(session, database, "t", NULL, 0, 0, &table));
        CHECK(JetGetTableColumnInfo(session, table, "n", &number, sizeof number, JET_ColInfo));
        column = number.columnid;
    } else {
        CHECK(JetCreateDatabase(session, path, NULL, &database, 0));
        CHECK(JetCreateTable(session, database, "t", 16, 100, &table));
        CHECK(JetAddColumn(session, table, "n", &number, NULL, 0, &column));
    }
    for (n = 1; !ended; n++) {
        CHECK(JetPrepareUpdate(session, table, JET_prepInsert));
        CHECK(JetSetColumn(session, table, column, &n, sizeof n, 0, NULL));
        CHECK(JetUpdate(session, table, NULL, 0, NULL));
        if (wanted) { /* a real service has a thread for it: nobody has to wait for a backup */
            JET_ERR err = backup(instance, argv[2]);
            wanted = 0;
            fprintf(stderr, "\rbackup: %s (%d)\n", err < 0 ? "FAILED" : "made and rehearsed", (int)err);
        }
    }
    CHECK(JetTerm(instance));
    return 0;
}
