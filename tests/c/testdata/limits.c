/* limits DIR PAGE [tagged]: what is limited works up to the number of the tables and gives the code of the tables beyond. */
#include "engine.h"

static const char *dir;
static JET_INSTANCE inst;
static JET_SESID ses;
static JET_DBID dbid;

/* NEAR counts a failure and goes on. */
static int failures;
#define NEAR(code, call, ...) do { JET_ERR e_ = (call); if (e_ != (code)) { failures++; \
    fprintf(stderr, "%d: %s -> %d, not %d: ", __LINE__, #call, (int)e_, (int)(code)); fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } } while (0)

static JET_TABLEID table(const char *name)
{
    JET_TABLEID t;
    OK(JetCreateTableA(ses, dbid, name, 0, 80, &t));
    return t;
}

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

/* tagged columns up to their number take a minute: they are tried when asked for. */
static void tagged(void)
{
    enum { MOST = JET_ccolTaggedMost };
    static JET_COLUMNCREATE_A c[MOST + 1];
    static char names[MOST + 1][12];
    JET_TABLECREATE_A t = { sizeof t, "tagged", NULL, 0, 80, c, MOST + 1, NULL, 0, 0, 0, 0 };
    int i;
    for (i = 0; i <= MOST; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        c[i].cbStruct = sizeof *c;
        c[i].szColumnName = names[i];
        c[i].coltyp = JET_coltypLongBinary;
    }
    NEAR(JET_errTooManyColumns, JetCreateTableColumnIndexA(ses, dbid, &t), "%d tagged", MOST + 1);
    if (t.cCreated != 1 + MOST) FAIL("%u of %d columns were created", t.cCreated - 1, MOST);
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

static void names(void)
{
    char name[66];
    JET_TABLEID t, c = table("names");
    JET_COLUMNDEF d = { sizeof d, 0, JET_coltypLong, 0, 0, 0, 0, 0, 0 };
    JET_COLUMNID id;
    size_t n;
    for (n = 64; n <= 65; n++) {
        JET_ERR want = n > 64 ? JET_errInvalidName : 0;
        memset(name, 'n', n);
        name[n] = 0;
        NEAR(want, JetCreateTableA(ses, dbid, name, 0, 80, &t), "%u letters", (unsigned)n);
        NEAR(want, JetAddColumnA(ses, c, name, &d, NULL, 0, &id), "%u letters", (unsigned)n);
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

static void databases(void)
{
    JET_DBID d;
    char path[1100];
    int i;
    for (i = 2; i <= 7; i++) {
        snprintf(path, sizeof path, "%s/more%d.edb", dir, i);
        NEAR(i > 6 ? JET_errTooManyAttachedDatabases : 0, JetCreateDatabaseA(ses, path, NULL, &d, 0), "database %d", i);
    }
}

/* Objects that are made in numbers: at least most of them, and then the code. The engine may allow for a few more. */
static void objects(const char *what, JET_ERR code, int most, int few, JET_ERR (*one)(void))
{
    JET_ERR e = 0;
    int n;
    for (n = 0; n < most + few && (e = one()) >= 0; n++) {}
    if (n < most || (e < 0 && e != code) || e >= 0) {
        failures++;
        fprintf(stderr, "%s: %d of at least %d, then %d, not %d\n", what, n, most, (int)e, (int)code);
    }
}

static JET_ERR one_session(void) { JET_SESID s; return JetBeginSessionA(inst, &s, NULL, NULL); }
static JET_ERR one_cursor(void) { JET_TABLEID t; return JetOpenTableA(ses, dbid, "names", NULL, 0, 0, &t); }
static JET_ERR one_instance(void)
{
    static int n;
    JET_INSTANCE i;
    char name[16];
    snprintf(name, sizeof name, "more%d", n++);
    return JetCreateInstanceA(&i, name);
}
static JET_ERR one_temporary(void)
{
    JET_COLUMNDEF d = { sizeof d, 0, JET_coltypLong, 0, 0, 0, 0, 0, JET_bitColumnTTKey };
    JET_COLUMNID id;
    JET_TABLEID t;
    return JetOpenTempTable(ses, &d, 1, JET_bitTTForceMaterialization | JET_bitTTIndexed, &t, &id);
}

int main(int argc, char **argv)
{
    uint32_t page = argc > 2 ? (uint32_t)atoi(argv[2]) : 4096;
    char path[1100];
    if (argc < 3) FAIL("usage");
    dir = argv[1];
    set_number(NULL, JET_paramDatabasePageSize, page);
    set_number(NULL, JET_paramMaxInstances, 4);
    inst = create_instance("limits", dir);
    set_number(&inst, JET_paramMaxSessions, 16);
    set_number(&inst, JET_paramMaxCursors, 100);
    set_number(&inst, JET_paramMaxTemporaryTables, 20);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &ses, NULL, NULL));
    snprintf(path, sizeof path, "%s/limits.edb", dir);
    OK(JetCreateDatabaseA(ses, path, NULL, &dbid, 0));
    columns("fixed", JET_coltypUnsignedByte, JET_bitColumnFixed, JET_ccolFixedMost);
    columns("variable", JET_coltypText, 0, JET_ccolVarMost);
    if (argc > 3) tagged();
    key_columns();
    key_sizes(page);
    names();
    nesting();
    databases();
    objects("sessions", JET_errOutOfSessions, 15, 200, one_session);
    objects("temporary tables", JET_errTooManySorts, 20, 200, one_temporary);
    objects("cursors", JET_errOutOfCursors, 70, 500, one_cursor);
    objects("instances", JET_errTooManyInstances, 3, 1, one_instance);
    OK(JetTerm2(inst, JET_bitTermComplete));
    return failures != 0;
}
