/* sizes DIR: structures that a program fills in come in versions, told apart by their sizes. Each call takes the sizes of the tables
 * and refuses the others (spec chapter 01, 16). */
#include "sizes.h"

/* IN calls once for each value of cbStruct in a structure that is otherwise right; undo takes back what succeeded. */
#define IN(what, s, is, refused, call, undo) do { uint32_t size; for (size = 0; size <= 200; size++) { JET_ERR e_; \
    (s).cbStruct = size; e_ = (call); memset(buffer, FILLED, sizeof buffer); judge(what, size, (is) ? 0 : (refused), e_); if (e_ >= 0) { undo; } } } while (0)

/* Texts of both kinds. */
#define A(text) ((char *)(text))
#define W(text) ((WCHAR *)(u##text))

static const JET_ERR bad = JET_errInvalidParameter;
static const char *dir;
static JET_INSTANCE inst;
static JET_SESID s;
static JET_DBID d;
static JET_TABLEID t;
static JET_COLUMNID id;

static void values(void)
{
    int32_t v = 1;
    JET_RETINFO r = { 0, 0, 1, 0 };
    JET_SETINFO i = { 0, 0, 1 };
    IN("JET_RETINFO", r, size >= sizeof r, bad, JetRetrieveColumn(s, t, id, &v, sizeof v, NULL, 0, &r), (void)0);
    OK(JetPrepareUpdate(s, t, JET_prepReplace));
    IN("JET_SETINFO", i, size >= sizeof i, bad, JetSetColumn(s, t, id, &v, sizeof v, 0, &i), (void)0);
    OK(JetPrepareUpdate(s, t, JET_prepCancel));
}

static void columns(void)
{
    JET_COLUMNDEF c = { 0, 0, JET_coltypLongBinary, 0, 0, 0, 0, 0, 0 };
    JET_COLUMNID n;
    /* of a type with many numbers, as they are not used again */
    IN("JET_COLUMNDEF", c, size >= sizeof c, bad, JetAddColumnA(s, t, "n", &c, NULL, 0, &n), OK(JetDeleteColumnA(s, t, "n")));
    IN("JET_COLUMNDEF, wide", c, size >= sizeof c, bad, JetAddColumnW(s, t, W("n"), &c, NULL, 0, &n), OK(JetDeleteColumnA(s, t, "n")));
#define DEFAULT(type, text, call) do { type u; uint32_t size; memset(&u, 0, sizeof u); c.cbStruct = sizeof c; c.grbit = JET_bitColumnUserDefinedDefault; \
    u.szCallback = text("x!y"); for (size = 1; size <= 60; size++) { JET_ERR e_ = call(s, t, text("n"), &c, &u, size, &n); \
    memset(buffer, FILLED, sizeof buffer); judge(#type, size, size == sizeof u ? 0 : bad, e_); if (e_ >= 0) OK(JetDeleteColumnA(s, t, "n")); } } while (0)
    DEFAULT(JET_USERDEFINEDDEFAULT_A, A, JetAddColumnA);
    DEFAULT(JET_USERDEFINEDDEFAULT_W, W, JetAddColumnW);
}

static void indexes(void)
{
    JET_SPACEHINTS h;
    memset(&h, 0, sizeof h);
#define INDEX(type, text, call, is) do { type x; memset(&x, 0, sizeof x); x.szIndexName = text("i"); x.szKey = text("+c\0"); \
    x.cbKey = 4 * (uint32_t)sizeof *x.szKey; IN(#type, x, is, bad, call(s, t, &x, 1), OK(JetDeleteIndexA(s, t, "i"))); } while (0)
    INDEX(JET_INDEXCREATE_A, A, JetCreateIndex2A, size == sizeof x || size == sizeof(JET_INDEXCREATEOLD_A));
    INDEX(JET_INDEXCREATE_W, W, JetCreateIndex2W, size == sizeof x || size == sizeof(JET_INDEXCREATEOLD_W));
    INDEX(JET_INDEXCREATE2_A, A, JetCreateIndex3A, size == sizeof x);
    INDEX(JET_INDEXCREATE2_W, W, JetCreateIndex3W, size == sizeof x);
    INDEX(JET_INDEXCREATE3_A, A, JetCreateIndex4A, size == sizeof x);
    INDEX(JET_INDEXCREATE3_W, W, JetCreateIndex4W, size == sizeof x);
    {
        /* an array is as close as its elements say */
        JET_INDEXCREATEOLD_A old[3];
        char names[3][2] = { "o", "p", "q" };
        int i;
        memset(old, 0, sizeof old);
        for (i = 0; i < 3; i++) {
            old[i].cbStruct = sizeof *old;
            old[i].szIndexName = names[i];
            old[i].szKey = "+c\0";
            old[i].cbKey = 4;
        }
        OK(JetCreateIndex2A(s, t, (JET_INDEXCREATE_A *)old, 3));
        for (i = 0; i < 3; i++) OK(JetDeleteIndexA(s, t, names[i]));
    }
#define PART(type, what, part, field, text, call, refused) do { type x; memset(&x, 0, sizeof x); x.cbStruct = sizeof x; x.szIndexName = text("i"); \
    x.szKey = text("+c\0"); x.cbKey = 4 * (uint32_t)sizeof *x.szKey; field; \
    IN(what, part, size == sizeof part, refused, call(s, t, &x, 1), OK(JetDeleteIndexA(s, t, "i"))); } while (0)
    PART(JET_INDEXCREATE3_A, "JET_SPACEHINTS", h, x.pSpacehints = &h, A, JetCreateIndex4A, bad);
    PART(JET_INDEXCREATE3_W, "JET_SPACEHINTS, wide", h, x.pSpacehints = &h, W, JetCreateIndex4W, bad);
    {
        JET_CONDITIONALCOLUMN_A c = { 0, A("c"), JET_bitIndexColumnMustBeNull };
        JET_CONDITIONALCOLUMN_W w = { 0, W("c"), JET_bitIndexColumnMustBeNull };
        PART(JET_INDEXCREATE_A, "JET_CONDITIONALCOLUMN_A", c, (x.rgconditionalcolumn = &c, x.cConditionalColumn = 1), A, JetCreateIndex2A, JET_errIndexInvalidDef);
        PART(JET_INDEXCREATE_W, "JET_CONDITIONALCOLUMN_W", w, (x.rgconditionalcolumn = &w, x.cConditionalColumn = 1), W, JetCreateIndex2W, JET_errIndexInvalidDef);
    }
}

static void tables(void)
{
#define TABLECREATE(type, text, call, is) do { type c; memset(&c, 0, sizeof c); c.szTableName = text("x"); \
    IN(#type, c, is, bad, call(s, d, &c), OK(JetCloseTable(s, c.tableid)); OK(JetDeleteTableA(s, d, "x"))); } while (0)
    TABLECREATE(JET_TABLECREATE_A, A, JetCreateTableColumnIndexA, size < 201);
    TABLECREATE(JET_TABLECREATE_W, W, JetCreateTableColumnIndexW, size < 201);
    TABLECREATE(JET_TABLECREATE2_A, A, JetCreateTableColumnIndex2A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE2_W, W, JetCreateTableColumnIndex2W, size == sizeof c);
    TABLECREATE(JET_TABLECREATE3_A, A, JetCreateTableColumnIndex3A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE3_W, W, JetCreateTableColumnIndex3W, size == sizeof c);
    TABLECREATE(JET_TABLECREATE4_A, A, JetCreateTableColumnIndex4A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE4_W, W, JetCreateTableColumnIndex4W, size == sizeof c);
    TABLECREATE(JET_TABLECREATE5_A, A, JetCreateTableColumnIndex5A, size == sizeof c);
    TABLECREATE(JET_TABLECREATE5_W, W, JetCreateTableColumnIndex5W, size == sizeof c);
#define COLUMNCREATE(type, table, text, call) do { type col; table c; memset(&c, 0, sizeof c); memset(&col, 0, sizeof col); c.szTableName = text("x"); \
    c.rgcolumncreate = &col; c.cColumns = 1; col.szColumnName = text("c"); col.coltyp = JET_coltypLong; \
    IN(#type, col, size == sizeof col, bad, call(s, d, &c), OK(JetCloseTable(s, c.tableid)); OK(JetDeleteTableA(s, d, "x"))); } while (0)
    COLUMNCREATE(JET_COLUMNCREATE_A, JET_TABLECREATE_A, A, JetCreateTableColumnIndexA);
    COLUMNCREATE(JET_COLUMNCREATE_W, JET_TABLECREATE_W, W, JetCreateTableColumnIndexW);
    /* indexes that come with a table are of the table's generation */
#define WITH_TABLE(type, table, text, call, is, refused) do { type x; table c; memset(&c, 0, sizeof c); memset(&x, 0, sizeof x); c.cbStruct = sizeof c; \
    c.szTableName = text("x"); c.rgindexcreate = &x; c.cIndexes = 1; x.szIndexName = text("i"); x.szKey = text("+c\0"); \
    x.cbKey = 4 * (uint32_t)sizeof *x.szKey; { JET_COLUMNCREATE##text##_ col; memset(&col, 0, sizeof col); col.cbStruct = sizeof col; \
    col.szColumnName = text("c"); col.coltyp = JET_coltypLong; c.rgcolumncreate = &col; c.cColumns = 1; \
    IN(#type " with a table", x, is, refused, call(s, d, &c), OK(JetCloseTable(s, c.tableid)); OK(JetDeleteTableA(s, d, "x"))); } } while (0)
#define JET_COLUMNCREATEA_ JET_COLUMNCREATE_A
#define JET_COLUMNCREATEW_ JET_COLUMNCREATE_W
    WITH_TABLE(JET_INDEXCREATE_A, JET_TABLECREATE2_A, A, JetCreateTableColumnIndex2A, size == sizeof x || size == sizeof(JET_INDEXCREATEOLD_A), bad);
    WITH_TABLE(JET_INDEXCREATE_W, JET_TABLECREATE2_W, W, JetCreateTableColumnIndex2W, size == sizeof x || size == sizeof(JET_INDEXCREATEOLD_W), bad);
    WITH_TABLE(JET_INDEXCREATE2_A, JET_TABLECREATE3_A, A, JetCreateTableColumnIndex3A, size == sizeof x, bad);
    WITH_TABLE(JET_INDEXCREATE2_W, JET_TABLECREATE3_W, W, JetCreateTableColumnIndex3W, size == sizeof x, bad);
    WITH_TABLE(JET_INDEXCREATE3_A, JET_TABLECREATE4_A, A, JetCreateTableColumnIndex4A, size == sizeof x, JET_errInvalidCreateIndex);
    WITH_TABLE(JET_INDEXCREATE3_W, JET_TABLECREATE4_W, W, JetCreateTableColumnIndex4W, size == sizeof x, JET_errInvalidCreateIndex);
}

static void temporary_tables(void)
{
    JET_COLUMNDEF def = { sizeof def, 0, JET_coltypLong, 0, 0, 0, 0, 0, JET_bitColumnTTKey };
    JET_COLUMNID ids[1];
#define TEMPORARY(type, call) do { type o; memset(&o, 0, sizeof o); o.prgcolumndef = &def; o.ccolumn = 1; o.prgcolumnid = ids; \
    IN(#type, o, size == sizeof o, bad, call(s, &o), OK(JetCloseTable(s, o.tableid))); } while (0)
    TEMPORARY(JET_OPENTEMPORARYTABLE, JetOpenTemporaryTable);
    TEMPORARY(JET_OPENTEMPORARYTABLE2, JetOpenTemporaryTable2);
}

/* Ranges of two indexes are intersected. */
static void ranges(void)
{
    JET_INDEXRANGE r[2];
    JET_RECORDLIST list;
    JET_TABLEID cursor[2];
    int32_t v = 1;
    uint32_t size;
    int i;
    OK(JetCreateIndexA(s, t, "one", 0, "+c\0", 4, 80));
    OK(JetCreateIndexA(s, t, "two", 0, "-c\0", 4, 80));
    memset(r, 0, sizeof r);
    for (i = 0; i < 2; i++) {
        OK(JetDupCursor(s, t, &cursor[i], 0));
        OK(JetSetCurrentIndexA(s, cursor[i], i ? "two" : "one"));
        r[i].tableid = cursor[i];
        r[i].grbit = JET_bitRecordInIndex;
    }
    for (size = 0; size <= 60; size++) {
        JET_ERR e;
        int which;
        for (which = 0; which < 3; which++) {
            for (i = 0; i < 2; i++) {
                OK(JetMakeKey(s, cursor[i], &v, sizeof v, JET_bitNewKey));
                OK(JetSeek(s, cursor[i], JET_bitSeekEQ | JET_bitSetIndexRange));
                r[i].cbStruct = which == i ? size : (uint32_t)sizeof *r;
            }
            list.cbStruct = which == 2 ? size : (uint32_t)sizeof list;
            e = JetIntersectIndexes(s, r, 2, &list, 0);
            memset(buffer, FILLED, sizeof buffer);
            judge(which == 2 ? "JET_RECORDLIST" : "JET_INDEXRANGE", size, size == (which == 2 ? sizeof list : sizeof *r) ? 0 : bad, e);
            if (e >= 0) OK(JetCloseTable(s, list.tableid));
        }
    }
    for (i = 0; i < 2; i++) OK(JetCloseTable(s, cursor[i]));
    {
        JET_INDEXID index;
        OK(JetGetTableIndexInfoA(s, t, "one", &index, sizeof index, JET_IdxInfoIndexId));
        IN("JET_INDEXID", index, size == sizeof index, bad, JetSetCurrentIndex4A(s, t, "one", &index, 0, 1), (void)0);
    }
    OK(JetSetCurrentIndexA(s, t, NULL));
    OK(JetDeleteIndexA(s, t, "one"));
    OK(JetDeleteIndexA(s, t, "two"));
}

static void starts(void)
{
    JET_INSTANCE i = 0;
    char name[16], path[1100];
    int n = 0;
    snprintf(path, sizeof path, "%s/start", dir);
    if (mkdir(path, 0700)) FAIL("%s", path);
#define INIT(type, call) do { type r; uint32_t size; memset(&r, 0, sizeof r); for (size = 0; size <= 200; size++) { JET_ERR e_; \
    snprintf(name, sizeof name, "r%d", n++); i = create_instance(name, path); r.cbStruct = size; e_ = call(&i, &r, 0); \
    memset(buffer, FILLED, sizeof buffer); judge(#type, size, size == sizeof r ? 0 : bad, e_); \
    OK(JetTerm2(i, JET_bitTermComplete)); } } while (0) /* what is refused leaves the instance as it was */
    INIT(JET_RSTINFO_A, JetInit3A);
    INIT(JET_RSTINFO_W, JetInit3W);
    INIT(JET_RSTINFO2_A, JetInit4A);
    INIT(JET_RSTINFO2_W, JetInit4W);
}

static void utilities(void)
{
    char path[1100];
    WCHAR wide[1100];
    int out = dup(1);
    JET_DBUTIL_A a;
    JET_DBUTIL_W w;
    memset(&a, 0, sizeof a);
    memset(&w, 0, sizeof w);
    snprintf(path, sizeof path, "%s/sizes.edb", dir);
    wide_path(wide, path);
    a.op = w.op = opDBUTILDumpHeader;
    a.szDatabase = path;
    w.szDatabase = wide;
    if (out < 0 || !freopen("/dev/null", "w", stdout)) FAIL("the output"); /* which the headers go to */
    IN("JET_DBUTIL_A", a, size == sizeof a, bad, JetDBUtilitiesA(&a), (void)0);
    IN("JET_DBUTIL_W", w, size == sizeof w, bad, JetDBUtilitiesW(&w), (void)0);
    close(out);
}

int main(int argc, char **argv)
{
    int32_t v = 1;
    char path[1100];
    if (argc != 2) FAIL("usage");
    dir = argv[1];
    inst = create_instance("sizes", dir);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    snprintf(path, sizeof path, "%s/sizes.edb", dir);
    OK(JetCreateDatabaseA(s, path, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 0, 80, &t));
    id = add_column(s, t, "c", JET_coltypLong, 0, 0);
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    OK(JetSetColumn(s, t, id, &v, sizeof v, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    values();
    columns();
    indexes();
    tables();
    temporary_tables();
    ranges();
    starts();
    OK(JetEndSession(s, 0));
    OK(JetTerm2(inst, JET_bitTermComplete));
    utilities();
    return failures != 0;
}
