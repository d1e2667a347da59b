/* quotas DIR: of each kind of object there may be so many at once. All of them work, one more gives the code of the tables, and
 * when one is given back there may be one again. */
#include "engine.h"

enum { SESSIONS = 7, RESERVE = 64, CURSORS = 40, SORTS = 5, OPEN = 6, CLOSED = 3, TABLES = 2 * OPEN + SORTS + 2 * CLOSED, INSTANCES = 4, DATABASES = 6,
    MOST = 200 };

static const char *dir;
static JET_INSTANCE inst;
static JET_SESID ses;
static JET_DBID dbid;

/* A kind of object: make makes the n-th one, and gives a negative code if it cannot. */
struct kind {
    const char *name;
    JET_ERR beyond;
    JET_ERR (*make)(int n, JET_API_PTR *object);
    JET_ERR (*end)(JET_API_PTR object);
};

/* exact makes as many as there may be, where some are there already; ends one in the middle, the first and the last, and makes it again. */
static void exact(const struct kind *k, int most, int there)
{
    static JET_API_PTR list[MOST];
    JET_API_PTR more;
    int round, n = most - there, next = n, i;
    for (i = 0; i < n; i++) {
        JET_ERR e = k->make(i, &list[i]);
        if (e < 0) FAIL("%s: %d, not %d, then %d", k->name, i + there, most, (int)e);
    }
    for (round = 0; round < 3; round++) {
        static const int part[] = { 2, 1, 100000 };
        int at = (n - 1) / part[round];
        for (i = 0; i < 3; i++) WANT(k->beyond, k->make(next + i, &more));
        OK(k->end(list[at]));
        OK(k->make(next++, &list[at]));
    }
    WANT(k->beyond, k->make(next, &more));
    for (i = 0; i < n; i++) OK(k->end(list[i]));
}

static JET_ERR begin_session(int n, JET_API_PTR *s) { return n % 3 ? JetBeginSessionA(inst, s, NULL, NULL) : JetDupSession(ses, s); }
static JET_ERR end_session(JET_API_PTR s) { return JetEndSession(s, 0); }
static const struct kind session = { "sessions", JET_errOutOfSessions, begin_session, end_session };

static JET_ERR open_temporary(JET_GRBIT grbit, JET_TABLEID *t)
{
    JET_COLUMNDEF d = { sizeof d, 0, JET_coltypLong, 0, 0, 0, 0, 0, JET_bitColumnTTKey };
    JET_COLUMNID id;
    return JetOpenTempTable(ses, &d, 1, grbit, t, &id);
}

static JET_ERR open_cursor(int n, JET_API_PTR *t)
{
    static JET_TABLEID first;
    JET_ERR e = 0;
    switch (n == 0 ? 0 : n % 4) {
    case 1: return JetDupCursor(ses, first, t, 0);
    case 2: return JetOpenTableA(ses, dbid, "MSysObjects", NULL, 0, JET_bitTableReadOnly, t);
    case 3: if (n < 3 * 4) return open_temporary(JET_bitTTIndexed, t); /* else as 0 */
    }
    e = JetOpenTableA(ses, dbid, "t0", NULL, 0, 0, t);
    if (n == 0) e = e < 0 ? e : JetDupCursor(ses, *t, &first, 0);
    return e;
}
static JET_ERR close_table(JET_API_PTR t) { return JetCloseTable(ses, t); }
/* One more is there: the one that is duplicated. */
static const struct kind cursor = { "cursors", JET_errOutOfCursors, open_cursor, close_table };

static JET_ERR temporary_any(int n, JET_API_PTR *t)
{
    static const JET_GRBIT grbits[] = { 0, JET_bitTTIndexed, JET_bitTTUpdatable | JET_bitTTIndexed | JET_bitTTScrollable, JET_bitTTForceMaterialization, JET_bitTTForwardOnly };
    return open_temporary(grbits[n % 5], t);
}
static const struct kind temporary = { "temporary tables", JET_errTooManySorts, temporary_any, close_table };

static JET_ERR open_nth(int n, JET_API_PTR *t)
{
    char name[16];
    JET_TABLEID again;
    JET_ERR e;
    snprintf(name, sizeof name, "t%d", n);
    e = JetOpenTableA(ses, dbid, name, NULL, 0, 0, t);
    if (e >= 0) { /* another cursor on it takes none of them */
        OK(JetOpenTableA(ses, dbid, name, NULL, 0, 0, &again));
        OK(JetCloseTable(ses, again));
    }
    return e;
}
static const struct kind table = { "open tables", JET_errTooManyOpenTables, open_nth, close_table };

/* A table that cannot be opened is not created. */
static void create_beyond(void)
{
    JET_TABLEID list[TABLES], t;
    int i;
    for (i = 0; i < TABLES; i++) OK(open_nth(i, &list[i]));
    WANT(JET_errTooManyOpenTables, JetCreateTableA(ses, dbid, "beyond", 0, 80, &t));
    OK(JetCloseTable(ses, list[0]));
    WANT(JET_errObjectNotFound, JetOpenTableA(ses, dbid, "beyond", NULL, 0, 0, &t));
    OK(JetCreateTableA(ses, dbid, "beyond", 0, 80, &t));
    OK(JetCloseTable(ses, t));
    OK(JetDeleteTableA(ses, dbid, "beyond"));
    for (i = 1; i < TABLES; i++) OK(JetCloseTable(ses, list[i]));
}

static JET_ERR create_instance_n(int n, JET_API_PTR *i)
{
    static int serial;
    char name[32];
    snprintf(name, sizeof name, "more%d.%d", n, serial++);
    return JetCreateInstanceA(i, name);
}
static JET_ERR term(JET_API_PTR i) { return JetTerm(i); }
static const struct kind instance = { "instances", JET_errTooManyInstances, create_instance_n, term };

static char places[MOST][1200];
static JET_ERR create_database(int n, JET_API_PTR *d)
{
    static int serial;
    JET_DBID id = 0;
    JET_ERR e;
    char path[1200];
    snprintf(path, sizeof path, "%s/more%d.edb", dir, serial++);
    e = JetCreateDatabaseA(ses, path, NULL, &id, 0);
    if (e >= 0) {
        *d = id;
        snprintf(places[id], sizeof places[id], "%s", path);
    } else if (access(path, F_OK) == 0) {
        FAIL("%s was left behind", path);
    }
    (void)n;
    return e;
}
static JET_ERR detach_database(JET_API_PTR d)
{
    JET_ERR e = JetCloseDatabase(ses, (JET_DBID)d, 0);
    return e < 0 ? e : JetDetachDatabaseA(ses, places[d]);
}
static const struct kind database = { "databases", JET_errTooManyAttachedDatabases, create_database, detach_database };

/* The log's header lists the paths of all attached databases in 2048 bytes: 64 and the path in UTF-16 with its end for each. */
static void long_paths(void)
{
    enum { LIST = 2048, ENTRY = 64 };
    char folder[600], path[6][1200], zeros[256];
    size_t taken, more;
    JET_DBID id[6];
    int n, i, k;
    memset(zeros, '0', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = 0;
    snprintf(folder, sizeof folder, "%s/%.199s", dir, zeros);
    if (mkdir(folder, 0700)) FAIL("%s", folder);
    taken = ENTRY + 2 * (strlen(places[0]) + 1); /* limits.edb */
    more = ENTRY + 2 * (strlen(folder) + strlen("/0.edb") + 1);
    n = (int)((LIST - taken) / more);
    if (n < 1 || n >= DATABASES - 1) FAIL("%d databases: the paths are not of a fitting length", n);
    for (i = 0; i <= n; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.edb", folder, i);
        WANT(i < n ? 0 : JET_errTooManyAttachedDatabases, JetCreateDatabaseA(ses, path[i], NULL, &id[i], 0));
    }
    /* The list is in use when a log generation begins. */
    OK(JetCommitTransaction(ses, JET_bitForceNewLog));
    for (k = 0; k < 2; k++) { /* what is free lets a path in that fills the list to its last byte, and no longer one */
        size_t free_bytes = LIST - taken - more * (size_t)(n - 1);
        size_t letters = (free_bytes - ENTRY) / 2 - 1 + (size_t)k;
        int name = (int)(letters - strlen(folder) - 1);
        OK(JetCloseDatabase(ses, id[n - 1], 0));
        OK(JetDetachDatabaseA(ses, path[n - 1]));
        if (name < 1 || name > 250) FAIL("a name of %d letters", name);
        snprintf(path[n - 1], sizeof path[n - 1], "%s/%.*s%d", folder, name - 1, zeros, k);
        WANT(k ? JET_errTooManyAttachedDatabases : 0, JetCreateDatabaseA(ses, path[n - 1], NULL, &id[n - 1], 0));
        if (k == 0) OK(JetCommitTransaction(ses, JET_bitForceNewLog));
    }
    for (i = 0; i < n - 1; i++) {
        OK(JetCloseDatabase(ses, id[i], 0));
        OK(JetDetachDatabaseA(ses, path[i]));
    }
}

/* What the engine does with sessions of its own leaves the number of the program's as it is. */
static void work(void)
{
    JET_TABLEID t;
    char path[1200];
    JET_DBID d;
    int i;
    OK(JetOpenTableA(ses, dbid, "t0", NULL, 0, JET_bitTableDenyRead, &t));
    for (i = 0; i < 100; i++) {
        OK(JetCreateIndexA(ses, t, "i", 0, "+c\0", 4, 80));
        OK(JetDeleteIndexA(ses, t, "i"));
    }
    OK(JetCloseTable(ses, t));
    snprintf(path, sizeof path, "%s/work.edb", dir);
    OK(JetCreateDatabaseA(ses, path, NULL, &d, 0));
    OK(JetCloseDatabase(ses, d, 0));
    for (i = 0; i < 30; i++) {
        OK(JetDetachDatabaseA(ses, path));
        OK(JetAttachDatabaseA(ses, path, 0));
    }
    OK(JetDetachDatabaseA(ses, path));
    OK(JetIdle(ses, 0));
}

int main(int argc, char **argv)
{
    char path[1100], name[16];
    JET_TABLEID t;
    JET_INSTANCE other;
    JET_SESID own;
    int i;
    if (argc != 2) FAIL("usage");
    dir = argv[1];
    set_number(NULL, JET_paramMaxInstances, INSTANCES);
    inst = create_instance("quotas", dir);
    set_number(&inst, JET_paramMaxSessions, SESSIONS);
    set_number(&inst, JET_paramMaxCursors, CURSORS);
    set_number(&inst, JET_paramMaxTemporaryTables, SORTS);
    set_number(&inst, JET_paramMaxOpenTables, OPEN);
    set_number(&inst, JET_paramCachedClosedTables, CLOSED);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &ses, NULL, NULL));
    snprintf(path, sizeof path, "%s/quotas.edb", dir);
    OK(JetCreateDatabaseA(ses, path, NULL, &dbid, 0));
    snprintf(places[0], sizeof places[0], "%s", path);
    for (i = 0; i < MOST / 2; i++) {
        snprintf(name, sizeof name, "t%d", i);
        OK(JetCreateTableA(ses, dbid, name, 0, 80, &t));
        add_column(ses, t, "c", JET_coltypLong, 0, 0);
        OK(JetCloseTable(ses, t));
    }
    exact(&session, SESSIONS + RESERVE, 1);
    work();
    exact(&session, SESSIONS + RESERVE, 1);
    exact(&temporary, SORTS, 0);
    exact(&table, TABLES, 0);
    create_beyond();
    exact(&cursor, CURSORS, 1);
    exact(&database, DATABASES, 1);
    long_paths();
    exact(&instance, INSTANCES, 1);
    /* Each instance has databases of its own. */
    snprintf(path, sizeof path, "%s/other", dir);
    if (mkdir(path, 0700)) FAIL("%s", path);
    other = create_instance("other", path);
    OK(JetInit(&other));
    own = ses;
    OK(JetBeginSessionA(other, &ses, NULL, NULL));
    exact(&database, DATABASES, 0);
    OK(JetEndSession(ses, 0));
    OK(JetTerm2(other, JET_bitTermComplete));
    OK(JetEndSession(own, 0));
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
