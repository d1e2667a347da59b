/* writer DIR PAGESIZE FORMAT BACKUP: makes DIR/written.edb, whose content follows from the rows' numbers alone,
 * backs it up into BACKUP while it is open, and prints what a reader must find in it: a line for each row,
 * "table column=hex column=hex,hex ...", values as bytes, columns without a value left out.
 * writer restore BACKUP DIR PAGESIZE: restores that backup. */
#include "engine.h"

static const struct { const char *name; JET_COLTYP type; JET_GRBIT grbit; uint16_t cp; uint32_t max; } columns[] = {
    { "id", JET_coltypLong, JET_bitColumnNotNULL, 0, 0 },
    { "bit", JET_coltypBit, 0, 0, 0 },
    { "ubyte", JET_coltypUnsignedByte, 0, 0, 0 },
    { "short", JET_coltypShort, 0, 0, 0 },
    { "ushort", JET_coltypUnsignedShort, 0, 0, 0 },
    { "ulong", JET_coltypUnsignedLong, 0, 0, 0 },
    { "longlong", JET_coltypLongLong, 0, 0, 0 },
    { "currency", JET_coltypCurrency, 0, 0, 0 },
    { "single", JET_coltypIEEESingle, 0, 0, 0 },
    { "double", JET_coltypIEEEDouble, 0, 0, 0 },
    { "datetime", JET_coltypDateTime, 0, 0, 0 },
    { "guid", JET_coltypGUID, 0, 0, 0 },
    { "binary", JET_coltypBinary, 0, 0, 200 },
    { "text", JET_coltypText, 0, 1252, 200 },
    { "wide", JET_coltypText, 0, 1200, 200 },
    { "longbinary", JET_coltypLongBinary, 0, 0, 0 },
    { "longtext", JET_coltypLongText, 0, 1252, 0 },
    { "longwide", JET_coltypLongText, 0, 1200, 0 },
    { "packed", JET_coltypLongText, JET_bitColumnCompressed, 1200, 0 },
    { "longs", JET_coltypLong, JET_bitColumnTagged | JET_bitColumnMultiValued, 0, 0 },
    { "texts", JET_coltypLongText, JET_bitColumnTagged | JET_bitColumnMultiValued, 1252, 0 },
};

enum { COLUMNS = sizeof columns / sizeof *columns, VALUES = 3, LONG = 1200, MOST = 70000, KINDS = 60, MANY = 10000 };

static JET_COLUMNID ids[COLUMNS];

/* value makes a value of a column and gives its size, 0 for none. version changes it. */
static uint32_t value(unsigned column, int row, int version, int itag, unsigned char *p)
{
    uint64_t random = (uint64_t)row * 1000003 + column * 101 + (uint64_t)version * 17 + (uint64_t)itag;
    uint64_t v = next_random(&random);
    uint32_t size = 0, i;
    double d;
    float f;
    if (column && (row + column) % 7 == 0) return 0;
    if (itag && itag >= (row + (int)column) % (VALUES + 1)) return 0;
    switch (columns[column].type) {
    case JET_coltypBit: *p = v & 1 ? 0xFF : 0; return 1;
    case JET_coltypUnsignedByte: *p = (unsigned char)v; return 1;
    case JET_coltypShort: case JET_coltypUnsignedShort: size = 2; break;
    case JET_coltypLong: case JET_coltypUnsignedLong: size = 4; if (column == 0) v = (uint64_t)row; break;
    case JET_coltypIEEESingle: f = (float)((int64_t)(v % 2000001) - 1000000) / 8; memcpy(p, &f, 4); return 4;
    case JET_coltypIEEEDouble: d = (double)((int64_t)(v % 2000000001) - 1000000000) / 64; memcpy(p, &d, 8); return 8;
    case JET_coltypDateTime: d = 36526 + (double)(v % 10000) + (double)(v >> 32) / 4294967296.0; memcpy(p, &d, 8); return 8;
    case JET_coltypGUID: size = 16; break;
    case JET_coltypBinary: case JET_coltypText: size = 1 + (uint32_t)(v % 199); break;
    case JET_coltypLongBinary: case JET_coltypLongText:
        /* Short ones stay in the record, which has room for all of them; long ones never do. */
        size = 1 + (uint32_t)(v % 5 == 0 ? LONG + next_random(&random) % (MOST - LONG) : v % 5 == 1 ? LONG + next_random(&random) % 5000 : next_random(&random) % 140);
        break;
    default: size = 8;
    }
    if (columns[column].cp) {
        if (columns[column].cp == 1200) size = (size + 1) & ~1u;
        for (i = 0; i < size; i++) p[i] = (unsigned char)(columns[column].cp == 1200 && i % 2 ? 0 : 'a' + next_random(&random) % 26);
        return size;
    }
    for (i = 0; i < size; i++) p[i] = (unsigned char)(i < 8 ? v >> (8 * i) : next_random(&random));
    return size;
}

static void put_row(JET_SESID s, JET_TABLEID t, int row, int version, unsigned long prep)
{
    static unsigned char p[MOST];
    unsigned c;
    int itag;
    OK(JetPrepareUpdate(s, t, (uint32_t)prep));
    for (c = 0; c < COLUMNS; c++) {
        for (itag = 0; itag < (columns[c].grbit & JET_bitColumnMultiValued ? VALUES : 1); itag++) {
            uint32_t size = value(c, row, version, itag, p);
            JET_SETINFO info = { sizeof info, 0, (uint32_t)itag + 1 };
            /* What the former version had and this one has not goes away: always the last value first. */
            if (!size) {
                if (itag || prep == JET_prepInsert) continue;
                for (info.itagSequence = VALUES; info.itagSequence; info.itagSequence--)
                    if (info.itagSequence == 1 || columns[c].grbit & JET_bitColumnMultiValued) OK(JetSetColumn(s, t, ids[c], NULL, 0, 0, &info));
                break;
            }
            OK(JetSetColumn(s, t, ids[c], p, size, 0, &info));
        }
    }
    OK(JetUpdate(s, t, NULL, 0, NULL));
}

static void print_row(const char *table, int row, int version)
{
    static unsigned char p[MOST];
    unsigned c;
    uint32_t i;
    int itag;
    printf("%s", table);
    for (c = 0; c < COLUMNS; c++) {
        for (itag = 0; itag < (columns[c].grbit & JET_bitColumnMultiValued ? VALUES : 1); itag++) {
            uint32_t size = value(c, row, version, itag, p);
            if (!size) break;
            if (itag) printf(",");
            else printf(" %s=", columns[c].name);
            for (i = 0; i < size; i++) printf("%02x", p[i]);
        }
    }
    printf("\n");
}

/* The rows of "kinds": every third is changed, every fifth removed. */
static int version_of(int row) { return row % 5 == 4 ? -1 : row % 3 == 0; }

static void seek_row(JET_SESID s, JET_TABLEID t, int32_t row)
{
    OK(JetMakeKey(s, t, &row, sizeof row, JET_bitNewKey));
    OK(JetSeek(s, t, JET_bitSeekEQ));
}

static void write_kinds(JET_SESID s, JET_DBID d)
{
    JET_TABLEID t;
    unsigned c;
    int row;
    OK(JetCreateTableA(s, d, "kinds", 0, 90, &t));
    for (c = 0; c < COLUMNS; c++) {
        JET_COLUMNDEF def;
        memset(&def, 0, sizeof def);
        def.cbStruct = sizeof def;
        def.coltyp = columns[c].type;
        def.grbit = columns[c].grbit;
        def.cp = columns[c].cp;
        def.cbMax = columns[c].max;
        OK(JetAddColumnA(s, t, columns[c].name, &def, NULL, 0, &ids[c]));
    }
    OK(JetCreateIndexA(s, t, "id", JET_bitIndexPrimary, "+id\0", 5, 90));
    OK(JetCreateIndexA(s, t, "text", 0, "+text\0", 7, 90));
    for (row = 0; row < KINDS; row++) put_row(s, t, row, 0, JET_prepInsert);
    for (row = 0; row < KINDS; row += 3) { seek_row(s, t, row); put_row(s, t, row, 1, JET_prepReplace); }
    for (row = 4; row < KINDS; row += 5) { seek_row(s, t, row); OK(JetDelete(s, t)); }
    OK(JetCloseTable(s, t));
}

/* "many" has rows of 20 to 60 bytes; of the half in the middle every other is removed, of the rest every
 * tenth is changed. */
static uint32_t name_of(int row, char *p)
{
    int changed = row % 10 == 0 && (row < MANY / 4 || row >= MANY / 4 * 3);
    return (uint32_t)sprintf(p, "%s%d%.*s", changed ? "changed" : "row", row, row % 40, "........................................");
}

static int removed(int row) { return row >= MANY / 4 && row < MANY / 4 * 3 && row % 2; }

static void write_many(JET_SESID s, JET_DBID d)
{
    JET_TABLEID t;
    JET_COLUMNID id, name;
    char p[100];
    int32_t row;
    OK(JetCreateTableA(s, d, "many", 0, 90, &t));
    id = add_column(s, t, "id", JET_coltypLong, JET_bitColumnNotNULL, 0);
    name = add_column(s, t, "name", JET_coltypText, JET_bitColumnNotNULL, 1252);
    OK(JetCreateIndexA(s, t, "id", JET_bitIndexPrimary, "+id\0", 5, 90));
    OK(JetCreateIndexA(s, t, "name", 0, "+name\0", 7, 90));
    for (row = 0; row < MANY; row++) {
        uint32_t size = row % 10 ? name_of(row, p) : (uint32_t)sprintf(p, "first");
        if (row % 1000 == 0) OK(JetBeginTransaction(s));
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, id, &row, sizeof row, 0, NULL));
        OK(JetSetColumn(s, t, name, p, size, 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
        if (row % 1000 == 999) OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    }
    for (row = 0; row < MANY; row++) {
        if (row % 1000 == 0) OK(JetBeginTransaction(s));
        if (removed(row)) {
            seek_row(s, t, row);
            OK(JetDelete(s, t));
        } else if (row % 10 == 0) {
            uint32_t size = name_of(row, p);
            seek_row(s, t, row);
            OK(JetPrepareUpdate(s, t, JET_prepReplace));
            OK(JetSetColumn(s, t, name, p, size, 0, NULL));
            OK(JetUpdate(s, t, NULL, 0, NULL));
        }
        if (row % 1000 == 999) OK(JetCommitTransaction(s, JET_bitCommitLazyFlush));
    }
    OK(JetCloseTable(s, t));
}

static void print_all(void)
{
    int row, c;
    uint32_t i;
    char p[100];
    for (row = 0; row < KINDS; row++) if (version_of(row) >= 0) print_row("kinds", row, version_of(row));
    for (row = 0; row < MANY; row++) {
        if (removed(row)) continue;
        printf("many id=%02x%02x0000 name=", row & 0xFF, row >> 8);
        for (i = 0, c = (int)name_of(row, p); (int)i < c; i++) printf("%02x", (unsigned char)p[i]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    JET_INSTANCE i;
    JET_SESID s;
    JET_DBID d;
    char db[1100];
    if (argc != 5) FAIL("usage");
    if (!strcmp(argv[1], "restore")) {
        OK(JetSetSystemParameterA(NULL, 0, JET_paramDatabasePageSize, strtoul(argv[4], NULL, 10), NULL));
        OK(JetRestoreInstanceA(create_instance("restore", argv[3]), argv[2], argv[3], NULL));
        return 0;
    }
    snprintf(db, sizeof db, "%s/written.edb", argv[1]);
    OK(JetSetSystemParameterA(NULL, 0, JET_paramDatabasePageSize, strtoul(argv[2], NULL, 10), NULL));
    i = create_instance("writer", argv[1]);
    set_number(&i, JET_paramEngineFormatVersion, strtoul(argv[3], NULL, 0));
    set_number(&i, JET_paramMaxVerPages, 65536);
    OK(JetInit(&i));
    OK(JetBeginSessionA(i, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    OK(JetBeginTransaction(s));
    write_kinds(s, d);
    OK(JetCommitTransaction(s, 0));
    write_many(s, d);
    OK(JetBackupInstanceA(i, argv[4], 0, NULL));
    OK(JetTerm2(i, JET_bitTermComplete));
    print_all();
    return 0;
}
