/* JetInit3 and JetInit4 tell the program of recovery, and do what it answers. */
#include "engine.h"

static char db[1100];

static void leave_dirty(const char *dir)
{
    JET_INSTANCE i = create_instance("r", dir);
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_COLUMNID c;
    int k;
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 1, 100, &t));
    c = add_column(s, t, "n", JET_coltypLong, 0, 0);
    OK(JetBeginTransaction(s));
    for (k = 0; k < 1000; k++) {
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, c, &k, sizeof k, 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
    }
    OK(JetCommitTransaction(s, 0));
    OK(JetBeginTransaction(s));
    OK(JetPrepareUpdate(s, t, JET_prepInsert));
    OK(JetUpdate(s, t, NULL, 0, NULL));
    OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    _exit(0);
}

/* What has come, in order. */
static struct seen { uint32_t snp, snt, reason, current; } seen[1000];
static int n;
static int refuse_undo;
static JET_INSTANCE instance;

static int ends(const WCHAR *w, const char *end)
{
    size_t len = 0, m = strlen(end), k;
    while (w[len]) len++;
    if (len < m) return 0;
    for (k = 0; k < m; k++) if (w[len - m + k] != (WCHAR)(unsigned char)end[k]) return 0;
    return 1;
}

static JET_ERR told(JET_SNP snp, JET_SNT snt, void *pv, void *context)
{
    struct seen *e = &seen[n++];
    if (context != &n) FAIL("context");
    if (n == 1000) FAIL("too many calls");
    e->snp = snp;
    e->snt = snt;
    if (snp == JET_snpRestore) {
        JET_SNPROG *p = pv;
        if (p->cbStruct != sizeof *p || p->cunitTotal != 100 || p->cunitDone > 100) FAIL("progress %u/%u", p->cunitDone, p->cunitTotal);
        return JET_errOutOfMemory; /* does not count */
    }
    JET_RECOVERYCONTROL *c = pv;
    if (snp != JET_snpRecoveryControl || c->cbStruct != sizeof *c || c->sntUnion != snt) FAIL("control %u", snt);
    if (c->instance != instance) FAIL("instance");
    switch (snt) {
    case JET_sntOpenLog:
        e->reason = c->OpenLog.eReason;
        e->current = c->OpenLog.fCurrentLog;
        if (c->OpenLog.cbStruct != sizeof c->OpenLog || !ends(c->OpenLog.wszLogFile, ".log")) FAIL("log");
        break;
    case JET_sntBeginUndo:
        if (c->BeginUndo.cbStruct != sizeof c->BeginUndo || c->BeginUndo.cdbinfomisc != 1) FAIL("begin undo: %u databases", c->BeginUndo.cdbinfomisc);
        if (c->BeginUndo.rgdbinfomisc[0].dbstate != JET_dbstateDirtyShutdown) FAIL("state %u", c->BeginUndo.rgdbinfomisc[0].dbstate);
        if (refuse_undo) return JET_errRecoveredWithoutUndo;
        break;
    case JET_sntNotificationEvent:
        e->reason = c->NotificationEvent.EventID;
        break;
    }
    return c->errDefault;
}

static int statuses[10];

static JET_ERR status(JET_SESID s, JET_SNP snp, JET_SNT snt, void *pv)
{
    (void)s;
    (void)pv;
    if (snp != JET_snpRestore) FAIL("snp %u", snp);
    statuses[snt]++;
    return JET_errSuccess;
}

static int first(uint32_t snt)
{
    int k;
    for (k = 0; k < n; k++) if (seen[k].snt == snt) return k;
    FAIL("no call %u", snt);
}

static void recover(const char *dir)
{
    JET_RSTINFO2_A r;
    JET_RSTINFO_A old;
    JET_RSTMAP2_A map;
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    uint32_t rows;
    memset(&r, 0, sizeof r);
    r.cbStruct = sizeof r;
    r.pfnCallback = told;
    r.pvCallbackContext = &n;

    /* Structures of other versions. */
    instance = create_instance("r", dir);
    r.cbStruct = sizeof old;
    WANT(JET_errInvalidParameter, JetInit4A(&instance, &r, 0));
    r.cbStruct = sizeof r;
    memset(&map, 0, sizeof map);
    r.rgrstmap = &map;
    WANT(JET_errInvalidParameter, JetInit4A(&instance, &r, 0));
    r.crstmap = 1;
    WANT(JET_errInvalidParameter, JetInit4A(&instance, &r, 0));
    map.cbStruct = sizeof map;
    WANT(JET_errDatabaseInvalidName, JetInit4A(&instance, &r, 0));
    r.rgrstmap = NULL;
    r.crstmap = 0;

    /* No undo, as the program wants none; a position is reached before. */
    instance = create_instance("r2", dir);
    refuse_undo = 1;
    n = 0;
    WANT(JET_errRecoveredWithoutUndo, JetInit4A(&instance, &r, 0));
    first(JET_sntBeginUndo);
    instance = create_instance("r3", dir);
    memset(&old, 0, sizeof old);
    old.cbStruct = sizeof old;
    old.lgposStop.lGeneration = 1;
    old.lgposStop.isec = 2;
    WANT(JET_errRecoveredWithoutUndo, JetInit3A(&instance, &old, 0));

    /* To the end. */
    instance = create_instance("r4", dir);
    refuse_undo = 0;
    n = 0;
    OK(JetInit4A(&instance, &r, 0));
    if (seen[0].snt != JET_sntOpenCheckpoint || seen[1].snt != JET_sntOpenLog || seen[1].reason != JET_OpenLogForRedo) FAIL("start");
    if (first(JET_sntBegin) > first(JET_sntBeginUndo) || first(JET_sntBeginUndo) > first(JET_sntComplete)) FAIL("order");
    if (seen[n - 1].snt != JET_sntOpenLog || seen[n - 1].reason != JET_OpenLogForDo || !seen[n - 1].current) FAIL("end");
    OK(JetBeginSessionA(instance, &s, NULL, NULL));
    OK(JetAttachDatabaseA(s, db, 0));
    OK(JetOpenDatabaseA(s, db, NULL, &d, 0));
    OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &t));
    OK(JetMove(s, t, JET_MoveFirst, 0));
    OK(JetIndexRecordCount(s, t, &rows, 0));
    if (rows < 1000) FAIL("%u rows", rows);
    WANT(JET_errDirtyShutdown, JetTerm2(instance, JET_bitTermDirty));

    instance = create_instance("r5", dir);
    old.lgposStop.lGeneration = 0;
    old.lgposStop.isec = 0;
    old.pfnStatus = status;
    OK(JetInit3A(&instance, &old, JET_bitKeepDbAttachedAtEndOfRecovery));
    if (statuses[JET_sntBegin] != 1 || statuses[JET_sntComplete] != 1) FAIL("status calls");
    OK(JetBeginSessionA(instance, &s, NULL, NULL));
    OK(JetOpenDatabaseA(s, db, NULL, &d, 0));
    OK(JetTerm(instance));
}

int main(int argc, char **argv)
{
    if (argc != 3) FAIL("usage: recovery dirty|recover DIR");
    snprintf(db, sizeof db, "%s/r.edb", argv[2]);
    if (!strcmp(argv[1], "dirty")) leave_dirty(argv[2]);
    recover(argv[2]);
    return 0;
}
