/* sample_c DIR: a program as it is written for esent.dll: a database, a table with columns and indexes, inserts, seeks,
 * an index range, an enumeration, transactions, and errors by their names. */
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static JET_INSTANCE instance;
static JET_SESID sesid;
static JET_DBID dbid;
static JET_TABLEID tableid;
static JET_COLUMNID columnidKey, columnidName, columnidPrice;

static void Check(JET_ERR err, const char *call)
{
    if (err >= JET_errSuccess)
        return;
    fprintf(stderr, "%s failed: %d\n", call, (int)err);
    JetTerm2(instance, JET_bitTermAbrupt);
    exit(1);
}
#define Call(fn) Check((fn), #fn)

static JET_COLUMNID AddColumn(const char *name, JET_COLTYP coltyp, JET_GRBIT grbit, unsigned short cp)
{
    JET_COLUMNDEF columndef;
    JET_COLUMNID columnid;
    memset(&columndef, 0, sizeof(columndef));
    columndef.cbStruct = sizeof(columndef);
    columndef.coltyp = coltyp;
    columndef.grbit = grbit;
    columndef.cp = cp;
    Call(JetAddColumn(sesid, tableid, name, &columndef, NULL, 0, &columnid));
    return columnid;
}

static void CreateAll(const char *file)
{
    static const char keyIndex[] = "+key\0";
    static const char nameIndex[] = "+name\0-price\0";
    Call(JetCreateDatabase(sesid, file, NULL, &dbid, 0));
    if (JetCreateDatabase(sesid, file, NULL, &dbid, 0) != JET_errDatabaseDuplicate)
        Check(JET_errInvalidParameter, "a second JetCreateDatabase");
    Call(JetBeginTransaction(sesid));
    Call(JetCreateTable(sesid, dbid, "stock", 16, 80, &tableid));
    columnidKey = AddColumn("key", JET_coltypLong, JET_bitColumnAutoincrement, 0);
    columnidName = AddColumn("name", JET_coltypText, 0, 1252);
    columnidPrice = AddColumn("price", JET_coltypCurrency, 0, 0);
    Call(JetCreateIndex(sesid, tableid, "primary", JET_bitIndexPrimary, keyIndex, sizeof(keyIndex), 80));
    Call(JetCreateIndex(sesid, tableid, "name", 0, nameIndex, sizeof(nameIndex), 80));
    Call(JetCommitTransaction(sesid, 0));
}

static void Insert(const char *name, long long price)
{
    JET_SETCOLUMN set[2];
    memset(set, 0, sizeof(set));
    set[0].columnid = columnidName;
    set[0].pvData = name;
    set[0].cbData = (unsigned)strlen(name);
    set[0].itagSequence = 1;
    set[1].columnid = columnidPrice;
    set[1].pvData = &price;
    set[1].cbData = sizeof(price);
    set[1].itagSequence = 1;
    Call(JetPrepareUpdate(sesid, tableid, JET_prepInsert));
    Call(JetSetColumns(sesid, tableid, set, 2));
    Call(JetUpdate(sesid, tableid, NULL, 0, NULL));
}

static void PrintRecord(void)
{
    char name[64];
    unsigned cb;
    int key;
    long long price;
    Call(JetRetrieveColumn(sesid, tableid, columnidKey, &key, sizeof(key), NULL, 0, NULL));
    Call(JetRetrieveColumn(sesid, tableid, columnidName, name, sizeof(name), &cb, 0, NULL));
    Call(JetRetrieveColumn(sesid, tableid, columnidPrice, &price, sizeof(price), NULL, 0, NULL));
    printf("%d %.*s %lld\n", key, (int)cb, name, price);
}

static void PrintAll(const char *index)
{
    JET_ERR err;
    printf("by %s\n", index);
    Call(JetSetCurrentIndex(sesid, tableid, index));
    for (err = JetMove(sesid, tableid, JET_MoveFirst, 0); err >= 0; err = JetMove(sesid, tableid, JET_MoveNext, 0))
        PrintRecord();
    if (err != JET_errNoCurrentRecord)
        Check(err, "JetMove");
}

static void PrintRange(const char *from, const char *to)
{
    JET_ERR err;
    printf("from %s to %s\n", from, to);
    Call(JetSetCurrentIndex(sesid, tableid, "name"));
    Call(JetMakeKey(sesid, tableid, from, (unsigned)strlen(from), JET_bitNewKey | JET_bitFullColumnStartLimit));
    Call(JetSeek(sesid, tableid, JET_bitSeekGE));
    Call(JetMakeKey(sesid, tableid, to, (unsigned)strlen(to), JET_bitNewKey | JET_bitFullColumnEndLimit));
    Call(JetSetIndexRange(sesid, tableid, JET_bitRangeUpperLimit | JET_bitRangeInclusive));
    do {
        PrintRecord();
        err = JetMove(sesid, tableid, JET_MoveNext, 0);
    } while (err >= 0);
    if (err != JET_errNoCurrentRecord)
        Check(err, "JetMove");
}

static void *JET_API Realloc(void *context, void *pv, uint32_t cb)
{
    (void)context;
    if (cb)
        return realloc(pv, cb);
    free(pv);
    return NULL;
}

static void Enumerate(void)
{
    JET_ENUMCOLUMN *columns;
    unsigned count, i;
    Call(JetSetCurrentIndex(sesid, tableid, NULL));
    Call(JetMove(sesid, tableid, JET_MoveLast, 0));
    Call(JetEnumerateColumns(sesid, tableid, 0, NULL, &count, &columns, Realloc, NULL, 1000, JET_bitEnumerateCompressOutput));
    printf("columns:");
    for (i = 0; i < count; i++)
        printf(" %d", (int)columns[i].err);
    printf("\n");
    for (i = 0; i < count; i++)
        if (columns[i].err == JET_wrnColumnSingleValue)
            Realloc(NULL, columns[i].pvData, 0);
    Realloc(NULL, columns, 0);
}

static void Seek(int key)
{
    JET_ERR err;
    Call(JetSetCurrentIndex(sesid, tableid, NULL));
    Call(JetMakeKey(sesid, tableid, &key, sizeof(key), JET_bitNewKey));
    err = JetSeek(sesid, tableid, JET_bitSeekEQ);
    if (err == JET_errRecordNotFound)
        printf("no record %d\n", key);
    else {
        Check(err, "JetSeek");
        PrintRecord();
    }
}

int main(int argc, char **argv)
{
    char path[1024];
    long long price = 999;
    if (argc != 2)
        return 2;
    Call(JetCreateInstance(&instance, "sample"));
    snprintf(path, sizeof(path), "%s/", argv[1]);
    Call(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramSystemPath, 0, path));
    Call(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramLogFilePath, 0, path));
    Call(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramTempPath, 0, path));
    Call(JetSetSystemParameter(&instance, JET_sesidNil, JET_paramCircularLog, 1, NULL));
    Call(JetInit(&instance));
    Call(JetBeginSession(instance, &sesid, NULL, NULL));
    snprintf(path, sizeof(path), "%s/sample.edb", argv[1]);
    CreateAll(path);

    Call(JetBeginTransaction(sesid));
    Insert("pear", 250);
    Insert("apple", 120);
    Insert("plum", 310);
    Insert("apple", 180);
    Call(JetCommitTransaction(sesid, JET_bitCommitLazyFlush));
    Call(JetBeginTransaction(sesid));
    Insert("melon", 500);
    Call(JetRollback(sesid, 0));

    PrintAll("primary");
    PrintAll("name");
    PrintRange("apple", "pear");
    Seek(3);
    Seek(77);
    Enumerate();

    Call(JetBeginTransaction(sesid));
    Call(JetPrepareUpdate(sesid, tableid, JET_prepReplace));
    Call(JetSetColumn(sesid, tableid, columnidPrice, &price, sizeof(price), 0, NULL));
    Call(JetUpdate(sesid, tableid, NULL, 0, NULL));
    Call(JetMove(sesid, tableid, JET_MoveFirst, 0));
    Call(JetDelete(sesid, tableid));
    Call(JetCommitTransaction(sesid, 0));
    PrintAll("primary");
    if (JetUpdate(sesid, tableid, NULL, 0, NULL) == JET_errUpdateNotPrepared)
        printf("no update is prepared\n");

    Call(JetCloseTable(sesid, tableid));
    Call(JetCloseDatabase(sesid, dbid, 0));
    Call(JetDetachDatabase(sesid, path));
    Call(JetEndSession(sesid, 0));
    Call(JetTerm(instance));
    return 0;
}
