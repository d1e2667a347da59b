/* records DIR PAGE: records and values are as long as the tables say, to the byte; one byte more gives the code of the tables. */
#include "limits.h"

static void parameters(uint32_t page)
{
    JET_API_PTR most;
    OK(JetGetSystemParameterA(inst, 0, JET_paramRecordSizeMost, &most, NULL, sizeof most));
    if (most != page - (page > 8192 ? 80 : 40) - 4) FAIL("JET_paramRecordSizeMost is %u", (unsigned)most);
    OK(JetGetSystemParameterA(inst, 0, JET_paramKeyMost, &most, NULL, sizeof most));
    if (most != (page == 4096 ? 1000 : 2000)) FAIL("JET_paramKeyMost is %u", (unsigned)most);
    OK(JetGetSystemParameterA(inst, 0, JET_paramLVChunkSizeMost, &most, NULL, sizeof most));
    if (most != (page == 4096 ? 4014 : page == 8192 ? 8110 : page == 16384 ? 4050 : 8150)) FAIL("JET_paramLVChunkSizeMost is %u", (unsigned)most);
}

/* The largest record of a table whose primary index has keys of that length at most; 4 is for none (spec chapter 04, 4.4). */
static uint32_t record_most(uint32_t page, uint32_t key)
{
    uint32_t node = page - (page > 8192 ? 80 : 40) - 8;
    if (page > 8192) return node - 4 - key;
    return node - 2 - (key + 2 > 255 ? key + 2 : 255);
}

/* fill begins an insert with a key, and sets columns or values of 255 bytes, which take so many bytes more each, until little room is left in
 * the record; the last one fits to the byte, and no longer. */
static void fill(const char *what, JET_TABLEID t, JET_COLUMNID key, JET_COLUMNID first, int multi, uint32_t more, uint32_t room)
{
    static char data[256];
    uint32_t last;
    static int number;
    int i = 0;
    memset(data, 'r', sizeof data);
    OK(JetBeginTransaction(ses));
    OK(JetPrepareUpdate(ses, t, JET_prepInsert));
    number++;
    OK(JetSetColumn(ses, t, key, &number, sizeof number, 0, NULL));
    while (room >= 254 + more + 1) {
        JET_SETINFO info = { sizeof info, 0, multi ? (uint32_t)i + 1 : 1 };
        uint32_t size = room >= 255 + more + more + 1 ? 255 : 100;
        NEAR(0, JetSetColumn(ses, t, multi ? first : first + (JET_COLUMNID)i, data, size, 0, &info), "%s %d", what, i);
        room -= size + more;
        i++;
    }
    last = room - more;
    for (room = last + 1; room >= last; room--) {
        JET_SETINFO info = { sizeof info, 0, multi ? (uint32_t)i + 1 : 1 };
        NEAR(room > last ? JET_errRecordTooBig : 0, JetSetColumn(ses, t, multi ? first : first + (JET_COLUMNID)i, data, room, 0, &info),
            "%s, the last of %u", what, room);
    }
    OK(JetUpdate(ses, t, NULL, 0, NULL));
    OK(JetCommitTransaction(ses, JET_bitCommitLazyFlush));
    OK(JetMove(ses, t, JET_MoveLast, 0));
    {
        JET_RETINFO info = { sizeof info, 0, multi ? (uint32_t)i + 1 : 1, 0 };
        uint32_t n;
        OK(JetRetrieveColumn(ses, t, multi ? first : first + (JET_COLUMNID)i, data, sizeof data, &n, 0, &info));
        if (n != last) FAIL("%s: %u of %u bytes came back", what, n, last);
    }
}

/* records of variable columns and of values of one tagged column, as long as they may be. */
static void records(uint32_t page)
{
    uint32_t keys[] = { 4, 255, page == 4096 ? 1000 : 2000 };
    int i, n;
    for (i = 0; i < 3; i++) {
        char name[16];
        JET_TABLEID t;
        JET_COLUMNID key, first = 0, tagged;
        uint32_t room = record_most(page, keys[i]);
        snprintf(name, sizeof name, "records%d", i);
        t = table(name);
        key = add_column(ses, t, "key", JET_coltypLong, 0, 0);
        OK(JetBeginTransaction(ses));
        for (n = 0; n < JET_ccolVarMost; n++) {
            JET_COLUMNID id;
            JET_COLUMNDEF d = { sizeof d, 0, JET_coltypBinary, 0, 0, 0, 0, 255, 0 };
            snprintf(name, sizeof name, "v%d", n);
            OK(JetAddColumnA(ses, t, name, &d, NULL, 0, &id));
            if (n == 0) first = id;
        }
        OK(JetCommitTransaction(ses, JET_bitCommitLazyFlush));
        tagged = add_column(ses, t, "tagged", JET_coltypBinary, JET_bitColumnTagged | JET_bitColumnMultiValued, 0);
        if (i > 0) {
            /* The limit of the key is that of the columns, where these cannot fill more: so a long one is among them. */
            JET_INDEXCREATE_A x = index_on("key", JET_bitIndexPrimary, keys[i]);
            add_column(ses, t, "text", JET_coltypLongText, 0, 1252);
            x.szKey = "+key\0+text\0";
            x.cbKey = 12;
            OK(JetCreateIndex2A(ses, t, &x, 1));
        }
        fill("variable columns", t, key, first, 0, 2, room - 4 - 4 - 1);
        fill("values", t, key, tagged, 1, 2, room - 4 - 4 - 1 - 4 - 1);
        OK(JetCloseTable(ses, t));
    }
}

/* Fixed columns can be added as long as all of them have room in a record, and set as long as the bits for NULL have room too. */
static void fixed_records(uint32_t page)
{
    uint32_t room = record_most(page, 4) - 4, last = 0, bits, i;
    JET_TABLEID t = table("filled");
    JET_COLUMNDEF d = { sizeof d, 0, JET_coltypBinary, 0, 0, 0, 0, 255, JET_bitColumnFixed };
    JET_COLUMNID id[JET_ccolFixedMost];
    static unsigned char data[256];
    char name[16];
    for (i = 0; i < JET_ccolFixedMost && room >= 255; i++, room -= 255) {
        snprintf(name, sizeof name, "f%u", i);
        NEAR(0, JetAddColumnA(ses, t, name, &d, NULL, 0, &id[i]), "fixed column %u", i);
    }
    if (i < JET_ccolFixedMost) {
        d.cbMax = room + 1;
        NEAR(JET_errRecordTooBig, JetAddColumnA(ses, t, "last", &d, NULL, 0, &id[i]), "a fixed column of %u", d.cbMax);
        bits = (i + 1 + 7) / 8;
        d.cbMax = room - bits;
        NEAR(0, JetAddColumnA(ses, t, "last", &d, NULL, 0, &id[i]), "a fixed column of %u", d.cbMax);
        last = bits;
        i++;
    }
    OK(JetPrepareUpdate(ses, t, JET_prepInsert));
    while (i-- > 0) NEAR(0, JetSetColumn(ses, t, id[i], data, 1, 0, NULL), "fixed column %u", i);
    OK(JetUpdate(ses, t, NULL, 0, NULL));
    if (last > 0) {
        /* There is room for one more column, but then none for its bits. */
        d.cbMax = last;
        NEAR(0, JetAddColumnA(ses, t, "one more", &d, NULL, 0, &id[0]), "a fixed column of %u", d.cbMax);
        OK(JetBeginTransaction(ses)); /* without it there is no place for the record's long values, if it had any */
        OK(JetPrepareUpdate(ses, t, JET_prepInsert));
        NEAR(JET_errRecordTooBig, JetSetColumn(ses, t, id[0], data, 1, 0, NULL), "a fixed column without room");
        OK(JetRollback(ses, 0));
    }
    OK(JetCloseTable(ses, t));
}

/* A primary index takes its keys off the room of records: it is refused where the fixed columns need that. */
static void fixed_before_key(uint32_t page)
{
    uint32_t most = page == 4096 ? 1000 : 2000, room = record_most(page, most) - 4, i, k;
    for (k = 0; k < 2; k++) {
        JET_COLUMNDEF d = { sizeof d, 0, JET_coltypBinary, 0, 0, 0, 0, 255, JET_bitColumnFixed };
        JET_INDEXCREATE_A x = index_on("key", JET_bitIndexPrimary, most);
        JET_TABLEID t;
        JET_COLUMNID id;
        char name[16];
        snprintf(name, sizeof name, "before%u", k);
        t = table(name);
        add_column(ses, t, "key", JET_coltypLongText, 0, 1252);
        for (i = 0; i < JET_ccolFixedMost && room - 255 * i >= 255; i++) {
            snprintf(name, sizeof name, "f%u", i);
            OK(JetAddColumnA(ses, t, name, &d, NULL, 0, &id));
        }
        if (i == JET_ccolFixedMost) return; /* they cannot need so much */
        d.cbMax = room - 255 * i + k;
        OK(JetAddColumnA(ses, t, "last", &d, NULL, 0, &id));
        NEAR(k ? JET_errRecordTooBig : 0, JetCreateIndex2A(ses, t, &x, 1), "a key of %u behind columns of %u", most, room + k);
        OK(JetCloseTable(ses, t));
    }
}

/* Columns that come with their table must leave room for the key of its primary index, or for one of the default length. */
static void fixed_with_table(uint32_t page)
{
    const uint32_t most = page == 4096 ? 1000 : 2000, keys[] = { 255, most };
    static JET_COLUMNCREATE_A c[JET_ccolFixedMost + 1];
    static char names[JET_ccolFixedMost][8];
    uint32_t i, k, n;
    for (k = 0; k < 4; k++) {
        uint32_t room = record_most(page, keys[k / 2]) - 4 + k % 2;
        JET_INDEXCREATE_A x = index_on("key", JET_bitIndexPrimary, most);
        JET_TABLECREATE_A t = { sizeof t, "with", NULL, 0, 80, c, 0, &x, k / 2, 0, 0, 0 };
        for (n = 0; room > 0; n++) {
            if (n == JET_ccolFixedMost) return; /* they cannot need so much */
            snprintf(names[n], sizeof names[n], "f%u", n);
            memset(&c[n], 0, sizeof *c);
            c[n].cbStruct = sizeof *c;
            c[n].szColumnName = names[n];
            c[n].coltyp = JET_coltypBinary;
            c[n].grbit = JET_bitColumnFixed;
            c[n].cbMax = room < 255 ? room : 255;
            room -= c[n].cbMax;
        }
        memset(&c[n], 0, sizeof *c);
        c[n].cbStruct = sizeof *c;
        c[n].szColumnName = "key";
        c[n].coltyp = JET_coltypLongText;
        c[n].cp = 1252;
        t.cColumns = n + 1;
        NEAR(k % 2 ? JET_errRecordTooBig : 0, JetCreateTableColumnIndexA(ses, dbid, &t), "a table of %u columns", n);
        if (k % 2) {
            for (i = 0; i <= n; i++) if (c[i].err != (i == n - 1 ? JET_errRecordTooBig : 0)) FAIL("column %u of %u: %d", i, n, (int)c[i].err);
            continue;
        }
        OK(JetCloseTable(ses, t.tableid));
        OK(JetDeleteTableA(ses, dbid, "with"));
    }
}

/* The longest value of a long column in the record is nine bytes shorter than that; the next one is put elsewhere. */
static void intrinsic(uint32_t page)
{
    uint32_t most = record_most(page, 4) - 9, size;
    static char data[32768];
    JET_TABLEID t = table("intrinsic");
    JET_COLUMNID id = add_column(ses, t, "c", JET_coltypLongBinary, 0, 0);
    for (size = most; size <= most + 1; size++) {
        JET_RECSIZE r;
        memset(&r, 0, sizeof r);
        OK(JetBeginTransaction(ses));
        OK(JetPrepareUpdate(ses, t, JET_prepInsert));
        NEAR(0, JetSetColumn(ses, t, id, data, size, JET_bitSetIntrinsicLV, NULL), "%u bytes", size);
        OK(JetUpdate(ses, t, NULL, 0, NULL));
        OK(JetCommitTransaction(ses, JET_bitCommitLazyFlush));
        OK(JetMove(ses, t, JET_MoveLast, 0));
        OK(JetGetRecordSize(ses, t, &r, 0));
        if (r.cLongValues != size - most || r.cbData + r.cbLongValueData != size)
            FAIL("a value of %u bytes: %u in the record, %u elsewhere", size, (unsigned)r.cbData, (unsigned)r.cbLongValueData);
    }
    OK(JetCloseTable(ses, t));
}

static void long_values(void)
{
    static char data[2000];
    const uint32_t beyond = (uint32_t)JET_cbLVColumnMost + 1;
    JET_TABLEID t = table("long");
    JET_COLUMNID free_id = add_column(ses, t, "c", JET_coltypLongBinary, 0, 0), id[2];
    JET_COLUMNDEF d = { sizeof d, 0, JET_coltypLongBinary, 0, 0, 0, 0, 10, 0 };
    int i;
    OK(JetAddColumnA(ses, t, "ten", &d, NULL, 0, &id[0]));
    d.cbMax = 1500;
    OK(JetAddColumnA(ses, t, "fifteen hundred", &d, NULL, 0, &id[1]));
    OK(JetBeginTransaction(ses));
    OK(JetPrepareUpdate(ses, t, JET_prepInsert));
    NEAR(JET_errInvalidParameter, JetSetColumn(ses, t, free_id, NULL, beyond, JET_bitSetSizeLV, NULL), "%u", beyond);
    OK(JetSetColumn(ses, t, free_id, data, sizeof data, 0, NULL));
    NEAR(JET_errInvalidParameter, JetSetColumn(ses, t, free_id, NULL, beyond, JET_bitSetSizeLV, NULL), "%u", beyond);
    for (i = 0; i < 2; i++) {
        uint32_t most = i ? 1500 : 10;
        JET_SETINFO at = { sizeof at, most / 2, 1 };
        NEAR(JET_errColumnTooBig, JetSetColumn(ses, t, id[i], data, most + 1, 0, NULL), "%u", most + 1);
        NEAR(JET_errColumnTooBig, JetSetColumn(ses, t, id[i], NULL, most + 1, JET_bitSetSizeLV, NULL), "%u", most + 1);
        NEAR(0, JetSetColumn(ses, t, id[i], data, most, 0, NULL), "%u", most);
        NEAR(JET_errColumnTooBig, JetSetColumn(ses, t, id[i], data, 1, JET_bitSetAppendLV, NULL), "%u and 1", most);
        NEAR(0, JetSetColumn(ses, t, id[i], data, most - most / 2, JET_bitSetOverwriteLV, &at), "%u at %u", most - most / 2, most / 2);
        NEAR(JET_errColumnTooBig, JetSetColumn(ses, t, id[i], data, most - most / 2 + 1, JET_bitSetOverwriteLV, &at), "%u and 1 at %u", most, most / 2);
        at.ibLongValue = most + 1;
        NEAR(JET_errColumnNoChunk, JetSetColumn(ses, t, id[i], data, 1, JET_bitSetOverwriteLV, &at), "at %u of %u", most + 1, most);
        at.ibLongValue = 0xFFFFFFFF;
        NEAR(JET_errColumnNoChunk, JetSetColumn(ses, t, id[i], data, 1, JET_bitSetOverwriteLV, &at), "at %u of %u", at.ibLongValue, most);
    }
    OK(JetUpdate(ses, t, NULL, 0, NULL));
    OK(JetCommitTransaction(ses, JET_bitCommitLazyFlush));
    OK(JetCloseTable(ses, t));
}

int main(int argc, char **argv)
{
    uint32_t page = start("records", argc, argv);
    parameters(page);
    records(page);
    fixed_records(page);
    fixed_before_key(page);
    fixed_with_table(page);
    intrinsic(page);
    long_values();
    OK(JetTerm2(inst, JET_bitTermComplete));
    return failures != 0;
}
