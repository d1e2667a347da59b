/* paniconcall DIR, with a library in which a page read panics when DIR/p.edb.panic exists: the call in which it does
 * and all others give -1090, also one that waited for the page meanwhile; JetTerm ends the instance, and the next
 * JetInit brings everything back. */
#include <pthread.h>
#include "engine.h"

enum { ROWS = 2000 };

static char db[1100], mark[1200];

typedef struct { JET_SESID s; JET_DBID d; JET_TABLEID t; JET_ERR result; } Desk;

static JET_INSTANCE start(const char *dir, int create)
{
    JET_INSTANCE i = create_instance("panic", dir);
    JET_SESID s;
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    if (!create) OK(JetAttachDatabaseA(s, db, 0));
    return i;
}

static void open_desk(JET_INSTANCE i, Desk *k)
{
    OK(JetBeginSessionA(i, &k->s, NULL, NULL));
    OK(JetOpenDatabaseA(k->s, db, NULL, &k->d, 0));
    OK(JetOpenTableA(k->s, k->d, "rows", NULL, 0, 0, &k->t));
}

static void fill(JET_INSTANCE i)
{
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_COLUMNID id, text;
    char row[200];
    int32_t n;
    memset(row, 'x', sizeof row);
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "rows", 0, 80, &t));
    id = add_column(s, t, "id", JET_coltypLong, JET_bitColumnNotNULL, 0);
    text = add_column(s, t, "text", JET_coltypBinary, 0, 0);
    OK(JetCreateIndexA(s, t, "id", JET_bitIndexPrimary, "+id\0", 5, 80));
    OK(JetBeginTransaction(s));
    for (n = 0; n < ROWS; n++) {
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, id, &n, sizeof n, 0, NULL));
        OK(JetSetColumn(s, t, text, row, sizeof row, 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
    }
    OK(JetCommitTransaction(s, 0));
}

static void *last(void *arg)
{
    Desk *k = arg;
    k->result = JetMove(k->s, k->t, JET_MoveLast, 0);
    return NULL;
}

static void all_refused(JET_INSTANCE i, Desk *k)
{
    JET_SESID s;
    WANT(JET_errInstanceUnavailable, JetMove(k->s, k->t, JET_MoveFirst, 0));
    WANT(JET_errInstanceUnavailable, JetBeginTransaction(k->s));
    WANT(JET_errInstanceUnavailable, JetRollback(k->s, 0));
    WANT(JET_errInstanceUnavailable, JetCloseTable(k->s, k->t));
    WANT(JET_errInstanceUnavailable, JetEndSession(k->s, 0));
    WANT(JET_errInstanceUnavailable, JetBeginSessionA(i, &s, NULL, NULL));
}

int main(int argc, char **argv)
{
    JET_INSTANCE i;
    Desk k[3];
    pthread_t thread[2];
    FILE *f;
    double began;
    int n;
    if (argc != 2) FAIL("usage");
    snprintf(db, sizeof db, "%s/p.edb", argv[1]);
    snprintf(mark, sizeof mark, "%s.panic", db);
    i = start(argv[1], 1);
    fill(i);
    OK(JetTerm2(i, JET_bitTermComplete));

    i = start(argv[1], 0);
    for (n = 0; n < 3; n++) open_desk(i, &k[n]);
    if (!(f = fopen(mark, "w")) || fclose(f)) FAIL("%s", mark);
    for (n = 0; n < 2; n++) if (pthread_create(&thread[n], NULL, last, &k[n])) FAIL("pthread_create");
    for (n = 0; n < 2; n++) {
        pthread_join(thread[n], NULL);
        if (k[n].result != JET_errInstanceUnavailable) FAIL("thread %d: %d", n, (int)k[n].result);
    }
    for (n = 0; n < 3; n++) all_refused(i, &k[n]);
    began = seconds();
    OK(JetTerm2(i, JET_bitTermComplete));
    if (seconds() - began > 2) FAIL("JetTerm took %.1f s", seconds() - began);
    WANT(JET_errInvalidSesid, JetBeginTransaction(k[0].s));

    i = start(argv[1], 0);
    open_desk(i, &k[0]);
    OK(JetMove(k[0].s, k[0].t, JET_MoveFirst, 0));
    for (n = 1; JetMove(k[0].s, k[0].t, JET_MoveNext, 0) == 0; n++);
    if (n != ROWS) FAIL("%d rows", n);
    OK(JetTerm2(i, JET_bitTermComplete));
    return 0;
}
