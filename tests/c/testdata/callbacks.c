/* callbacks DIR: functions of the program's that the engine calls: what they may do, what their results do, defaults
 * that they compute, and values kept with cursors and tables. */
#include "engine.h"

static JET_SESID s;
static JET_DBID d;
static JET_TABLEID t, other;
static JET_COLUMNID id, n, computed;
static int calls, freed_cursors, freed_tables, probes;
static JET_API_PTR last_freed;

static JET_ERR JET_API runtime(JET_SESID sesid, JET_DBID dbid, JET_TABLEID tableid, JET_CBTYP type, void *a, void *b, void *context, JET_API_PTR unused)
{
    if (sesid != JET_sesidNil || tableid != JET_tableidNil || dbid != JET_dbidNil || b || context || unused) FAIL("runtime callback's arguments");
    if (type == JET_cbtypNull) probes++;
    if (type == JET_cbtypFreeCursorLS) freed_cursors++;
    if (type == JET_cbtypFreeTableLS) freed_tables++;
    last_freed = (JET_API_PTR)a;
    return JET_errSuccess;
}

static void insert(int32_t v)
{
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    OK(JetSetColumn(s, t, id, &v, sizeof v, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
}

static int32_t value(JET_TABLEID table, JET_COLUMNID c, JET_GRBIT grbit)
{
    int32_t v = -1;
    OK(JetRetrieveColumn(s, table, c, &v, sizeof v, NULL, grbit, NULL));
    return v;
}

/* Does within a callback what is allowed, and expects of the rest that it is refused. */
static JET_ERR JET_API busy(JET_SESID sesid, JET_DBID dbid, JET_TABLEID tableid, JET_CBTYP type, void *a, void *b, void *context, JET_API_PTR unused)
{
    int32_t v = 1000 + calls;
    JET_INSTANCE i = *(JET_INSTANCE *)context;
    JET_TABLEID dup;
    char mark[20];
    uint32_t size;
    /* What follows an update outside a transaction finds none. */
    JET_ERR ended = type & (JET_cbtypAfterInsert | JET_cbtypAfterDelete) ? JET_errNotInTransaction : JET_errSessionSharingViolation;
    if (sesid != s || tableid != t || a || b || unused) FAIL("callback's arguments");
    calls++;
    WANT(JET_errIllegalOperation, JetMove(s, t, JET_MoveFirst, 0));
    WANT(JET_errIllegalOperation, JetUpdate(s, t, NULL, 0, NULL));
    WANT(JET_errIllegalOperation, JetCloseTable(s, t));
    WANT(JET_errIllegalOperation, JetDelete(s, t));
    WANT(JET_errSessionSharingViolation, JetEndSession(s, 0));
    WANT(ended, JetCommitTransaction(s, 0));
    WANT(ended, JetRollback(s, 0));
    WANT(ended, JetRollback(s, JET_bitRollbackAll));
    WANT(JET_errSessionSharingViolation, JetCloseDatabase(s, d, 0));
    WANT(JET_errSessionSharingViolation, JetTerm(i));
    if (type == JET_cbtypBeforeInsert || type == JET_cbtypBeforeReplace) OK(JetSetColumn(s, t, n, &v, sizeof v, 0, NULL));
    else if (type != JET_cbtypAfterInsert) OK(JetGetBookmark(s, t, mark, sizeof mark, &size));
    OK(JetDupCursor(s, t, &dup, 0));
    OK(JetCloseTable(s, dup));
    /* Another table changes in a transaction of its own, and once more in one that is taken back. */
    OK(JetBeginTransaction(s));
    OK(JetPrepareUpdate(s, other, JET_prepInsert));
    OK(JetUpdate(s, other, NULL, 0, NULL));
    OK(JetCommitTransaction(s, 0));
    OK(JetBeginTransaction(s));
    OK(JetPrepareUpdate(s, other, JET_prepInsert));
    OK(JetUpdate(s, other, NULL, 0, NULL));
    OK(JetRollback(s, 0));
    return JET_errSuccess;
}

static JET_ERR JET_API leaves_open(JET_SESID sesid, JET_DBID dbid, JET_TABLEID tableid, JET_CBTYP type, void *a, void *b, void *context, JET_API_PTR unused)
{
    OK(JetBeginTransaction(sesid));
    return JET_errSuccess;
}

static JET_ERR JET_API refuses(JET_SESID sesid, JET_DBID dbid, JET_TABLEID tableid, JET_CBTYP type, void *a, void *b, void *context, JET_API_PTR unused)
{
    int32_t v = 4711;
    if (type & (JET_cbtypBeforeInsert | JET_cbtypBeforeReplace)) OK(JetSetColumn(s, t, n, &v, sizeof v, 0, NULL));
    return -11000;
}

/* The default of column "computed": ten times the id, of the record that is looked at; none for ids below 0. */
JET_ERR JET_API ten_times(JET_SESID sesid, JET_DBID dbid, JET_TABLEID tableid, JET_CBTYP type, void *data, void *size, void *context, JET_API_PTR column)
{
    int32_t v = 0;
    if (type != JET_cbtypUserDefinedDefaultValue || !column || memcmp(context, "factor", 6)) FAIL("default's arguments");
    OK(JetRetrieveColumn(sesid, tableid, id, &v, sizeof v, NULL, 0, NULL));
    if (v < 0) return JET_wrnColumnNull;
    v *= 10;
    if (data) memcpy(data, &v, *(uint32_t *)size < sizeof v ? *(uint32_t *)size : sizeof v);
    *(uint32_t *)size = sizeof v;
    return JET_errSuccess;
}

static int count(JET_TABLEID table)
{
    int k = 0;
    JET_ERR e;
    for (e = JetMove(s, table, JET_MoveFirst, 0); e >= 0; e = JetMove(s, table, JET_MoveNext, 0)) k++;
    return k;
}

int main(int argc, char **argv)
{
    char db[1200];
    JET_INSTANCE i = create_instance("callbacks", argv[argc - 1]);
    JET_HANDLE h, h2;
    JET_COLUMNDEF def;
    JET_USERDEFINEDDEFAULT_A udd = {"!ten_times", (unsigned char *)"factor", 6, NULL};
    JET_LS ls;
    int32_t v, k;
    snprintf(db, sizeof db, "%s/c.edb", argv[argc - 1]);
    set_number(&i, JET_paramRuntimeCallback, (JET_API_PTR)runtime);
    set_number(&i, JET_paramEnablePersistedCallbacks, 1);
    set_number(&i, JET_paramCachedClosedTables, 1);
    OK(JetInit(&i));
    if (probes != 1) FAIL("runtime callback called %d times by JetInit", probes);
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "other", 0, 0, &other));
    OK(JetCreateTableA(s, d, "t", 0, 0, &t));
    id = add_column(s, t, "id", JET_coltypLong, 0, 0);
    n = add_column(s, t, "n", JET_coltypLong, 0, 0);
    OK(JetCreateIndexA(s, t, "pk", JET_bitIndexPrimary, "+id\0", 5, 0));

    /* What a callback does belongs to the update. */
    OK(JetRegisterCallback(s, t, 0x7e, busy, &i, &h));
    insert(1);
    OK(JetMove(s, t, JET_MoveFirst, 0));
    if (calls != 2 || value(t, n, 0) != 1000) FAIL("%d calls, value %d", calls, value(t, n, 0));
    OK(JetBeginTransaction(s));
    OK(JetPrepareUpdate(s, t, JET_prepReplace));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    if (calls != 4 || value(t, n, 0) != 1002) FAIL("%d calls, value %d", calls, value(t, n, 0));
    OK(JetRollback(s, 0));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    if (value(t, n, 0) != 1000 || count(other) != 2) FAIL("value %d, %d rows", value(t, n, 0), count(other));
    OK(JetDelete(s, t));
    if (calls != 6 || count(other) != 4) FAIL("%d calls, %d rows", calls, count(other));
    OK(JetUnregisterCallback(s, t, 0x7e, h));
    WANT(JET_errInvalidParameter, JetUnregisterCallback(s, t, 0x7e, 0));

    /* A result below 0 takes back all, what the callback has set too. */
    OK(JetRegisterCallback(s, t, JET_cbtypBeforeInsert | JET_cbtypBeforeDelete, refuses, NULL, &h));
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    v = 2;
    OK(JetSetColumn(s, t, id, &v, sizeof v, 0, NULL));
    WANT(-11000, JetUpdate(s, t, NULL, 0, NULL));
    OK(JetUnregisterCallback(s, t, JET_cbtypBeforeInsert, h));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    WANT(JET_wrnColumnNull, JetRetrieveColumn(s, t, n, &v, sizeof v, NULL, 0, NULL));
    WANT(-11000, JetDelete(s, t));
    OK(JetUnregisterCallback(s, t, JET_cbtypBeforeDelete, h));
    OK(JetRegisterCallback(s, t, JET_cbtypBeforeDelete, leaves_open, NULL, &h2));
    WANT(JET_errCallbackFailed, JetDelete(s, t));
    WANT(JET_errNotInTransaction, JetRollback(s, 0));
    OK(JetUnregisterCallback(s, t, JET_cbtypBeforeDelete, h2));

    /* Defaults that a callback computes, as values and in an index. */
    memset(&def, 0, sizeof def);
    def.cbStruct = sizeof def;
    def.coltyp = JET_coltypLong;
    def.grbit = JET_bitColumnTagged | JET_bitColumnUserDefinedDefault;
    udd.szCallback = "!no_such_function";
    WANT(JET_errCallbackNotResolved, JetAddColumnA(s, t, "computed", &def, &udd, sizeof udd, &computed));
    udd.szCallback = "no_such_module!ten_times";
    WANT(JET_errCallbackNotResolved, JetAddColumnA(s, t, "computed", &def, &udd, sizeof udd, &computed));
    udd.szCallback = "!ten_times";
    OK(JetAddColumnA(s, t, "computed", &def, &udd, sizeof udd, &computed));
    for (k = 3; k < 6; k++) insert(k);
    insert(-1);
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    v = 6;
    OK(JetSetColumn(s, t, id, &v, sizeof v, 0, NULL));
    if (value(t, computed, JET_bitRetrieveCopy) != 60) FAIL("computed from the copy buffer: %d", value(t, computed, JET_bitRetrieveCopy));
    v = 5;
    OK(JetSetColumn(s, t, computed, &v, sizeof v, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    WANT(JET_wrnColumnNull, JetRetrieveColumn(s, t, computed, &v, sizeof v, NULL, 0, NULL));
    OK(JetMove(s, t, JET_MoveNext, 0));
    if (value(t, computed, 0) != 20) FAIL("computed %d", value(t, computed, 0));
    WANT(JET_wrnBufferTruncated, JetRetrieveColumn(s, t, computed, &v, 2, NULL, 0, NULL));
    WANT(JET_wrnColumnNull, JetRetrieveColumn(s, t, computed, &v, sizeof v, NULL, JET_bitRetrieveIgnoreDefault, NULL));
    OK(JetCreateIndexA(s, t, "ix", JET_bitIndexIgnoreNull, "+computed\0", 11, 0));
    OK(JetSetCurrentIndexA(s, t, "ix"));
    if (count(t) != 5) FAIL("%d entries", count(t));
    OK(JetMove(s, t, JET_MoveLast, 0));
    if (value(t, id, 0) != 5) FAIL("last of the index is %d", value(t, id, 0));
    OK(JetDelete(s, t));
    v = 30;
    OK(JetMakeKey(s, t, &v, sizeof v, JET_bitNewKey));
    OK(JetSeek(s, t, JET_bitSeekEQ));
    if (value(t, id, 0) != 3) FAIL("found %d", value(t, id, 0));
    OK(JetPrepareUpdate(s, t, JET_prepReplace));
    v = 300;
    OK(JetSetColumn(s, t, computed, &v, sizeof v, 0, NULL));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetSetCurrentIndexA(s, t, "ix"));
    if (count(t) != 4) FAIL("%d entries", count(t));
    OK(JetMove(s, t, JET_MoveLast, 0));
    if (value(t, computed, 0) != 300) FAIL("last is %d", value(t, computed, 0));

    /* Values kept with cursors and tables. */
    OK(JetSetLS(s, t, 7, JET_bitLSCursor));
    WANT(JET_errLSAlreadySet, JetSetLS(s, t, 8, 0));
    WANT(JET_errLSNotSet, JetGetLS(s, t, &ls, JET_bitLSTable));
    OK(JetSetLS(s, t, 9, JET_bitLSTable));
    OK(JetGetLS(s, t, &ls, 0));
    if (ls != 7) FAIL("cursor's value %d", (int)ls);
    OK(JetGetLS(s, t, &ls, JET_bitLSReset));
    WANT(JET_errLSNotSet, JetGetLS(s, t, &ls, 0));
    OK(JetSetLS(s, t, 10, 0));
    WANT(JET_errInvalidGrbit, JetSetLS(s, t, 10, JET_bitLSCursor | JET_bitLSTable));
    OK(JetCloseTable(s, t));
    if (freed_cursors != 1 || last_freed != 10) FAIL("%d freed", freed_cursors);
    OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &t));
    OK(JetGetLS(s, t, &ls, JET_bitLSTable));
    if (ls != 9) FAIL("table's value %d", (int)ls);
    OK(JetSetLS(s, t, 11, 0));
    OK(JetTerm2(i, JET_bitTermComplete));
    if (freed_cursors != 2 || freed_tables != 1) FAIL("%d cursors' and %d tables' values freed", freed_cursors, freed_tables);
    return 0;
}
