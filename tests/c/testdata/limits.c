/* limits DIR PAGE: what is limited in schemas and keys works up to the number of the tables and gives the code of the tables beyond. */
#include "limits.h"

static JET_ERR add(JET_TABLEID t, int i, JET_COLTYP type, JET_GRBIT grbit)
{
    JET_COLUMNDEF d = { sizeof d, 0, type, 0, 0, 1252, 0, 0, grbit };
    JET_COLUMNID id;
    char name[32];
    snprintf(name, sizeof name, "c%d", i);
    return JetAddColumnA(ses, t, name, &d, NULL, 0, &id);
}

static void columns(const char *name, JET_COLTYP type, JET_GRBIT grbit, int most)
{
    JET_TABLEID t = table(name);
    int i;
    OK(JetBeginTransaction(ses));
    for (i = 0; i < most; i++) NEAR(0, add(t, i, type, grbit), "%s column %d", name, i + 1);
    NEAR(JET_errTooManyColumns, add(t, most, type, grbit), "%s", name);
    OK(JetCommitTransaction(ses, JET_bitCommitLazyFlush));
    OK(JetCloseTable(ses, t));
}

/* All tagged columns that there may be, made at once: they can be used, and no more of them be added. */
static void tagged(void)
{
    enum { MOST = JET_ccolTaggedMost };
    static JET_COLUMNCREATE_A c[MOST + 1];
    static char names[MOST + 1][12];
    JET_TABLECREATE_A t = { sizeof t, "tagged", NULL, 0, 80, c, MOST + 1, NULL, 0, 0, 0, 0 };
    JET_COLUMNDEF d;
    char value[8];
    uint32_t n;
    int i;
    for (i = 0; i <= MOST; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        c[i].cbStruct = sizeof *c;
        c[i].szColumnName = names[i];
        c[i].coltyp = JET_coltypLongBinary;
    }
    NEAR(JET_errTooManyColumns, JetCreateTableColumnIndexA(ses, dbid, &t), "%d tagged", MOST + 1);
    if (t.cCreated != 1 + MOST) FAIL("%u of %d columns were created", t.cCreated - 1, MOST);
    t.cColumns = MOST;
    OK(JetCreateTableColumnIndexA(ses, dbid, &t));
    NEAR(JET_errTooManyColumns, add(t.tableid, MOST, JET_coltypLongBinary, 0), "%d tagged", MOST + 1);
    OK(JetGetTableColumnInfoA(ses, t.tableid, names[MOST - 1], &d, sizeof d, JET_ColInfo));
    if (d.columnid != c[MOST - 1].columnid) FAIL("the last column is %u, not %u", d.columnid, c[MOST - 1].columnid);
    OK(JetBeginTransaction(ses));
    OK(JetPrepareUpdate(ses, t.tableid, JET_prepInsert));
    OK(JetSetColumn(ses, t.tableid, d.columnid, "last", 4, 0, NULL));
    OK(JetUpdate(ses, t.tableid, NULL, 0, NULL));
    OK(JetCommitTransaction(ses, 0));
    OK(JetMove(ses, t.tableid, JET_MoveFirst, 0));
    OK(JetRetrieveColumn(ses, t.tableid, d.columnid, value, sizeof value, &n, 0, NULL));
    if (n != 4 || memcmp(value, "last", 4)) FAIL("the last column has %u bytes", n);
    OK(JetCloseTable(ses, t.tableid));
}

/* A template's columns count for the tables that are derived from it, but for tagged ones. */
static void derived(void)
{
    enum { ABOVE = 100 };
    JET_TABLECREATE_A up = { sizeof up, "template", NULL, 0, 80, NULL, 0, NULL, 0, JET_bitTableCreateTemplateTable, 0, 0 };
    JET_TABLECREATE_A down = { sizeof down, "derived", "template", 0, 80, NULL, 0, NULL, 0, 0, 0, 0 };
    JET_COLUMNCREATE_A c[2 * ABOVE];
    char names[2 * ABOVE][12];
    int i;
    memset(c, 0, sizeof c);
    for (i = 0; i < 2 * ABOVE; i++) {
        snprintf(names[i], sizeof names[i], "u%d", i);
        c[i].cbStruct = sizeof *c;
        c[i].szColumnName = names[i];
        c[i].coltyp = i % 2 ? JET_coltypText : JET_coltypShort;
    }
    up.rgcolumncreate = c;
    up.cColumns = 2 * ABOVE;
    OK(JetCreateTableColumnIndexA(ses, dbid, &up));
    OK(JetCloseTable(ses, up.tableid));
    OK(JetCreateTableColumnIndexA(ses, dbid, &down));
    OK(JetBeginTransaction(ses));
    for (i = 0; i <= JET_ccolFixedMost - ABOVE; i++)
        NEAR(i < JET_ccolFixedMost - ABOVE ? 0 : JET_errTooManyColumns, add(down.tableid, i, JET_coltypShort, 0), "derived, fixed column %d", i + 1);
    for (i = 0; i <= JET_ccolVarMost - ABOVE; i++)
        NEAR(i < JET_ccolVarMost - ABOVE ? 0 : JET_errTooManyColumns, add(down.tableid, 1000 + i, JET_coltypText, 0), "derived, variable column %d", i + 1);
    NEAR(0, add(down.tableid, 2000, JET_coltypLongText, 0), "derived, tagged");
    OK(JetCommitTransaction(ses, JET_bitCommitLazyFlush));
    OK(JetCloseTable(ses, down.tableid));
}

static void key_columns(void)
{
    char key[400];
    int n, i;
    for (n = JET_ccolKeyMost; n <= JET_ccolKeyMost + 1; n++) {
        JET_TABLEID t = table(n == JET_ccolKeyMost ? "key16" : "key17");
        size_t at = 0;
        for (i = 0; i < n; i++) {
            OK(add(t, i, JET_coltypLong, 0));
            at += (size_t)snprintf(key + at, sizeof key - at, "+c%d", i) + 1;
        }
        key[at++] = 0;
        NEAR(n > JET_ccolKeyMost ? JET_errIndexInvalidDef : 0, JetCreateIndexA(ses, t, "i", 0, key, (uint32_t)at, 80), "%d key columns", n);
        OK(JetCloseTable(ses, t));
    }
}

static void key_sizes(uint32_t page)
{
    uint32_t most = page == 4096 ? 1000 : 2000, sizes[] = { 254, 255, most, most + 1 };
    JET_TABLEID t = table("keys");
    unsigned i;
    OK(add(t, 0, JET_coltypLongBinary, 0));
    for (i = 0; i < 4; i++) {
        JET_INDEXCREATE_A x;
        char name[8];
        memset(&x, 0, sizeof x);
        snprintf(name, sizeof name, "i%u", i);
        x.cbStruct = sizeof x;
        x.szIndexName = name;
        x.szKey = "+c0\0";
        x.cbKey = 5;
        x.grbit = JET_bitIndexKeyMost;
        x.cbKeyMost = sizes[i];
        NEAR(i == 0 || i == 3 ? JET_errIndexInvalidDef : 0, JetCreateIndex2A(ses, t, &x, 1), "page %u, key of %u", page, sizes[i]);
    }
    OK(JetCloseTable(ses, t));
}

/* Names of 64 letters of everything that has a name, and of 65. */
static void names(void)
{
    char name[66], other[66];
    WCHAR wide[66];
    JET_TABLEID t, c = table("names");
    JET_COLUMNDEF d = { sizeof d, 0, JET_coltypLong, 0, 0, 0, 0, 0, 0 };
    JET_COLUMNID id;
    size_t n, i;
    OK(add(c, 0, JET_coltypLong, 0));
    OK(add(c, 1, JET_coltypLong, 0));
    for (n = 65; n >= 64; n--) {
        JET_ERR want = n > 64 ? JET_errInvalidName : 0;
        memset(name, 'n', n);
        memset(other, 'o', n);
        name[n] = other[n] = 0;
        for (i = 0; i < n; i++) wide[i] = 'w';
        wide[n] = 0;
        NEAR(want, JetCreateTableA(ses, dbid, name, 0, 80, &t), "%u letters", (unsigned)n);
        if (want == 0) OK(JetCloseTable(ses, t));
        NEAR(want, JetCreateTableW(ses, dbid, wide, 0, 80, &t), "%u letters", (unsigned)n);
        if (want == 0) OK(JetCloseTable(ses, t));
        NEAR(want, JetRenameTableA(ses, dbid, want ? "names" : name, other), "%u letters", (unsigned)n);
        NEAR(want, JetAddColumnA(ses, c, name, &d, NULL, 0, &id), "%u letters", (unsigned)n);
        NEAR(want, JetAddColumnW(ses, c, wide, &d, NULL, 0, &id), "%u letters", (unsigned)n);
        NEAR(want, JetRenameColumnA(ses, c, "c1", other, 0), "%u letters", (unsigned)n);
        NEAR(want, JetCreateIndexA(ses, c, name, 0, "+c0\0", 5, 80), "%u letters", (unsigned)n);
        NEAR(want, JetCreateIndexW(ses, c, wide, 0, u"+c0\0", 10, 80), "%u letters", (unsigned)n);
    }
    OK(JetCloseTable(ses, c));
}

static void nesting(void)
{
    int i;
    for (i = 0; i < 7; i++) NEAR(0, JetBeginTransaction(ses), "level %d", i + 1);
    NEAR(JET_errTransTooDeep, JetBeginTransaction(ses), "level 8");
    OK(JetRollback(ses, JET_bitRollbackAll));
}

static void temporary_columns(void)
{
    static const struct { JET_COLTYP type; JET_GRBIT grbit; int most; JET_ERR code; } kinds[] = {
        { JET_coltypShort, 0, JET_ccolFixedMost, JET_errTooManyColumns },
        { JET_coltypText, 0, JET_ccolVarMost, JET_errTooManyColumns },
        { JET_coltypShort, JET_bitColumnTTKey, JET_ccolKeyMost, JET_errTooManyKeys },
    };
    JET_COLUMNDEF d[JET_ccolVarMost + 1];
    JET_COLUMNID id[JET_ccolVarMost + 1];
    JET_TABLEID t;
    unsigned k;
    int i;
    for (k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        memset(d, 0, sizeof d);
        for (i = 0; i <= kinds[k].most; i++) {
            d[i].cbStruct = sizeof *d;
            d[i].coltyp = kinds[k].type;
            d[i].grbit = i == 0 ? JET_bitColumnTTKey : kinds[k].grbit;
        }
        NEAR(kinds[k].code, JetOpenTempTable(ses, d, (uint32_t)kinds[k].most + 1, 0, &t, id), "temporary table %u", k);
        OK(JetOpenTempTable(ses, d, (uint32_t)kinds[k].most, 0, &t, id));
        OK(JetCloseTable(ses, t));
    }
}

static void conditions(void)
{
    JET_TABLEID t = table("conditions");
    JET_CONDITIONALCOLUMN_A c[JET_ccolKeyMost + 1];
    char names[JET_ccolKeyMost + 1][8];
    JET_INDEXCREATE_A x = index_on("c0", 0, 0);
    int i;
    for (i = 0; i <= JET_ccolKeyMost; i++) {
        OK(add(t, i, JET_coltypShort, 0));
        snprintf(names[i], sizeof names[i], "c%d", i);
        c[i].cbStruct = sizeof *c;
        c[i].szColumnName = names[i];
        c[i].grbit = JET_bitIndexColumnMustBeNonNull;
    }
    x.rgconditionalcolumn = c;
    for (i = JET_ccolKeyMost + 1; i >= JET_ccolKeyMost; i--) {
        x.cConditionalColumn = (uint32_t)i;
        NEAR(i > JET_ccolKeyMost ? JET_errIndexInvalidDef : 0, JetCreateIndex2A(ses, t, &x, 1), "%d conditions", i);
    }
    OK(JetCloseTable(ses, t));
}

/* insert puts length letters into column c0, and reads the key if the record was taken. */
static JET_ERR insert(JET_TABLEID t, JET_COLUMNID id, uint32_t length, uint32_t *key)
{
    static char text[4000];
    unsigned char buf[4000], bookmark[4000];
    uint32_t size;
    JET_ERR e;
    memset(text, 'k', sizeof text);
    OK(JetBeginTransaction(ses));
    OK(JetPrepareUpdate(ses, t, JET_prepInsert));
    OK(JetSetColumn(ses, t, id, text, length, 0, NULL));
    if ((e = JetUpdate(ses, t, bookmark, sizeof bookmark, &size)) >= 0) {
        OK(JetMove(ses, t, JET_MoveFirst, 0));
        OK(JetRetrieveKey(ses, t, buf, sizeof buf, key, 0));
    } else {
        OK(JetPrepareUpdate(ses, t, JET_prepCancel));
    }
    OK(JetRollback(ses, 0));
    return e;
}

/* Letters take a byte of the key each, the column's begin and end two. */
static void longest_keys(uint32_t page)
{
    uint32_t most[] = { 255, 256, page == 4096 ? 1000 : 2000 }, size;
    static const JET_GRBIT kinds[] = { 0, JET_bitIndexPrimary | JET_bitIndexUnique };
    unsigned char key[2100];
    unsigned i, k;
    memset(key, 'k', sizeof key);
    for (i = 0; i < 3; i++) for (k = 0; k < 4; k++) {
        JET_GRBIT strict = k & 1 ? JET_bitIndexDisallowTruncation : 0;
        JET_INDEXCREATE_A x = index_on("c0", strict | kinds[k / 2], most[i]);
        JET_COLUMNID id;
        JET_TABLEID t;
        char name[16];
        snprintf(name, sizeof name, "longest%u.%u", i, k);
        *strchr(name, '.') = '-';
        t = table(name);
        id = add_column(ses, t, "c0", JET_coltypLongText, 0, 1252);
        OK(JetCreateIndex2A(ses, t, &x, 1));
        OK(JetSetCurrentIndexA(ses, t, "i"));
        NEAR(0, insert(t, id, most[i] - 2, &size), "key of %u in %u", most[i], most[i]);
        if (size != most[i]) FAIL("key of %u bytes, not %u", size, most[i]);
        NEAR(strict ? JET_errKeyTruncated : 0, insert(t, id, most[i] - 1, &size), "key of %u in %u", most[i] + 1, most[i]);
        if (!strict && size != most[i]) FAIL("cut key of %u bytes, not %u", size, most[i]);
        NEAR(0, JetMakeKey(ses, t, key, most[i] + 1, JET_bitNormalizedKey), "normalised key of %u", most[i] + 1);
        NEAR(JET_errInvalidParameter, JetMakeKey(ses, t, key, most[i] + 2, JET_bitNormalizedKey), "normalised key of %u", most[i] + 2);
        OK(JetCloseTable(ses, t));
    }
}

static void tuples(void)
{
    static const struct { JET_TUPLELIMITS l; JET_ERR want; } cases[] = {
        { { 2, 2, 1, 1, 0 }, 0 }, { { 2, 255, 32767, 65535, 65535 }, 0 }, { { 255, 255, 0, 0, 0 }, 0 }, { { 0, 0, 0, 0, 0 }, 0 },
        { { 1, 10, 0, 0, 0 }, JET_errIndexTuplesInvalidLimits }, { { 2, 256, 0, 0, 0 }, JET_errIndexTuplesInvalidLimits },
        { { 11, 10, 0, 0, 0 }, JET_errIndexTuplesInvalidLimits }, { { 2, 10, 32768, 0, 0 }, JET_errIndexTuplesInvalidLimits },
        { { 2, 10, 0, 65536, 0 }, JET_errIndexTuplesInvalidLimits }, { { 2, 10, 0, 0, 65536 }, JET_errIndexTuplesInvalidLimits },
    };
    JET_TABLEID t = table("tuples");
    unsigned i;
    add_column(ses, t, "c0", JET_coltypText, 0, 1252);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        JET_TUPLELIMITS l = cases[i].l;
        JET_INDEXCREATE_A x = index_on("c0", JET_bitIndexTuples | JET_bitIndexTupleLimits, 0);
        x.ptuplelimits = &l;
        NEAR(cases[i].want, JetCreateIndex2A(ses, t, &x, 1), "tuple limits %u", i);
        if (cases[i].want == 0) OK(JetDeleteIndexA(ses, t, "i"));
    }
    OK(JetCloseTable(ses, t));
}

static void hints(uint32_t page)
{
    enum { EXTENT = 100 << 20 };
    const struct { JET_SPACEHINTS h; JET_ERR want; } cases[] = {
        { { 0, 0, 0, 0, 0, 99, 0, 0 }, JET_errSpaceHintsInvalid }, { { 0, 0, 0, 0, 0, 100, 0, 0 }, 0 },
        { { 0, 0, 0, 0, 0, 49999, 0, 0 }, 0 }, { { 0, 0, 0, 0, 0, 50000, 0, 0 }, JET_errSpaceHintsInvalid },
        { { 0, 19, 0, 0, 0, 0, 0, 0 }, JET_errDensityInvalid }, { { 0, 20, 0, 0, 20, 0, 0, 0 }, 0 },
        { { 0, 100, 0, 0, 100, 0, 0, 0 }, 0 }, { { 0, 0, 0, 0, 101, 0, 0, 0 }, JET_errDensityInvalid },
        { { 0, 0, 0, 0, 0, 200, page, EXTENT - page }, 0 }, { { 0, 0, 0, 0, 0, 200, page, EXTENT }, JET_errSpaceHintsInvalid },
        { { 0, 0, 0, 0, 0, 0, 2 * page, 2 * page }, 0 }, { { 0, 0, 0, 0, 0, 0, 3 * page, 2 * page }, JET_errSpaceHintsInvalid },
    };
    static const uint32_t densities[] = { 19, 20, 100, 101 };
    JET_TABLEID t = table("hints");
    unsigned i;
    add_column(ses, t, "c0", JET_coltypShort, 0, 0);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        JET_SPACEHINTS h = cases[i].h;
        JET_INDEXCREATE3_A x;
        memset(&x, 0, sizeof x);
        h.cbStruct = sizeof h;
        x.cbStruct = sizeof x;
        x.szIndexName = "i";
        x.szKey = "+c0\0";
        x.cbKey = 5;
        x.pSpacehints = &h;
        NEAR(cases[i].want, JetCreateIndex4A(ses, t, &x, 1), "space hints %u", i);
        if (cases[i].want == 0) OK(JetDeleteIndexA(ses, t, "i"));
    }
    OK(JetCloseTable(ses, t));
    for (i = 0; i < 4; i++) {
        JET_ERR want = i % 3 ? 0 : JET_errDensityInvalid;
        NEAR(want, JetCreateTableA(ses, dbid, "density", 0, densities[i], &t), "density %u", densities[i]);
        if (want) continue;
        OK(JetCloseTable(ses, t));
        OK(JetDeleteTableA(ses, dbid, "density"));
    }
}

static void defaults(void)
{
    static const struct { JET_COLTYP type; JET_GRBIT grbit; uint32_t most, size; JET_ERR want; } cases[] = {
        { JET_coltypLongText, 0, 0, JET_cbLVDefaultValueMost, 0 }, { JET_coltypLongText, 0, 0, JET_cbLVDefaultValueMost + 1, JET_errDefaultValueTooBig },
        { JET_coltypText, 0, 10, 10, 0 }, { JET_coltypText, 0, 10, 11, JET_errDefaultValueTooBig },
        { JET_coltypLongBinary, 0, 10, 10, 0 }, { JET_coltypLongBinary, 0, 10, 11, JET_errDefaultValueTooBig },
        { JET_coltypText, 0, 0, 255, 0 }, { JET_coltypText, 0, 0, 256, JET_errDefaultValueTooBig },
        { JET_coltypBinary, 0, JET_cbColumnMost, 0, 0 }, { JET_coltypBinary, 0, JET_cbColumnMost + 1, 0, JET_wrnColumnMaxTruncated },
        { JET_coltypLongBinary, 0, JET_cbLVColumnMost, 0, 0 }, { JET_coltypLongBinary, 0, (uint32_t)JET_cbLVColumnMost + 1, 0, JET_errInvalidParameter },
    };
    char value[300], name[16];
    JET_TABLEID t = table("defaults");
    JET_COLUMNID id;
    unsigned i;
    memset(value, 'd', sizeof value);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        JET_COLUMNDEF d = { sizeof d, 0, cases[i].type, 0, 0, 1252, 0, cases[i].most, cases[i].grbit };
        snprintf(name, sizeof name, "c%u", i);
        NEAR(cases[i].want, JetAddColumnA(ses, t, name, &d, cases[i].size ? value : NULL, cases[i].size, &id), "default %u", i);
    }
    OK(JetCloseTable(ses, t));
}

int main(int argc, char **argv)
{
    uint32_t page = start("limits", argc, argv);
    columns("fixed", JET_coltypUnsignedByte, JET_bitColumnFixed, JET_ccolFixedMost);
    columns("variable", JET_coltypText, 0, JET_ccolVarMost);
    if (page == 4096) tagged();
    derived();
    temporary_columns();
    key_columns();
    conditions();
    key_sizes(page);
    longest_keys(page);
    tuples();
    hints(page);
    names();
    defaults();
    nesting();
    OK(JetTerm2(inst, JET_bitTermComplete));
    return failures != 0;
}
