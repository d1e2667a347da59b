/*
 * backup.c: an online backup and a restore, from the first row to the last check.
 *
 * Two threads write to two tables with secondary indexes and long values. Meanwhile JetBackupInstance makes a
 * full backup; after more work, an incremental one. Then the database and its logs are deleted, JetRestoreInstance
 * brings them back, and every committed row is compared.
 *
 *     make demo            builds the library and this program, and runs it
 *     ./backup [DIR [ROWS]]
 */
#define _DEFAULT_SOURCE
#include <esent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <dirent.h>
#include <unistd.h>

enum { TABLES = 2, BATCH = 500, BLOB_EVERY = 10, BLOB = 3000 };

static char data_dir[900], backup_dir[900], database[1000];
static int64_t rows_per_table = 100000;
static JET_INSTANCE instance;
static const char *table_name[TABLES] = {"orders", "letters"};

typedef struct { JET_COLUMNID id, grp, name, blob; } columns;

static void check(JET_ERR err, const char *what)
{
    if (err >= 0)
        return;
    fprintf(stderr, "\n%s: error %d\n", what, (int)err);
    exit(1);
}
#define CHECK(call) check(call, #call)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The content of a row follows from its number, so that it can be checked without a copy. */
static uint32_t mix(uint64_t x)
{
    x ^= x >> 33; x *= 0xff51afd7ed558ccdULL; x ^= x >> 33; x *= 0xc4ceb9fe1a85ec53ULL; x ^= x >> 33;
    return (uint32_t)x;
}
static int32_t group_of(int table, int64_t i) { return (int32_t)(mix((uint64_t)i * TABLES + (uint64_t)table) % 1000); }
static uint32_t name_of(int table, int64_t i, char *name)
{
    return (uint32_t)sprintf(name, "%s %08x", table_name[table], (unsigned)mix((uint64_t)i ^ 0x5555));
}
static uint32_t blob_of(int table, int64_t i, unsigned char *blob)
{
    uint32_t size = i % BLOB_EVERY ? 40 : BLOB;
    for (uint32_t k = 0; k < size; k += 4) {
        uint32_t v = mix((uint64_t)i * 1000003 + k + (uint64_t)table);
        memcpy(blob + k, &v, 4);
    }
    return size;
}

static void set_parameters(void)
{
    char dir[1000];
    snprintf(dir, sizeof dir, "%s/", data_dir);
    CHECK(JetCreateInstanceA(&instance, "demo"));
    CHECK(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramSystemPath, 0, dir));
    CHECK(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramLogFilePath, 0, dir));
    CHECK(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramTempPath, 0, dir));
    CHECK(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramLogFileSize, 2048, 0));
    CHECK(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramMaxVerPages, 4096, 0));
    CHECK(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramCreatePathIfNotExist, 1, 0));
}

static JET_COLUMNID add_column(JET_SESID ses, JET_TABLEID tab, const char *name, JET_COLTYP type)
{
    JET_COLUMNDEF def;
    JET_COLUMNID id;
    memset(&def, 0, sizeof def);
    def.cbStruct = sizeof def;
    def.coltyp = type;
    CHECK(JetAddColumnA(ses, tab, name, &def, 0, 0, &id));
    return id;
}

static void create_database(void)
{
    JET_SESID ses;
    JET_DBID db;
    CHECK(JetBeginSessionA(instance, &ses, 0, 0));
    CHECK(JetCreateDatabaseA(ses, database, 0, &db, 0));
    CHECK(JetBeginTransaction(ses));
    for (int t = 0; t < TABLES; t++) {
        JET_TABLEID tab;
        CHECK(JetCreateTableA(ses, db, table_name[t], 16, 90, &tab));
        add_column(ses, tab, "id", JET_coltypLongLong);
        add_column(ses, tab, "grp", JET_coltypLong);
        add_column(ses, tab, "name", JET_coltypText);
        add_column(ses, tab, "blob", JET_coltypLongBinary);
        CHECK(JetCreateIndexA(ses, tab, "by_id", JET_bitIndexPrimary, "+id\0", 5, 90));
        CHECK(JetCreateIndexA(ses, tab, "by_grp", 0, "+grp\0", 6, 90));
        CHECK(JetCreateIndexA(ses, tab, "by_name", 0, "-name\0", 7, 90));
        CHECK(JetCloseTable(ses, tab));
    }
    CHECK(JetCommitTransaction(ses, 0));
    CHECK(JetEndSession(ses, 0)); /* the database stays attached */
}

static JET_TABLEID open_table(JET_SESID ses, JET_DBID db, int t, columns *c)
{
    static const char *names[] = {"id", "grp", "name", "blob"};
    JET_COLUMNID *ids[] = {&c->id, &c->grp, &c->name, &c->blob};
    JET_TABLEID tab;
    CHECK(JetOpenTableA(ses, db, table_name[t], 0, 0, 0, &tab));
    for (int i = 0; i < 4; i++) {
        JET_COLUMNDEF def;
        CHECK(JetGetTableColumnInfoA(ses, tab, names[i], &def, sizeof def, JET_ColInfo));
        *ids[i] = def.columnid;
    }
    return tab;
}

typedef struct { int table; int64_t from, to; volatile int64_t done; pthread_t thread; } writer;

static void *write_rows(void *p)
{
    writer *w = p;
    JET_SESID ses;
    JET_DBID db;
    columns c;
    unsigned char blob[BLOB];
    char name[64];
    CHECK(JetBeginSessionA(instance, &ses, 0, 0));
    CHECK(JetOpenDatabaseA(ses, database, 0, &db, 0));
    JET_TABLEID tab = open_table(ses, db, w->table, &c);
    for (int64_t i = w->from; i < w->to;) {
        CHECK(JetBeginTransaction(ses));
        for (int b = 0; b < BATCH && i < w->to; b++, i++) {
            int32_t grp = group_of(w->table, i);
            CHECK(JetPrepareUpdate(ses, tab, JET_prepInsert));
            CHECK(JetSetColumn(ses, tab, c.id, &i, sizeof i, 0, 0));
            CHECK(JetSetColumn(ses, tab, c.grp, &grp, sizeof grp, 0, 0));
            CHECK(JetSetColumn(ses, tab, c.name, name, name_of(w->table, i, name), 0, 0));
            CHECK(JetSetColumn(ses, tab, c.blob, blob, blob_of(w->table, i, blob), 0, 0));
            CHECK(JetUpdate(ses, tab, 0, 0, 0));
        }
        /* lazily, but for the last one: a durable commit makes all before it durable */
        CHECK(JetCommitTransaction(ses, i < w->to ? JET_bitCommitLazyFlush : 0));
        w->done = i - w->from;
    }
    CHECK(JetEndSession(ses, 0));
    return 0;
}

static void start_writers(writer *w, int64_t from, int64_t to)
{
    for (int t = 0; t < TABLES; t++) {
        w[t].table = t; w[t].from = from; w[t].to = to; w[t].done = 0;
        if (pthread_create(&w[t].thread, 0, write_rows, &w[t])) { perror("pthread_create"); exit(1); }
    }
}
static void join_writers(writer *w) { for (int t = 0; t < TABLES; t++) pthread_join(w[t].thread, 0); }

static JET_ERR JET_API progress(JET_SESID ses, JET_SNP snp, JET_SNT snt, void *pv)
{
    const JET_SNPROG *p = pv;
    (void)ses;
    if (snt == JET_sntBegin || snt == JET_sntProgress || snt == JET_sntComplete) {
        int done = (int)(p->cunitDone * 40 / p->cunitTotal);
        printf("\r  %-8s [%.*s%*s] %3d%%", snp == JET_snpBackup ? "backup" : "restore", done,
               "########################################", 40 - done, "", (int)(p->cunitDone * 100 / p->cunitTotal));
        if (snt == JET_sntComplete)
            printf("\n");
        fflush(stdout);
    }
    return JET_errSuccess;
}

/* Deletes the files of a directory; returns their size. */
static int64_t files_of(const char *dir, int delete)
{
    int64_t size = 0;
    char path[2000];
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            size += st.st_size;
            if (delete)
                remove(path);
        }
    }
    if (d)
        closedir(d);
    return size;
}

static void fail(int table, int64_t i, const char *what)
{
    fprintf(stderr, "\ntable %s, row %" PRId64 ": %s\n", table_name[table], i, what);
    exit(1);
}

/* Every row by the primary index, and the number of entries of both secondary ones. */
static int64_t verify(void)
{
    JET_SESID ses;
    JET_DBID db;
    int64_t total = 0;
    CHECK(JetBeginSessionA(instance, &ses, 0, 0));
    CHECK(JetAttachDatabaseA(ses, database, 0));
    CHECK(JetOpenDatabaseA(ses, database, 0, &db, 0));
    for (int t = 0; t < TABLES; t++) {
        columns c;
        JET_TABLEID tab = open_table(ses, db, t, &c);
        unsigned char blob[BLOB], want_blob[BLOB];
        char name[64], want_name[64];
        int64_t id = 0, i = 0;
        int32_t grp = 0;
        JET_RETRIEVECOLUMN r[4];
        memset(r, 0, sizeof r);
        r[0].columnid = c.id; r[0].pvData = &id; r[0].cbData = sizeof id; r[0].itagSequence = 1;
        r[1].columnid = c.grp; r[1].pvData = &grp; r[1].cbData = sizeof grp; r[1].itagSequence = 1;
        r[2].columnid = c.name; r[2].pvData = name; r[2].cbData = sizeof name; r[2].itagSequence = 1;
        r[3].columnid = c.blob; r[3].pvData = blob; r[3].cbData = sizeof blob; r[3].itagSequence = 1;
        JET_ERR err = JetMove(ses, tab, JET_MoveFirst, 0);
        for (; err == JET_errSuccess; err = JetMove(ses, tab, JET_MoveNext, 0), i++) {
            CHECK(JetRetrieveColumns(ses, tab, r, 4));
            if (id != i) fail(t, i, "another row");
            if (grp != group_of(t, i)) fail(t, i, "wrong group");
            if (r[2].cbActual != name_of(t, i, want_name) || memcmp(name, want_name, r[2].cbActual)) fail(t, i, "wrong name");
            if (r[3].cbActual != blob_of(t, i, want_blob) || memcmp(blob, want_blob, r[3].cbActual)) fail(t, i, "wrong long value");
        }
        if (err != JET_errNoCurrentRecord) check(err, "JetMove");
        if (i != rows_per_table) fail(t, i, "the last row is not the last committed one");
        static const char *index[] = {"by_grp", "by_name"};
        for (int k = 0; k < 2; k++) {
            uint32_t n = 0;
            CHECK(JetSetCurrentIndexA(ses, tab, index[k]));
            CHECK(JetMove(ses, tab, JET_MoveFirst, 0));
            CHECK(JetIndexRecordCount(ses, tab, &n, 0));
            if (n != rows_per_table) fail(t, n, "entries of a secondary index are missing");
        }
        total += i;
    }
    CHECK(JetEndSession(ses, 0));
    return total;
}

int main(int argc, char **argv)
{
    writer w[TABLES];
    double start = now(), t;
    const char *base = argc > 1 ? argv[1] : "demo-data";
    if (argc > 2)
        rows_per_table = atoll(argv[2]) / TABLES;
    snprintf(data_dir, sizeof data_dir, "%s/data", base);
    snprintf(backup_dir, sizeof backup_dir, "%s/backup", base);
    snprintf(database, sizeof database, "%s/app.edb", data_dir);
    mkdir(base, 0777);
    mkdir(data_dir, 0777);
    mkdir(backup_dir, 0777);
    files_of(data_dir, 1);
    files_of(backup_dir, 1);

    set_parameters();
    CHECK(JetInit(&instance));
    create_database();

    printf("1. two threads write %" PRId64 " rows; a full backup runs meanwhile\n", rows_per_table);
    t = now();
    int64_t half = rows_per_table / 2;
    start_writers(w, 0, half);
    while (w[0].done < half / 3)
        usleep(1000);
    double b = now();
    CHECK(JetBackupInstanceA(instance, backup_dir, 0, progress));
    double full_s = now() - b;
    int64_t full_size = files_of(backup_dir, 0);
    printf("  full backup: %.1f MB in %.2f s; written meanwhile: %" PRId64 " rows\n", (double)full_size / 1e6, full_s,
           w[0].done + w[1].done);
    join_writers(w);
    printf("  first half written after %.2f s\n", now() - t);

    printf("2. they write as many again; then an incremental backup\n");
    start_writers(w, half, rows_per_table);
    join_writers(w);
    double write_s = now() - t;
    b = now();
    CHECK(JetBackupInstanceA(instance, backup_dir, JET_bitBackupIncremental, progress));
    double inc_s = now() - b;
    int64_t set_size = files_of(backup_dir, 0);
    printf("  incremental backup: %.1f MB more in %.2f s\n", (double)(set_size - full_size) / 1e6, inc_s);
    CHECK(JetTerm2(instance, JET_bitTermComplete));

    printf("3. the database, its logs and the checkpoint are lost\n");
    int64_t lost = files_of(data_dir, 1);
    printf("  %.1f MB deleted\n", (double)lost / 1e6);

    printf("4. restore\n");
    set_parameters();
    b = now();
    CHECK(JetRestoreInstanceA(instance, backup_dir, data_dir, progress));
    double restore_s = now() - b;
    CHECK(JetTerm(instance));

    printf("5. every committed row is looked at\n");
    set_parameters();
    CHECK(JetInit(&instance));
    b = now();
    int64_t n = verify();
    double verify_s = now() - b;
    CHECK(JetTerm2(instance, JET_bitTermComplete));

    printf("\n%-22s %12s %10s\n", "", "MB", "seconds");
    printf("%-22s %12s %10.2f\n", "writing", "", write_s);
    printf("%-22s %12.1f %10.2f\n", "full backup", (double)full_size / 1e6, full_s);
    printf("%-22s %12.1f %10.2f\n", "incremental backup", (double)(set_size - full_size) / 1e6, inc_s);
    printf("%-22s %12.1f %10.2f\n", "restore", (double)set_size / 1e6, restore_s);
    printf("%-22s %12s %10.2f\n", "check", "", verify_s);
    printf("all %" PRId64 " rows are there, with their index entries and long values; %.1f s altogether\n", n, now() - start);
    return 0;
}
