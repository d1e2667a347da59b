/* Adapter of build.c through the public C API only. */
#include "build.h"
#include <stdio.h>
#include <stdlib.h>
#define JET_VERSION 0x0A01
#include <esent.h>

#define CK(call) do { JET_ERR e_ = (call); if (e_ < 0) die(#call, e_); } while (0)
static JET_INSTANCE inst;
static JET_SESID s;
static JET_DBID d;
static JET_TABLEID t, sorted;
static JET_COLUMNID ck, cn, ct, cs[2];

static void param(unsigned id, size_t v, const char *text) { CK(JetSetSystemParameterA(&inst, JET_sesidNil, id, v, text)); }
static void column(const char *name, JET_COLTYP type, JET_COLUMNID *id) { JET_COLUMNDEF c = {.cbStruct = sizeof c, .coltyp = type, .cp = 1252}; CK(JetAddColumnA(s, t, name, &c, 0, 0, id)); }
static void open_(const char *dir)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/", dir);
    CK(JetSetSystemParameterA(0, 0, JET_paramDatabasePageSize, 8192, 0));
    CK(JetSetSystemParameterA(0, 0, JET_paramCacheSizeMax, 131072, 0));
    CK(JetCreateInstanceA(&inst, "build"));
    param(JET_paramSystemPath, 0, path); param(JET_paramLogFilePath, 0, path); param(JET_paramTempPath, 0, path);
    param(JET_paramLogFileSize, 16384, 0); param(JET_paramMaxVerPages, 65536, 0); param(JET_paramNoInformationEvent, 1, 0);
    CK(JetInit(&inst));
    CK(JetBeginSessionA(inst, &s, 0, 0));
    snprintf(path, sizeof path, "%s/build.edb", dir);
    CK(JetCreateDatabaseA(s, path, 0, &d, 0));
    CK(JetCreateTableA(s, d, "t", 0, 100, &t));
    column("k", JET_coltypLong, &ck); column("n", JET_coltypLong, &cn); column("t", JET_coltypText, &ct);
    CK(JetCreateIndexA(s, t, "k", JET_bitIndexPrimary, "+k\0", 4, 100));
}
static void close_(void) { CK(JetTerm2(inst, JET_bitTermComplete)); }
static void begin(void) { CK(JetBeginTransaction(s)); }
static void commit(void) { CK(JetCommitTransaction(s, JET_bitCommitLazyFlush)); }
static void insert(JET_TABLEID table, JET_SETCOLUMN *c, unsigned n) { CK(JetPrepareUpdate(s, table, JET_prepInsert)); CK(JetSetColumns(s, table, c, n)); CK(JetUpdate(s, table, 0, 0, 0)); }
static void put(int32_t key, int32_t number, const char *text, uint32_t size)
{
    JET_SETCOLUMN c[3] = {{.columnid = ck, .pvData = &key, .cbData = 4, .itagSequence = 1}, {.columnid = cn, .pvData = &number, .cbData = 4, .itagSequence = 1}, {.columnid = ct, .pvData = text, .cbData = size, .itagSequence = 1}};
    insert(t, c, 3);
}
static void index_number(void) { CK(JetCreateIndexA(s, t, "n", 0, "+n\0", 4, 100)); }
static void index_text(void) { CK(JetCreateIndexA(s, t, "t", 0, "+t\0", 4, 100)); }
static void sort_begin(void)
{
    JET_COLUMNDEF c[2] = {{.cbStruct = sizeof *c, .coltyp = JET_coltypLong, .grbit = JET_bitColumnTTKey}, {.cbStruct = sizeof *c, .coltyp = JET_coltypLong}};
    CK(JetOpenTempTable(s, c, 2, JET_bitTTScrollable, &sorted, cs));
    begin();
}
static void sort_put(int32_t number, int32_t key)
{
    JET_SETCOLUMN c[2] = {{.columnid = cs[0], .pvData = &number, .cbData = 4, .itagSequence = 1}, {.columnid = cs[1], .pvData = &key, .cbData = 4, .itagSequence = 1}};
    insert(sorted, c, 2);
}
static uint64_t sort_end(uint64_t *disorder)
{
    uint64_t n = 0;
    int32_t last = INT32_MIN, number;
    JET_ERR e;
    for (e = JetMove(s, sorted, JET_MoveFirst, 0); e >= 0; e = JetMove(s, sorted, JET_MoveNext, 0), n++) {
        CK(JetRetrieveColumn(s, sorted, cs[0], &number, sizeof number, 0, 0, 0));
        *disorder += number < last;
        last = number;
    }
    if (e != JET_errNoCurrentRecord) CK(e);
    commit();
    CK(JetCloseTable(s, sorted));
    return n;
}
const builder BUILDER = {"esent", open_, close_, begin, commit, put, index_number, index_text, sort_begin, sort_put, sort_end};
