/* memory DIR: reads and writes through buffers from malloc that are exactly as large as the library is told, for
 * a memory checker to watch; built with CANARY, bytes behind each are looked at when it is freed.
 * memory DIR lie: tells the library of more room than there is, once, which the checker must see. */
#include "engine.h"

#ifdef CANARY
enum { GUARD = 32 };
#else
enum { GUARD = 0 };
#endif

typedef struct { size_t size; void *p; } Buffer;

static Buffer buffers[4096];
static int used;

/* aligned is a buffer of n bytes until release_all, at a multiple of what is a power of two. */
static void *aligned(size_t n, size_t at)
{
    void *p;
    if (posix_memalign(&p, at, n + GUARD) || used == 4096) FAIL("no memory");
    memset((unsigned char *)p + n, 0xA5, GUARD);
    buffers[used].size = n;
    buffers[used++].p = p;
    return p;
}

static void *room(size_t n) { return aligned(n, 16); }

static void *copy(const void *from, size_t n) { return memcpy(room(n), from, n); }
static char *text(const char *s) { return copy(s, strlen(s) + 1); }

static void release_all(void)
{
    while (used) {
        Buffer *b = &buffers[--used];
        int i;
        for (i = 0; i < GUARD; i++)
            if (((unsigned char *)b->p)[b->size + i] != 0xA5) FAIL("written behind a buffer of %zu bytes", b->size);
        free(b->p);
    }
}

static JET_INSTANCE inst;
static JET_SESID s;
static JET_DBID d;
static JET_TABLEID t;
static JET_COLUMNID id, name, wide, blob, many;
static char db[1100];

enum { ROWS = 60, MOST = 30000 };

static uint32_t size_of(int row) { return (uint32_t)(row % 10 == 9 ? MOST - row : row * 7); }

static void create(void)
{
    JET_COLUMNCREATE_A c[5];
    JET_INDEXCREATE_A x[2];
    JET_TABLECREATE_A def;
    int i;
    OK(JetCreateDatabaseA(s, text(db), NULL, &d, 0));
    memset(c, 0, sizeof c);
    memset(x, 0, sizeof x);
    memset(&def, 0, sizeof def);
    for (i = 0; i < 5; i++) c[i].cbStruct = sizeof *c;
    c[0].szColumnName = text("id"); c[0].coltyp = JET_coltypLong; c[0].grbit = JET_bitColumnNotNULL;
    c[1].szColumnName = text("name"); c[1].coltyp = JET_coltypText; c[1].cp = 1252; c[1].pvDefault = copy("nobody", 6); c[1].cbDefault = 6;
    c[2].szColumnName = text("wide"); c[2].coltyp = JET_coltypLongText; c[2].cp = 1200;
    c[3].szColumnName = text("blob"); c[3].coltyp = JET_coltypLongBinary;
    c[4].szColumnName = text("many"); c[4].coltyp = JET_coltypLong; c[4].grbit = JET_bitColumnTagged | JET_bitColumnMultiValued;
    x[0].cbStruct = x[1].cbStruct = sizeof *x;
    x[0].szIndexName = text("id"); x[0].szKey = copy("+id\0", 5); x[0].cbKey = 5; x[0].grbit = JET_bitIndexPrimary; x[0].ulDensity = 90;
    x[1].szIndexName = text("name"); x[1].szKey = copy("+name\0-id\0", 11); x[1].cbKey = 11; x[1].ulDensity = 90;
    def.cbStruct = sizeof def;
    def.szTableName = text("t");
    def.ulPages = 1; def.ulDensity = 90;
    def.rgcolumncreate = copy(c, sizeof c); def.cColumns = 5;
    def.rgindexcreate = copy(x, sizeof x); def.cIndexes = 2;
    OK(JetCreateTableColumnIndexA(s, d, &def));
    t = def.tableid;
    id = def.rgcolumncreate[0].columnid; name = def.rgcolumncreate[1].columnid; wide = def.rgcolumncreate[2].columnid;
    blob = def.rgcolumncreate[3].columnid; many = def.rgcolumncreate[4].columnid;
    release_all();
}

static void write_rows(void)
{
    static unsigned char data[MOST];
    int32_t i, k;
    for (i = 0; i < MOST; i++) data[i] = (unsigned char)(i * 7);
    OK(JetBeginTransaction(s));
    for (i = 0; i < ROWS; i++) {
        JET_SETCOLUMN *c = room(2 * sizeof *c);
        JET_SETINFO info = { sizeof info, 0, 0 };
        char *bookmark = room(5);
        uint32_t actual;
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        memset(c, 0, 2 * sizeof *c);
        c[0].columnid = id; c[0].pvData = copy(&i, 4); c[0].cbData = 4; c[0].itagSequence = 1;
        c[1].columnid = wide; c[1].pvData = copy(data, size_of(i) & ~1u); c[1].cbData = size_of(i) & ~1u; c[1].itagSequence = 1;
        OK(JetSetColumns(s, t, c, 2));
        if (i % 3) OK(JetSetColumn(s, t, name, copy(data, (uint32_t)i), (uint32_t)i, 0, NULL));
        OK(JetSetColumn(s, t, blob, copy(data, size_of(i)), size_of(i), 0, NULL));
        for (k = 0; k < i % 4; k++) OK(JetSetColumn(s, t, many, copy(&k, 4), 4, 0, copy(&info, sizeof info)));
        OK(JetUpdate(s, t, bookmark, 5, &actual));
        OK(JetGotoBookmark(s, t, copy(bookmark, actual), actual));
        if (i % 10 == 3) {
            info.ibLongValue = 3;
            info.itagSequence = 1;
            OK(JetPrepareUpdate(s, t, JET_prepReplace));
            OK(JetSetColumn(s, t, blob, copy("change", 6), 6, JET_bitSetOverwriteLV, copy(&info, sizeof info)));
            OK(JetSetColumn(s, t, blob, copy("the end", 7), 7, JET_bitSetAppendLV, NULL));
            OK(JetUpdate(s, t, NULL, 0, NULL));
        }
        release_all();
    }
    OK(JetCommitTransaction(s, 0));
}

/* sum reads every byte: one that was not written is seen when a decision depends on it. */
static void sum(const void *p, size_t n)
{
    static volatile unsigned total;
    const unsigned char *b = p;
    while (n--) if (*b++ > 100) total++;
}

static void *JET_API grow(void *unused, void *p, uint32_t n)
{
    (void)unused;
    if (!n) { free(p); return NULL; }
    return realloc(p, n);
}

static void enumerate(void)
{
    JET_ENUMCOLUMN *c;
    uint32_t n, i, k;
    OK(JetEnumerateColumns(s, t, 0, NULL, &n, &c, grow, NULL, 10000, 0));
    for (i = 0; i < n; i++) {
        if (c[i].err == JET_wrnColumnSingleValue) {
            sum(c[i].pvData, c[i].cbData);
            free(c[i].pvData);
            continue;
        }
        for (k = 0; k < c[i].cEnumColumnValue; k++) {
            sum(c[i].rgEnumColumnValue[k].pvData, c[i].rgEnumColumnValue[k].cbData);
            free(c[i].rgEnumColumnValue[k].pvData);
        }
        free(c[i].rgEnumColumnValue);
    }
    free(c);
}

static void read_row(void)
{
    uint32_t n, exact[3];
    int32_t i;
    void *p;
    JET_RETRIEVECOLUMN *r;
    JET_ERR e;
    OK(JetRetrieveColumn(s, t, id, p = room(4), 4, NULL, 0, NULL));
    sum(p, 4);
    OK(JetRetrieveColumn(s, t, blob, NULL, 0, &exact[0], 0, NULL));
    OK(JetRetrieveColumn(s, t, wide, NULL, 0, &exact[1], 0, NULL));
    for (i = 0; i < 3; i++) { /* all of it, all but its end, a few bytes */
        n = i == 0 ? exact[0] : i == 1 ? exact[0] - exact[0] / 3 : exact[0] < 5 ? exact[0] : 5;
        e = JetRetrieveColumn(s, t, blob, p = room(n), n, NULL, 0, NULL);
        if (e != (n < exact[0] ? JET_wrnBufferTruncated : JET_errSuccess) && !(n == 0 && e >= 0)) FAIL("retrieving %u bytes: %d", n, (int)e);
        sum(p, n);
    }
    r = room(3 * sizeof *r);
    memset(r, 0, 3 * sizeof *r);
    r[0].columnid = blob; r[0].pvData = room(exact[0]); r[0].cbData = exact[0]; r[0].itagSequence = 1;
    r[1].columnid = wide; r[1].pvData = room(exact[1]); r[1].cbData = exact[1]; r[1].itagSequence = 1;
    r[2].columnid = name; r[2].pvData = room(3); r[2].cbData = 3; r[2].itagSequence = 1;
    OK(JetRetrieveColumns(s, t, r, 3));
    sum(r[0].pvData, exact[0]);
    sum(r[1].pvData, exact[1]);
    sum(r[2].pvData, r[2].cbActual < 3 ? r[2].cbActual : 3);
    OK(JetGetBookmark(s, t, p = room(5), 5, &n));
    sum(p, n);
    WANT(JET_errBufferTooSmall, JetGetBookmark(s, t, room(2), 2, &n));
    e = JetRetrieveKey(s, t, p = room(7), 7, &n, 0);
    if (e < 0) FAIL("JetRetrieveKey: %d", (int)e);
    sum(p, n < 7 ? n : 7);
    OK(JetGetRecordSize(s, t, p = memset(room(sizeof(JET_RECSIZE)), 0, sizeof(JET_RECSIZE)), 0));
    sum(p, sizeof(JET_RECSIZE));
    enumerate();
    release_all();
}

static void read_rows(const char *index)
{
    JET_ERR e;
    int n = 0;
    OK(JetSetCurrentIndexA(s, t, index ? text(index) : NULL));
    for (e = JetMove(s, t, JET_MoveFirst, 0); e >= 0; e = JetMove(s, t, JET_MoveNext, 0), n++) read_row();
    if (e != JET_errNoCurrentRecord || n != ROWS) FAIL("%d rows, %d", n, (int)e);
}

static void read_info(void)
{
    JET_COLUMNLIST columns;
    JET_INDEXLIST indexes;
    JET_OBJECTLIST objects;
    JET_INSTANCE_INFO_A *instances;
    uint32_t n;
    int32_t k = 17;
    char *p;
    OK(JetGetTableColumnInfoA(s, t, text("blob"), p = room(sizeof(JET_COLUMNDEF)), sizeof(JET_COLUMNDEF), JET_ColInfo));
    sum(p, sizeof(JET_COLUMNDEF));
    columns.cbStruct = sizeof columns;
    OK(JetGetTableColumnInfoA(s, t, NULL, &columns, sizeof columns, JET_ColInfoList));
    OK(JetCloseTable(s, columns.tableid));
    indexes.cbStruct = sizeof indexes;
    OK(JetGetTableIndexInfoA(s, t, NULL, &indexes, sizeof indexes, JET_IdxInfoList));
    OK(JetCloseTable(s, indexes.tableid));
    objects.cbStruct = sizeof objects;
    OK(JetGetObjectInfoA(s, d, JET_objtypTable, NULL, NULL, &objects, sizeof objects, JET_ObjInfoListNoStats));
    OK(JetCloseTable(s, objects.tableid));
    OK(JetGetCurrentIndexA(s, t, p = room(3), 3));
    sum(p, strlen(p) + 1);
    OK(JetGetSystemParameterA(inst, s, JET_paramSystemPath, NULL, p = room(1200), 1200));
    n = (uint32_t)strlen(p) + 1;
    OK(JetGetSystemParameterA(inst, s, JET_paramSystemPath, NULL, p = room(n), n));
    sum(p, n);
    JetGetSystemParameterA(inst, s, JET_paramSystemPath, NULL, room(2), 2);
    OK(JetGetInstanceInfoA(&n, &instances));
    sum(instances, n * sizeof *instances);
    sum(instances->szDatabaseFileName[0], strlen(instances->szDatabaseFileName[0]) + 1);
    OK(JetFreeBuffer((char *)instances));
    OK(JetSetCurrentIndexA(s, t, NULL));
    OK(JetMakeKey(s, t, copy(&k, 4), 4, JET_bitNewKey));
    OK(JetSeek(s, t, JET_bitSeekEQ));
    release_all();
}

static void temporary(void)
{
    JET_COLUMNDEF *c = room(2 * sizeof *c);
    JET_COLUMNID *ids = room(2 * sizeof *ids);
    JET_TABLEID sorted;
    int32_t i;
    memset(c, 0, 2 * sizeof *c);
    c[0].cbStruct = c[1].cbStruct = sizeof *c;
    c[0].coltyp = JET_coltypLong; c[0].grbit = JET_bitColumnTTKey;
    c[1].coltyp = JET_coltypLongBinary;
    OK(JetOpenTempTable(s, c, 2, JET_bitTTScrollable, &sorted, ids));
    OK(JetBeginTransaction(s));
    for (i = 0; i < 200; i++) {
        int32_t k = i * 37 % 200;
        OK(JetPrepareUpdate(s, sorted, JET_prepInsert));
        OK(JetSetColumn(s, sorted, ids[0], copy(&k, 4), 4, 0, NULL));
        OK(JetSetColumn(s, sorted, ids[1], memset(room((size_t)k), 'x', (size_t)k), (uint32_t)k, 0, NULL));
        OK(JetUpdate(s, sorted, NULL, 0, NULL));
    }
    for (i = 0; i < 200; i++) {
        uint32_t n;
        void *p;
        OK(JetMove(s, sorted, i ? JET_MoveNext : JET_MoveFirst, 0));
        OK(JetRetrieveColumn(s, sorted, ids[1], p = room((size_t)i + 1), (uint32_t)i + 1, &n, 0, NULL));
        sum(p, n);
    }
    OK(JetCommitTransaction(s, 0));
    OK(JetCloseTable(s, sorted));
    release_all();
}

/* backup reads the database and one log of a streaming backup. */
static void backup(void)
{
    uint32_t n, low, high, got;
    int kind;
    OK(JetBeginExternalBackupInstance(inst, 0));
    for (kind = 0; kind < 2; kind++) {
        char file[1100], *names = room(4000);
        JET_HANDLE h;
        OK(kind ? JetGetLogInfoInstanceA(inst, names, 4000, &n) : JetGetAttachInfoInstanceA(inst, names, 4000, &n));
        names = room(n);
        OK(kind ? JetGetLogInfoInstanceA(inst, names, n, &n) : JetGetAttachInfoInstanceA(inst, names, n, &n));
        sum(names, n);
        snprintf(file, sizeof file, "%s", names);
        OK(JetOpenFileInstanceA(inst, text(file), &h, &low, &high));
        do {
            void *p = aligned(65536, 4096);
            OK(JetReadFileInstance(inst, h, p, 65536, &got));
            sum(p, got);
            release_all();
        } while (got);
        OK(JetCloseFileInstance(inst, h));
    }
    OK(JetEndExternalBackupInstance(inst));
}

int main(int argc, char **argv)
{
    if (argc < 2) FAIL("usage");
    snprintf(db, sizeof db, "%s/memory.edb", argv[1]);
    inst = create_instance("memory", argv[1]);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    create();
    write_rows();
    if (argc > 2) {
        OK(JetMove(s, t, JET_MoveLast, 0));
        OK(JetRetrieveColumn(s, t, blob, room(100), 110, NULL, 0, NULL));
        release_all();
    } else {
        read_rows(NULL);
        read_rows("name");
        read_info();
        temporary();
        backup();
    }
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
