/* steps DIR SEED PAGE: two cursors of a session go the same way, one with calls that may be answered without Go, the
 * other with calls that never are. They must see the same, whatever another session does to the rows meanwhile. */
#include "engine.h"

enum { COLUMNS = 8, ROOM = 100, RUN = 60, ROWS = 3000, ROUNDS = 400 };

typedef struct {
    JET_ERR moved, err[COLUMNS];
    uint32_t actual[COLUMNS];
    unsigned char bytes[COLUMNS][ROOM];
} Reading;

static JET_SESID s, other;
static JET_DBID d, d2;
static JET_TABLEID fast, slow, foreign;
static JET_COLUMNID ids[COLUMNS];
static uint64_t state;
static int extra;

static uint32_t dice(uint32_t n) { return (uint32_t)(next_random(&state) % n); }

/* change inserts or replaces the row of cursor t with random values, some of them missing. */
static JET_ERR change(JET_SESID session, JET_TABLEID t, int32_t id, uint32_t prep)
{
    unsigned char bytes[9000];
    int32_t n = (int32_t)dice(1000000);
    uint32_t k, sizes[COLUMNS] = { 4, 2, dice(60), dice(250), 4, dice(20) ? dice(90) : 9000, 4, 4 };
    JET_ERR e = JetPrepareUpdate(session, t, prep);
    if (e < 0) return e;
    memset(bytes, (int)dice(256), sizeof bytes);
    for (k = 0; k < COLUMNS; k++) {
        JET_SETINFO info = { sizeof info, 0, k == 6 ? 0 : 1, };
        if (k == 0 ? prep != JET_prepInsert : !dice(3)) continue;
        OK(JetSetColumn(session, t, ids[k], k == 0 ? (void *)&id : sizes[k] == 4 ? (void *)&n : bytes, sizes[k], 0, &info));
        if (k == 6 && dice(2)) OK(JetSetColumn(session, t, ids[k], &id, 4, 0, &info)); /* a second value */
    }
    e = JetUpdate(session, t, NULL, 0, NULL);
    if (e < 0) OK(JetPrepareUpdate(session, t, JET_prepCancel));
    return e;
}

static int seek(JET_SESID session, JET_TABLEID t, int32_t id, JET_GRBIT how)
{
    OK(JetMakeKey(session, t, &id, sizeof id, JET_bitNewKey));
    return JetSeek(session, t, how) >= 0;
}

/* touch changes one row, if nobody is in the way. */
static void touch(JET_SESID session, JET_TABLEID t)
{
    int32_t id = (int32_t)dice(2 * ROWS);
    if (!seek(session, t, id, JET_bitSeekEQ)) change(session, t, id, JET_prepInsert);
    else if (dice(2)) change(session, t, id, JET_prepReplace);
    else JetDelete(session, t);
}

static void disturb(void)
{
    uint32_t n = dice(4);
    if (!dice(200) && extra < 40) {
        char name[20];
        snprintf(name, sizeof name, "extra%d", extra++);
        add_column(other, foreign, name, dice(2) ? JET_coltypLong : JET_coltypLongBinary, 0, 0);
    }
    OK(JetBeginTransaction(other));
    while (n--) touch(other, foreign);
    if (dice(3)) OK(JetCommitTransaction(other, JET_bitCommitLazyFlush));
    else OK(JetRollback(other, 0));
}

/* settle checks that a buffer was left alone behind what the call was given of it, and clears what the value does not
 * fill: a page that changes while it is read may have left something there. */
static void settle(Reading *r, uint32_t k, uint32_t room)
{
    uint32_t i, n = r->actual[k] < room ? r->actual[k] : room;
    for (i = room; i < ROOM; i++) if (r->bytes[k][i]) FAIL("column %u: written behind the buffer", k);
    memset(r->bytes[k] + n, 0, ROOM - n);
}

/* read_row fills in what the present row holds. */
static void read_row(JET_TABLEID t, int go, uint32_t step, Reading *r)
{
    JET_RETRIEVECOLUMN list[COLUMNS];
    uint32_t k, together = !go && step % 2;
    memset(list, 0, sizeof list);
    for (k = 0; k < COLUMNS; k++) {
        JET_RETINFO info = { sizeof info, 0, 1, 0 };
        uint32_t room = (step + k) % 6 ? ROOM : step % 5;
        list[k].columnid = ids[k];
        list[k].pvData = r->bytes[k];
        list[k].cbData = room;
        list[k].itagSequence = 1;
        if (together) continue;
        r->err[k] = JetRetrieveColumn(s, t, ids[k], r->bytes[k], room, &r->actual[k], 0, go ? &info : NULL);
        settle(r, k, room);
    }
    if (!together) return;
    OK(JetRetrieveColumns(s, t, list, COLUMNS));
    for (k = 0; k < COLUMNS; k++) {
        r->err[k] = list[k].err;
        r->actual[k] = list[k].cbActual;
        settle(r, k, list[k].cbData);
        if (list[k].itagSequence != 1 || list[k].columnidNextTagged != ids[k]) FAIL("column %u: number %u, next %#x", k, list[k].itagSequence, list[k].columnidNextTagged);
    }
}

static void same(const Reading *a, const Reading *b, const char *when, int step)
{
    uint32_t k;
    if (!memcmp(a, b, sizeof *a)) return;
    fprintf(stderr, "%s, step %d: %d, %d\n", when, step, (int)a->moved, (int)b->moved);
    for (k = 0; k < COLUMNS; k++)
        fprintf(stderr, "column %u: %d, %d; %u bytes, %u bytes, %s\n", k, (int)a->err[k], (int)b->err[k], a->actual[k], b->actual[k], memcmp(a->bytes[k], b->bytes[k], ROOM) ? "differ" : "same");
    FAIL("the cursors see different rows");
}

static void same_place(const char *when)
{
    unsigned char a[64], b[64];
    uint32_t na = 0, nb = 0;
    JET_ERR ea = JetGetBookmark(s, fast, a, sizeof a, &na), eb = JetGetBookmark(s, slow, b, sizeof b, &nb);
    if (ea != eb || (ea >= 0 && (na != nb || memcmp(a, b, na)))) FAIL("%s: bookmarks differ, %d, %d", when, (int)ea, (int)eb);
}

/* walk lets both cursors step forward. */
static void walk(int disturbed)
{
    static Reading quick[RUN];
    Reading r;
    int n = 1 + (int)dice(RUN), i;
    uint32_t first = dice(1000);
    memset(quick, 0, sizeof quick);
    for (i = 0; i < n; i++) {
        quick[i].moved = JetMove(s, fast, 1, 0);
        if (disturbed && !dice(6)) disturb();
        if (quick[i].moved >= 0 && dice(10)) read_row(fast, 0, first + i, &quick[i]);
        else quick[i].moved++; /* not read */
    }
    for (i = 0; i < n; i++) {
        memset(&r, 0, sizeof r);
        r.moved = JetMove(s, slow, 1, JET_bitMoveKeyNE);
        if (quick[i].moved == r.moved) read_row(slow, 1, first + i, &r);
        else r.moved++;
        same(&quick[i], &r, "walk", i);
    }
    same_place("walk");
}

int main(int argc, char **argv)
{
    JET_INSTANCE inst;
    char db[1100];
    int32_t id;
    int round;
    if (argc < 4) FAIL("usage");
    state = strtoull(argv[2], NULL, 0);
    OK(JetSetSystemParameterA(NULL, 0, JET_paramDatabasePageSize, strtoul(argv[3], NULL, 0), NULL));
    inst = create_instance("steps", argv[1]);
    set_number(&inst, JET_paramCacheSizeMax, 200);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    OK(JetBeginSessionA(inst, &other, NULL, NULL));
    snprintf(db, sizeof db, "%s/steps.edb", argv[1]);
    OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 0, 90, &fast));
    {
        JET_COLUMNDEF def = { .cbStruct = sizeof def, .coltyp = JET_coltypLong };
        int32_t standard = 77;
        ids[0] = add_column(s, fast, "id", JET_coltypLong, JET_bitColumnNotNULL, 0);
        ids[1] = add_column(s, fast, "short", JET_coltypShort, 0, 0);
        ids[2] = add_column(s, fast, "text", JET_coltypText, 0, 1252);
        ids[3] = add_column(s, fast, "binary", JET_coltypBinary, 0, 0);
        ids[4] = add_column(s, fast, "tagged", JET_coltypLong, JET_bitColumnTagged, 0);
        ids[5] = add_column(s, fast, "long", JET_coltypLongBinary, 0, 0);
        ids[6] = add_column(s, fast, "many", JET_coltypLong, JET_bitColumnTagged | JET_bitColumnMultiValued, 0);
        OK(JetAddColumnA(s, fast, "default", &def, &standard, sizeof standard, &ids[7]));
    }
    OK(JetCreateIndexA(s, fast, "id", JET_bitIndexPrimary, "+id\0", 5, 90));
    OK(JetCloseTable(s, fast)); /* nobody else may open a table as long as its creator has it open */
    OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &fast));
    OK(JetOpenTableA(s, d, "t", NULL, 0, 0, &slow));
    OK(JetOpenDatabaseA(other, db, NULL, &d2, 0));
    OK(JetOpenTableA(other, d2, "t", NULL, 0, 0, &foreign));
    OK(JetBeginTransaction(s));
    for (id = 0; id < 2 * ROWS; id += 2) OK(change(s, fast, id, JET_prepInsert));
    OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    for (round = 0; round < ROUNDS; round++) {
        int level = 0;
        uint32_t k;
        if (dice(4)) { OK(JetBeginTransaction(s)); level = 1; }
        for (k = level ? dice(4) : 0; k; k--) touch(s, fast);
        id = (int32_t)dice(2 * ROWS) - 50;
        if (!seek(s, fast, id, JET_bitSeekGE)) OK(JetMove(s, fast, JET_MoveFirst, 0));
        if (!seek(s, slow, id, JET_bitSeekGE)) OK(JetMove(s, slow, JET_MoveFirst, 0));
        walk(level);
        if (level && dice(2)) {
            OK(JetBeginTransaction(s));
            walk(1);
            if (dice(2)) {
                JET_ERR a = JetDelete(s, fast);
                if (a >= 0) WANT(JET_errRecordDeleted, JetDelete(s, slow));
            }
            if (dice(2)) OK(JetRollback(s, 0));
            else OK(JetCommitTransaction(s, 0));
            walk(1);
        }
        if (JetMove(s, fast, 1, 0) >= 0) {
            JET_ERR a = JetMove(s, fast, -3, 0), b;
            OK(JetMove(s, slow, 1, JET_bitMoveKeyNE));
            b = JetMove(s, slow, -3, 0);
            if (a != b) FAIL("back: %d, %d", (int)a, (int)b);
            same_place("back");
        } else {
            JetMove(s, slow, 1, JET_bitMoveKeyNE);
            same_place("end");
        }
        if (level) {
            if (dice(3)) OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
            else OK(JetRollback(s, 0));
            walk(0);
        }
    }
    /* Handles that are not what they were. */
    OK(JetMove(s, fast, JET_MoveFirst, 0));
    WANT(JET_errSesidTableIdMismatch, JetMove(other, fast, 1, 0));
    OK(JetCloseTable(s, fast));
    if (JetMove(s, fast, 1, 0) >= 0 || JetRetrieveColumn(s, fast, ids[0], &id, 4, NULL, 0, NULL) >= 0) FAIL("a closed cursor moves");
    OK(JetMove(s, slow, JET_MoveFirst, 0));
    OK(JetStopServiceInstance(inst));
    WANT(JET_errClientRequestToStopJetService, JetMove(s, slow, 1, 0));
    WANT(JET_errClientRequestToStopJetService, JetRetrieveColumn(s, slow, ids[0], &id, 4, NULL, 0, NULL));
    OK(JetTerm2(inst, JET_bitTermComplete));
    if (JetMove(s, slow, 1, 0) >= 0) FAIL("an ended session moves");
    return 0;
}
