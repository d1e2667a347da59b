/* sizes DIR: structures come in versions, told apart by their sizes. Each call takes the sizes of the tables, refuses the
 * others, and writes nothing behind the size that it was given (spec chapter 01, 14). */
#include "engine.h"

enum { MOST = 600, FILLED = 0xA5 };
static unsigned char buffer[MOST];
static int failures;

static void prepare(uint32_t size)
{
    memset(buffer, FILLED, sizeof buffer);
    memcpy(buffer, &size, sizeof size);
}

/* judge compares with what the size should have given, and looks behind it. */
static void judge(const char *what, uint32_t size, JET_ERR want, JET_ERR have)
{
    uint32_t i;
    if (have != want) {
        failures++;
        fprintf(stderr, "%s of %u bytes: %d, not %d\n", what, size, (int)have, (int)want);
    }
    for (i = size < 4 ? 4 : size; i < MOST && buffer[i] == FILLED; i++) {}
    if (i < MOST) {
        failures++;
        fprintf(stderr, "%s of %u bytes: byte %u was written\n", what, size, i);
    }
}

/* AS calls once for each size; is says which of them must give 0 rather than refused. */
#define AS(what, is, refused, call) do { uint32_t size; for (size = 0; size <= 480; size++) { \
    prepare(size); judge(what, size, (is) ? 0 : (refused), (call)); } } while (0)

/* IN calls once for each value of cbStruct in a structure that is otherwise right; undo takes back what succeeded. */
#define IN(what, s, is, refused, call, undo) do { uint32_t size; for (size = 0; size <= 200; size++) { JET_ERR e_; \
    (s).cbStruct = size; e_ = (call); memset(buffer, FILLED, sizeof buffer); judge(what, size, (is) ? 0 : (refused), e_); if (e_ >= 0) { undo; } } } while (0)

int main(int argc, char **argv)
{
    JET_INSTANCE inst;
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_COLUMNID id, ids[1];
    int32_t v = 1;
    char path[1100];
    const JET_ERR bad = JET_errInvalidParameter, small = JET_errBufferTooSmall;
    if (argc != 2) FAIL("usage");
    inst = create_instance("sizes", argv[1]);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    snprintf(path, sizeof path, "%s/sizes.edb", argv[1]);
    OK(JetCreateDatabaseA(s, path, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 0, 80, &t));
    id = add_column(s, t, "c", JET_coltypLong, 0, 0);
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    OK(JetSetColumn(s, t, id, &v, sizeof v, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetMove(s, t, JET_MoveFirst, 0));

    {
        JET_RETINFO r = { 0, 0, 1, 0 };
        IN("JET_RETINFO", r, size >= sizeof r, bad, JetRetrieveColumn(s, t, id, &v, sizeof v, NULL, 0, &r), (void)0);
    }
    {
        JET_SETINFO i = { 0, 0, 1 };
        OK(JetPrepareUpdate(s, t, JET_prepReplace));
        IN("JET_SETINFO", i, size >= sizeof i, bad, JetSetColumn(s, t, id, &v, sizeof v, 0, &i), (void)0);
        OK(JetPrepareUpdate(s, t, JET_prepCancel));
    }
    {
        JET_COLUMNDEF c = { 0, 0, JET_coltypLongBinary, 0, 0, 0, 0, 0, 0 };
        JET_COLUMNID n;
        /* of a type with many numbers, as they are not used again */
        IN("JET_COLUMNDEF", c, size >= sizeof c, bad, JetAddColumnA(s, t, "n", &c, NULL, 0, &n), OK(JetDeleteColumnA(s, t, "n")));
    }
    {
        JET_INDEXCREATE_A x;
        memset(&x, 0, sizeof x);
        x.szIndexName = "i";
        x.szKey = "+c\0";
        x.cbKey = 4;
        IN("JET_INDEXCREATE", x, size == sizeof x || size == sizeof(JET_INDEXCREATEOLD_A), bad, JetCreateIndex2A(s, t, &x, 1), OK(JetDeleteIndexA(s, t, "i")));
    }
    {
        JET_INDEXCREATE2_A x;
        memset(&x, 0, sizeof x);
        x.szIndexName = "i";
        x.szKey = "+c\0";
        x.cbKey = 4;
        IN("JET_INDEXCREATE2", x, size == sizeof x, bad, JetCreateIndex3A(s, t, &x, 1), OK(JetDeleteIndexA(s, t, "i")));
    }
    {
        JET_INDEXCREATE3_A x;
        JET_SPACEHINTS h;
        memset(&x, 0, sizeof x);
        memset(&h, 0, sizeof h);
        x.szIndexName = "i";
        x.szKey = "+c\0";
        x.cbKey = 4;
        IN("JET_INDEXCREATE3", x, size == sizeof x, bad, JetCreateIndex4A(s, t, &x, 1), OK(JetDeleteIndexA(s, t, "i")));
        x.cbStruct = sizeof x;
        x.pSpacehints = &h;
        IN("JET_SPACEHINTS", h, size == sizeof h, bad, JetCreateIndex4A(s, t, &x, 1), OK(JetDeleteIndexA(s, t, "i")));
    }
#define TABLECREATE(type, call, is) do { type c; memset(&c, 0, sizeof c); c.szTableName = "x"; \
    IN(#type, c, is, bad, call(s, d, &c), OK(JetCloseTable(s, c.tableid)); OK(JetDeleteTableA(s, d, "x"))); } while (0)
    TABLECREATE(JET_TABLECREATE_A, JetCreateTableColumnIndexA, size < 201);
    TABLECREATE(JET_TABLECREATE2_A, JetCreateTableColumnIndex2A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE3_A, JetCreateTableColumnIndex3A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE4_A, JetCreateTableColumnIndex4A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE5_A, JetCreateTableColumnIndex5A, size == sizeof c);
    {
        JET_COLUMNCREATE_A col;
        JET_TABLECREATE_A c;
        memset(&c, 0, sizeof c);
        memset(&col, 0, sizeof col);
        c.szTableName = "x";
        c.rgcolumncreate = &col;
        c.cColumns = 1;
        col.szColumnName = "c";
        col.coltyp = JET_coltypLong;
        IN("JET_COLUMNCREATE", col, size == sizeof col, bad, JetCreateTableColumnIndexA(s, d, &c), OK(JetCloseTable(s, c.tableid)); OK(JetDeleteTableA(s, d, "x")));
    }
    {
        JET_COLUMNDEF def = { sizeof def, 0, JET_coltypLong, 0, 0, 0, 0, 0, JET_bitColumnTTKey };
        JET_OPENTEMPORARYTABLE o;
        JET_OPENTEMPORARYTABLE2 o2;
        memset(&o, 0, sizeof o);
        o.prgcolumndef = &def;
        o.ccolumn = 1;
        o.prgcolumnid = ids;
        IN("JET_OPENTEMPORARYTABLE", o, size == sizeof o, bad, JetOpenTemporaryTable(s, &o), OK(JetCloseTable(s, o.tableid)));
        memset(&o2, 0, sizeof o2);
        o2.prgcolumndef = &def;
        o2.ccolumn = 1;
        o2.prgcolumnid = ids;
        IN("JET_OPENTEMPORARYTABLE2", o2, size == sizeof o2, bad, JetOpenTemporaryTable2(s, &o2), OK(JetCloseTable(s, o2.tableid)));
    }
    {
        JET_RSTINFO_A r;
        JET_RSTINFO2_A r2;
        JET_INSTANCE i = 0;
        int n = 0;
        char name[16];
#define INIT(what, r, call) do { uint32_t size; memset(&r, 0, sizeof r); for (size = 0; size <= 200; size++) { JET_ERR e_; \
        if (size == sizeof r) continue; \
        snprintf(name, sizeof name, "r%d", n++); OK(JetCreateInstanceA(&i, name)); r.cbStruct = size; e_ = call(&i, &r, 0); \
        memset(buffer, FILLED, sizeof buffer); judge(what, size, bad, e_); JetTerm(i); } } while (0)
        INIT("JET_RSTINFO", r, JetInit3A);
        INIT("JET_RSTINFO2", r2, JetInit4A);
    }
    OK(JetMove(s, t, JET_MoveFirst, 0)); /* index definitions have taken the position away */
    AS("JET_RECPOS", size >= 16, bad, JetGetRecordPosition(s, t, (JET_RECPOS *)buffer, size));
    AS("JET_THREADSTATS", size >= sizeof(JET_THREADSTATS), small, JetGetThreadStats(buffer, size));
    AS("JET_SESSIONINFO", size >= sizeof(JET_SESSIONINFO), small, JetGetSessionInfo(s, buffer, size, JET_SessionInfo));
    AS("JET_OBJECTINFO", size >= sizeof(JET_OBJECTINFO), small, JetGetObjectInfoA(s, d, JET_objtypTable, NULL, "t", buffer, size, JET_ObjInfo));
    AS("JET_COLUMNDEF of information", size >= sizeof(JET_COLUMNDEF), small, JetGetTableColumnInfoA(s, t, "c", buffer, size, JET_ColInfo));
#define MISC (size == sizeof(JET_DBINFOMISC) || size == sizeof(JET_DBINFOMISC2) || size == sizeof(JET_DBINFOMISC3) || size == sizeof(JET_DBINFOMISC4) || \
    size == sizeof(JET_DBINFOMISC5) || size == sizeof(JET_DBINFOMISC6) || size == sizeof(JET_DBINFOMISC7))
    AS("JET_DBINFOMISC of a database", MISC, JET_errInvalidBufferSize, JetGetDatabaseInfoA(s, d, buffer, size, JET_DbInfoMisc));
    OK(JetEndSession(s, 0));
    OK(JetTerm2(inst, JET_bitTermComplete));
    AS("JET_DBINFOMISC of a file", MISC, JET_errInvalidBufferSize, JetGetDatabaseFileInfoA(path, buffer, size, JET_DbInfoMisc));
    return failures != 0;
}
