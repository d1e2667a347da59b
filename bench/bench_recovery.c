/* How fast a log is replayed, against how fast it was written.
 *
 *     bench_recovery DIR [ROWS]
 *
 * A first process fills a table with an index in transactions of ten rows, changes a third of the rows, deletes a tenth,
 * and ends without a word. A second one calls JetInit, which replays everything: the checkpoint is kept at the beginning.
 * Times are those of the calls; the log's size is what it holds, not that of its files. Linux only. */
#define _GNU_SOURCE
#include <esent.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OK(call) do { JET_ERR e_ = (call); if (e_ < 0) { fprintf(stderr, "%s -> %d\n", #call, (int)e_); _exit(1); } } while (0)

enum { BATCH = 10, TEXT = 200 };

static char path[1200];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t state = 1;

static uint64_t random64(void)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static JET_INSTANCE instance(const char *dir)
{
    JET_INSTANCE i;
    OK(JetSetSystemParameterA(NULL, JET_sesidNil, JET_paramCacheSizeMax, 64 << 10, NULL));
    OK(JetCreateInstanceA(&i, "recovery"));
    snprintf(path, sizeof path, "%s/", dir);
    OK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramSystemPath, 0, path));
    OK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramLogFilePath, 0, path));
    OK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramTempPath, 0, path));
    OK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramCheckpointDepthMax, 2000000000, NULL));
    OK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramMaxVerPages, 8192, NULL));
    snprintf(path, sizeof path, "%s/r.edb", dir);
    return i;
}

static void columns(JET_SESID s, JET_TABLEID t, JET_COLUMNID id[3])
{
    const JET_COLTYP types[3] = {JET_coltypLong, JET_coltypLongLong, JET_coltypText};
    const char *names[3] = {"id", "value", "text"};
    int k;
    for (k = 0; k < 3; k++) {
        JET_COLUMNDEF d;
        memset(&d, 0, sizeof d);
        d.cbStruct = sizeof d;
        d.coltyp = types[k];
        d.cp = 1252;
        d.cbMax = k == 2 ? 255 : 0;
        OK(JetAddColumnA(s, t, names[k], &d, NULL, 0, &id[k]));
    }
    OK(JetCreateIndexA(s, t, "primary", JET_bitIndexPrimary, "+id\0", 5, 90));
    OK(JetCreateIndexA(s, t, "value", 0, "+value\0", 8, 90));
}

static void store(JET_SESID s, JET_TABLEID t, const JET_COLUMNID id[3], int32_t row, int prep)
{
    char text[TEXT];
    int64_t value = (int64_t)random64();
    size_t k;
    for (k = 0; k < sizeof text; k++) text[k] = (char)('a' + random64() % 26);
    OK(JetPrepareUpdate(s, t, prep));
    if (prep == JET_prepInsert) OK(JetSetColumn(s, t, id[0], &row, sizeof row, 0, NULL));
    OK(JetSetColumn(s, t, id[1], &value, sizeof value, 0, NULL));
    OK(JetSetColumn(s, t, id[2], text, sizeof text, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
}

static void seek(JET_SESID s, JET_TABLEID t, int32_t row)
{
    OK(JetMakeKey(s, t, &row, sizeof row, JET_bitNewKey));
    OK(JetSeek(s, t, JET_bitSeekEQ));
}

/* fill writes the log and says on fd how long that took. */
static void fill(const char *dir, int32_t rows, int fd)
{
    JET_INSTANCE i = instance(dir);
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_COLUMNID id[3];
    int32_t row;
    double start, took;
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, path, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 16, 100, &t));
    columns(s, t, id);
    start = now();
    for (row = 0; row < rows; row++) {
        if (row % BATCH == 0) OK(JetBeginTransaction(s));
        store(s, t, id, row, JET_prepInsert);
        if (row % BATCH == BATCH - 1 || row == rows - 1) OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    }
    for (row = 0; row < rows; row += 3) {
        OK(JetBeginTransaction(s));
        seek(s, t, row);
        store(s, t, id, row, JET_prepReplace);
        OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    }
    for (row = 0; row < rows; row += 10) {
        OK(JetBeginTransaction(s));
        seek(s, t, row);
        OK(JetDelete(s, t));
        OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    }
    OK(JetCommitTransaction(s, JET_bitWaitAllLevel0Commit));
    took = now() - start;
    if (write(fd, &took, sizeof took) != sizeof took) _exit(1);
    _exit(0);
}

static void replay(const char *dir, int32_t rows, int fd)
{
    JET_INSTANCE i = instance(dir);
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    uint32_t found;
    double start, took;
    snprintf(path, sizeof path, "%s/", dir);
    OK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramAlternateDatabaseRecoveryPath, 0, path));
    snprintf(path, sizeof path, "%s/r.edb", dir);
    start = now();
    OK(JetInit(&i));
    took = now() - start;
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetAttachDatabaseA(s, path, 0));
    OK(JetOpenDatabaseA(s, path, NULL, &d, 0));
    OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &t));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    OK(JetIndexRecordCount(s, t, &found, 0));
    if ((int32_t)found != rows - (rows + 9) / 10) {
        fprintf(stderr, "%u rows after recovery, %d were committed\n", found, (int)(rows - (rows + 9) / 10));
        _exit(1);
    }
    OK(JetTerm(i));
    if (write(fd, &took, sizeof took) != sizeof took) _exit(1);
    _exit(0);
}

/* in_process runs a part of this program in a process of its own and gives the seconds that it tells. */
static double in_process(const char *part, const char *dir, const char *rows)
{
    int fd[2], status;
    char out[20];
    double took = 0;
    pid_t child;
    if (pipe(fd)) exit(1);
    snprintf(out, sizeof out, "%d", fd[1]);
    child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_recovery", dir, rows, part, out, (char *)NULL);
        _exit(1);
    }
    close(fd[1]);
    if (read(fd[0], &took, sizeof took) != sizeof took) took = 0;
    close(fd[0]);
    if (waitpid(child, &status, 0) < 0 || status != 0 || took == 0) exit(1);
    return took;
}

/* log_bytes is how much of the logs is not zero, in whole segments. */
static double log_bytes(const char *dir)
{
    static char segment[4096], zero[4096];
    char name[1400];
    double bytes = 0;
    struct dirent *e;
    DIR *d = opendir(dir);
    while (d && (e = readdir(d))) {
        size_t n = strlen(e->d_name);
        FILE *f;
        if (n < 5 || strcmp(e->d_name + n - 4, ".log") || !strcmp(e->d_name, "edbtmp.log")) continue;
        snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
        if (!(f = fopen(name, "rb"))) exit(1);
        while (fread(segment, 1, sizeof segment, f) == sizeof segment)
            if (memcmp(segment, zero, sizeof segment)) bytes += sizeof segment;
        fclose(f);
    }
    if (d) closedir(d);
    return bytes;
}

int main(int argc, char **argv)
{
    const char *rows = argc > 2 ? argv[2] : "300000";
    double written, replayed, rebuilt, mb;
    char again[1000], command[3000];
    if (argc == 5) { /* a part; the library knows no fork without exec */
        (strcmp(argv[3], "fill") ? replay : fill)(argv[1], atoi(rows), atoi(argv[4]));
        return 1;
    }
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: bench_recovery DIR [ROWS]\n");
        return 2;
    }
    if (mkdir(argv[1], 0777)) {
        perror(argv[1]);
        return 1;
    }
    written = in_process("fill", argv[1], rows);
    mb = log_bytes(argv[1]) / 1e6;
    snprintf(again, sizeof again, "%s/again", argv[1]);
    snprintf(command, sizeof command, "mkdir '%s' && cp '%s'/*.log '%s'", again, argv[1], again);
    if (system(command)) return 1;
    replayed = in_process("replay", argv[1], rows);
    rebuilt = in_process("rebuild", again, rows);
    printf("recovery: %s rows, %.0f MB of log\n", rows, mb);
    printf("  written               %6.2f s  %7.1f MB/s\n", written, mb / written);
    printf("  replayed              %6.2f s  %7.1f MB/s  %.1f times as fast\n", replayed, mb / replayed, written / replayed);
    printf("  replayed into nothing %6.2f s  %7.1f MB/s  %.1f times as fast\n", rebuilt, mb / rebuilt, written / rebuilt);
    return 0;
}
