/* results DIR: structures that a call fills in come in versions, told apart by the size of the buffer. Each call takes the sizes of
 * the tables, refuses the others, fills in what belongs to the size, and writes nothing behind it (spec chapter 01, 13 and 16). */
#include "sizes.h"
#include <stddef.h>

/* AS calls once for each size; is says which of them must give 0 rather than refused. */
#define AS(what, is, refused, call) do { uint32_t size; for (size = 0; size <= 700; size++) { \
    memset(buffer, FILLED, sizeof buffer); memcpy(buffer, &size, sizeof size); judge(what, size, (is) ? 0 : (refused), (call)); } } while (0)

static const JET_ERR bad = JET_errInvalidParameter, small = JET_errBufferTooSmall, exact = JET_errInvalidBufferSize;
static const char *dir;
static JET_INSTANCE inst;
static JET_SESID s;
static JET_DBID d;
static JET_TABLEID t;
static JET_COLUMNID id, lv;

/* untouched says that nothing was written from a byte on. */
static void untouched(const char *what, uint32_t from)
{
    uint32_t i;
    for (i = from; i < MOST && buffer[i] == FILLED; i++) {}
    if (i < MOST) {
        failures++;
        fprintf(stderr, "%s: byte %u was written\n", what, i);
    }
}

/* The later versions have what the first one has, and more; their sizes are not told. */
static void record_sizes(void)
{
    uint64_t first[sizeof(JET_RECSIZE) / 8], second[sizeof(JET_RECSIZE2) / 8];
    int running;
    for (running = 0; running < 2; running++) {
        JET_GRBIT grbit = running ? JET_bitRecordSizeRunningTotal : 0;
        unsigned k;
#define RECORD(type, call, keep) do { memset(buffer, FILLED, sizeof buffer); if (running) memset(buffer, 0, sizeof(type)); \
        for (k = 0; k <= (unsigned)running; k++) { OK(call(s, t, (type *)buffer, grbit)); } \
        untouched(#type, sizeof(type)); keep; } while (0)
        RECORD(JET_RECSIZE, JetGetRecordSize, memcpy(first, buffer, sizeof first));
        if (first[0] != (uint64_t)(4 + 5) << running) FAIL("JET_RECSIZE: %u bytes of data", (unsigned)first[0]);
        RECORD(JET_RECSIZE2, JetGetRecordSize2, memcpy(second, buffer, sizeof second));
        if (memcmp(first, second, sizeof first)) FAIL("JET_RECSIZE2 differs from JET_RECSIZE");
        RECORD(JET_RECSIZE3, JetGetRecordSize3, (void)0);
        if (memcmp(second, buffer, sizeof second)) FAIL("JET_RECSIZE3 differs from JET_RECSIZE2");
    }
    WANT(bad, JetGetRecordSize(s, t, NULL, 0));
    WANT(bad, JetGetRecordSize2(s, t, NULL, 0));
    WANT(bad, JetGetRecordSize3(s, t, NULL, 0));
}

/* The size that is given back is that of the version that was filled in. */
static void thread_stats(void)
{
    static const uint32_t versions[] = { sizeof(JET_THREADSTATS), sizeof(JET_THREADSTATS2), sizeof(JET_THREADSTATS3), sizeof(JET_THREADSTATS4), MOST + 1 };
    uint32_t size, v, told;
    AS("JET_THREADSTATS", size >= sizeof(JET_THREADSTATS), small, JetGetThreadStats(buffer, size));
    for (v = 0; v < 4; v++) for (size = versions[v]; size < versions[v + 1] && size <= MOST; size++) {
        memset(buffer, FILLED, sizeof buffer);
        OK(JetGetThreadStats(buffer, size));
        memcpy(&told, buffer, sizeof told);
        if (told != versions[v]) FAIL("JET_THREADSTATS of %u bytes says %u", size, told);
        untouched("JET_THREADSTATS", told);
    }
}

static void error_info(void)
{
    JET_ERR code = JET_errRecordNotFound;
    JET_ERRINFOBASIC_W *info = (JET_ERRINFOBASIC_W *)buffer;
    AS("JET_ERRINFOBASIC", size >= sizeof *info, exact, JetGetErrorInfoW(&code, buffer, size, JET_ErrorInfoSpecificErr, 0));
    memset(buffer, FILLED, sizeof buffer);
    OK(JetGetErrorInfoW(&code, buffer, sizeof buffer, JET_ErrorInfoSpecificErr, 0));
    untouched("JET_ERRINFOBASIC", sizeof *info);
    if (info->cbStruct != sizeof *info || info->errValue != code || info->errcatMostSpecific != JET_errcatState) FAIL("JET_ERRINFOBASIC: %u, %d", info->cbStruct, (int)info->errValue);
}

/* Both forms of a call that is given a path. */
static void log_files(void)
{
    static const uint32_t versions[] = { sizeof(JET_LOGINFOMISC), sizeof(JET_LOGINFOMISC2), sizeof(JET_LOGINFOMISC3) };
    char path[1100];
    WCHAR wide[1100];
    unsigned char first[sizeof(JET_LOGINFOMISC)];
    uint32_t level;
    snprintf(path, sizeof path, "%s/edb.jtx", dir);
    if (access(path, R_OK)) snprintf(path, sizeof path, "%s/edb.log", dir);
    wide_path(wide, path);
    for (level = JET_LogInfoMisc; level <= JET_LogInfoMisc3; level++) {
        AS("JET_LOGINFOMISC", size == versions[level], exact, JetGetLogFileInfoA(path, buffer, size, level));
        AS("JET_LOGINFOMISC, wide", size == versions[level], exact, JetGetLogFileInfoW(wide, buffer, size, level));
        memset(buffer, FILLED, sizeof buffer);
        OK(JetGetLogFileInfoA(path, buffer, versions[level], level));
        if (level == JET_LogInfoMisc) memcpy(first, buffer, sizeof first);
        else if (memcmp(first, buffer, offsetof(JET_LOGINFOMISC, ulVersionMinor))) FAIL("JET_LOGINFOMISC of level %u differs from the first", level);
        if (memchr(buffer + versions[level] - 8, FILLED, 8) && level != JET_LogInfoMisc3) FAIL("JET_LOGINFOMISC of level %u is not filled", level);
    }
    WANT(bad, JetGetLogFileInfoA(path, buffer, sizeof(JET_LOGINFOMISC), JET_LogInfoMisc3 + 1));
}

static void instances(void)
{
    JET_INSTANCE_INFO_A *a;
    JET_INSTANCE_INFO_W *w;
    uint32_t n, i, k;
    OK(JetGetInstanceInfoA(&n, &a));
    OK(JetGetInstanceInfoW(&i, &w));
    if (n != 1 || i != 1) FAIL("%u and %u instances", n, i);
    if (a->hInstanceId != inst || w->hInstanceId != inst || a->cDatabases != 1 || w->cDatabases != 1) FAIL("JET_INSTANCE_INFO: %u databases", (unsigned)a->cDatabases);
    if (strcmp(a->szInstanceName, "results")) FAIL("JET_INSTANCE_INFO: \"%s\"", a->szInstanceName);
    for (k = 0; k == 0 || a->szDatabaseFileName[0][k - 1]; k++)
        if ((WCHAR)(unsigned char)a->szDatabaseFileName[0][k] != w->szDatabaseFileName[0][k]) FAIL("JET_INSTANCE_INFO: letter %u of the path", k);
    for (k = 0; k == 0 || a->szInstanceName[k - 1]; k++)
        if ((WCHAR)a->szInstanceName[k] != w->szInstanceName[k]) FAIL("JET_INSTANCE_INFO: letter %u of the name", k);
    OK(JetFreeBuffer((char *)a));
    OK(JetFreeBuffer((char *)w));
    WANT(bad, JetGetInstanceInfoA(NULL, &a));
    WANT(bad, JetGetInstanceInfoW(&n, NULL));
    AS("JET_SIGNATURE of an instance", size >= sizeof(JET_SIGNATURE), small, JetGetInstanceMiscInfo(inst, buffer, size, JET_InstanceMiscInfoLogSignature));
}

static void positions(void)
{
    JET_RECPOS *p = (JET_RECPOS *)buffer;
    JET_RECPOS2 *p2 = (JET_RECPOS2 *)buffer;
    AS("JET_RECPOS", size >= sizeof *p, bad, JetGetRecordPosition(s, t, p, size));
    memset(buffer, FILLED, sizeof buffer);
    OK(JetGetRecordPosition(s, t, p, sizeof *p));
    if (p->cbStruct != sizeof *p || p->centriesTotal != 1) FAIL("JET_RECPOS of %u bytes: %u entries", p->cbStruct, p->centriesTotal);
    memset(buffer, FILLED, sizeof buffer);
    OK(JetGetRecordPosition(s, t, p, sizeof *p2));
    if (p2->cbStruct != sizeof *p2 || p2->centriesTotal != 1) FAIL("JET_RECPOS2 of %u bytes: %u entries", p2->cbStruct, (unsigned)p2->centriesTotal);
}

/* What is told of tables, columns and indexes: structures, and lists, which come with a temporary table. */
static void information(void)
{
    const WCHAR *c = (const WCHAR *)u"c", *i = (const WCHAR *)u"i", *tables = (const WCHAR *)u"t";
    const size_t old = sizeof(JET_INDEXLIST) - 4; /* what there was before columnidLCMapFlags, as the original counts */
#define LIST(type, least, call) do { uint32_t size; for (size = 0; size <= 200; size++) { JET_ERR e_; memset(buffer, FILLED, sizeof buffer); e_ = (call); \
    judge(#type, size, size >= (least) ? 0 : small, e_); \
    if (e_ >= 0) { type l_; memcpy(&l_, buffer, sizeof l_); OK(JetCloseTable(s, l_.tableid)); untouched(#type, l_.cbStruct); \
        if (l_.cbStruct != (size < sizeof l_ ? (least) : sizeof l_)) { FAIL(#type " of %u bytes says %u", size, l_.cbStruct); } } } } while (0)
    AS("JET_SESSIONINFO", size >= sizeof(JET_SESSIONINFO), small, JetGetSessionInfo(s, buffer, size, JET_SessionInfo));
    AS("JET_OBJECTINFO", size >= sizeof(JET_OBJECTINFO), small, JetGetObjectInfoA(s, d, JET_objtypTable, NULL, "t", buffer, size, JET_ObjInfo));
    AS("JET_OBJECTINFO, wide", size >= sizeof(JET_OBJECTINFO), small, JetGetObjectInfoW(s, d, JET_objtypTable, NULL, tables, buffer, size, JET_ObjInfo));
    AS("JET_OBJECTINFO of a table", size >= sizeof(JET_OBJECTINFO), small, JetGetTableInfoA(s, t, buffer, size, JET_TblInfo));
    AS("JET_OBJECTINFO of a table, wide", size >= sizeof(JET_OBJECTINFO), small, JetGetTableInfoW(s, t, buffer, size, JET_TblInfo));
    AS("JET_COLUMNDEF", size >= sizeof(JET_COLUMNDEF), small, JetGetTableColumnInfoA(s, t, "c", buffer, size, JET_ColInfo));
    AS("JET_COLUMNDEF, wide", size >= sizeof(JET_COLUMNDEF), small, JetGetTableColumnInfoW(s, t, c, buffer, size, JET_ColInfo));
    AS("JET_COLUMNDEF by id", size >= sizeof(JET_COLUMNDEF), small, JetGetTableColumnInfoA(s, t, (const char *)&id, buffer, size, JET_ColInfoByColid));
    AS("JET_COLUMNDEF of a table by name", size >= sizeof(JET_COLUMNDEF), small, JetGetColumnInfoW(s, d, tables, c, buffer, size, JET_ColInfo));
    AS("JET_COLUMNBASE_A", size >= sizeof(JET_COLUMNBASE_A), small, JetGetTableColumnInfoA(s, t, "c", buffer, size, JET_ColInfoBase));
    AS("JET_COLUMNBASE_W", size >= sizeof(JET_COLUMNBASE_W), small, JetGetTableColumnInfoW(s, t, c, buffer, size, JET_ColInfoBase));
    AS("JET_COLUMNBASE_W by id", size >= sizeof(JET_COLUMNBASE_W), small, JetGetColumnInfoW(s, d, tables, (const WCHAR *)&id, buffer, size, JET_ColInfoBaseByColid));
    AS("JET_INDEXID", size >= sizeof(JET_INDEXID), small, JetGetTableIndexInfoA(s, t, "i", buffer, size, JET_IdxInfoIndexId));
    AS("JET_INDEXID, wide", size >= sizeof(JET_INDEXID), small, JetGetTableIndexInfoW(s, t, i, buffer, size, JET_IdxInfoIndexId));
    LIST(JET_OBJECTLIST, sizeof(JET_OBJECTLIST), JetGetObjectInfoA(s, d, JET_objtypTable, NULL, NULL, buffer, size, JET_ObjInfoList));
    LIST(JET_OBJECTLIST, sizeof(JET_OBJECTLIST), JetGetObjectInfoW(s, d, JET_objtypTable, NULL, NULL, buffer, size, JET_ObjInfoList));
    LIST(JET_COLUMNLIST, sizeof(JET_COLUMNLIST), JetGetTableColumnInfoA(s, t, NULL, buffer, size, JET_ColInfoList));
    LIST(JET_COLUMNLIST, sizeof(JET_COLUMNLIST), JetGetColumnInfoW(s, d, tables, NULL, buffer, size, JET_ColInfoList));
    LIST(JET_INDEXLIST, old, JetGetTableIndexInfoA(s, t, NULL, buffer, size, JET_IdxInfo));
    LIST(JET_INDEXLIST, old, JetGetIndexInfoW(s, d, tables, NULL, buffer, size, JET_IdxInfoList));
}

/* Definitions of indexes come with all that they point to behind them: the least buffer that will do is found, and all larger ones do. */
static void definitions(void)
{
    const WCHAR *i = (const WCHAR *)u"i";
#define DEFINITION(type, call) do { uint32_t size, least = 0; for (size = 0; size <= MOST - 8; size++) { JET_ERR e_; type x_; \
    memset(buffer, FILLED, sizeof buffer); e_ = (call); judge(#type, size, least || e_ == 0 ? 0 : small, e_); \
    if (e_ < 0) { continue; } \
    if (!least) { least = size; } \
    memcpy(&x_, buffer, sizeof x_); \
    if (x_.cbStruct != sizeof x_) { FAIL(#type " says %u", x_.cbStruct); } \
    if ((unsigned char *)x_.szIndexName < buffer || (unsigned char *)x_.szKey + x_.cbKey > buffer + size) FAIL(#type " of %u bytes points out of it", size); } \
    if (least < sizeof(type)) { FAIL(#type ": %u bytes are enough", least); } } while (0)
    DEFINITION(JET_INDEXCREATE_A, JetGetTableIndexInfoA(s, t, "i", buffer, size, JET_IdxInfoCreateIndex));
    DEFINITION(JET_INDEXCREATE_W, JetGetTableIndexInfoW(s, t, i, buffer, size, JET_IdxInfoCreateIndex));
    DEFINITION(JET_INDEXCREATE2_A, JetGetTableIndexInfoA(s, t, "i", buffer, size, JET_IdxInfoCreateIndex2));
    DEFINITION(JET_INDEXCREATE2_W, JetGetTableIndexInfoW(s, t, i, buffer, size, JET_IdxInfoCreateIndex2));
    DEFINITION(JET_INDEXCREATE3_A, JetGetTableIndexInfoA(s, t, "i", buffer, size, JET_IdxInfoCreateIndex3));
    DEFINITION(JET_INDEXCREATE3_W, JetGetTableIndexInfoW(s, t, i, buffer, size, JET_IdxInfoCreateIndex3));
}

#define MISC (size == sizeof(JET_DBINFOMISC) || size == sizeof(JET_DBINFOMISC2) || size == sizeof(JET_DBINFOMISC3) || size == sizeof(JET_DBINFOMISC4) || \
    size == sizeof(JET_DBINFOMISC5) || size == sizeof(JET_DBINFOMISC6) || size == sizeof(JET_DBINFOMISC7))

static void databases(int open)
{
    char path[1100];
    WCHAR wide[1100];
    snprintf(path, sizeof path, "%s/results.edb", dir);
    wide_path(wide, path);
    if (open) {
        AS("JET_DBINFOMISC of a database", MISC, exact, JetGetDatabaseInfoA(s, d, buffer, size, JET_DbInfoMisc));
        AS("JET_DBINFOMISC of a database, wide", MISC, exact, JetGetDatabaseInfoW(s, d, buffer, size, JET_DbInfoMisc));
        return;
    }
    AS("JET_DBINFOMISC of a file", MISC, exact, JetGetDatabaseFileInfoA(path, buffer, size, JET_DbInfoMisc));
    AS("JET_DBINFOMISC of a file, wide", MISC, exact, JetGetDatabaseFileInfoW(wide, buffer, size, JET_DbInfoMisc));
    AS("JET_DBINFOUPGRADE of a file", size == sizeof(JET_DBINFOUPGRADE), exact, JetGetDatabaseFileInfoA(path, buffer, size, JET_DbInfoUpgrade));
}

/* The list of logs of a backup comes with a structure. */
static void logs(void)
{
    uint32_t actual;
    JET_HANDLE h;
    uint32_t low, high;
    char path[1100], *names;
    OK(JetBeginExternalBackupInstance(inst, 0));
    snprintf(path, sizeof path, "%s/results.edb", dir);
    OK(JetOpenFileInstanceA(inst, path, &h, &low, &high));
    OK(JetCloseFileInstance(inst, h));
    names = malloc(1 << 16);
    AS("JET_LOGINFO_A", size == sizeof(JET_LOGINFO_A), bad, JetGetLogInfoInstance2A(inst, names, 1 << 16, &actual, (JET_LOGINFO_A *)buffer));
    AS("JET_LOGINFO_W", size == sizeof(JET_LOGINFO_W), bad, JetGetLogInfoInstance2W(inst, (WCHAR *)(void *)names, 1 << 16, &actual, (JET_LOGINFO_W *)buffer));
    free(names);
    OK(JetEndExternalBackupInstance(inst));
}

int main(int argc, char **argv)
{
    int32_t v = 1;
    char path[1100];
    if (argc != 2) FAIL("usage");
    dir = argv[1];
    inst = create_instance("results", dir);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    snprintf(path, sizeof path, "%s/results.edb", dir);
    OK(JetCreateDatabaseA(s, path, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 0, 80, &t));
    id = add_column(s, t, "c", JET_coltypLong, 0, 0);
    lv = add_column(s, t, "lv", JET_coltypLongBinary, 0, 0);
    OK(JetCreateIndexA(s, t, "i", 0, "+c\0", 4, 80));
    OK(JetBeginTransaction(s));
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    OK(JetSetColumn(s, t, id, &v, sizeof v, 0, NULL));
    OK(JetSetColumn(s, t, lv, "value", 5, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetCommitTransaction(s, 0));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    record_sizes();
    positions();
    thread_stats();
    error_info();
    information();
    definitions();
    instances();
    databases(1);
    logs();
    OK(JetEndSession(s, 0));
    OK(JetTerm2(inst, JET_bitTermComplete));
    databases(0);
    log_files();
    return failures != 0;
}
