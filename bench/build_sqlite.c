/* Adapter of build.c for SQLite: CREATE INDEX, and ORDER BY into a temporary table. */
#include "build.h"
#include <sqlite3.h>
#include <stdio.h>

static sqlite3 *db;
static sqlite3_stmt *row, *unsorted;

static void sql(const char *text) { int e = sqlite3_exec(db, text, 0, 0, 0); if (e) die(text, e); }
static sqlite3_stmt *prepare(const char *text) { sqlite3_stmt *q; int e = sqlite3_prepare_v2(db, text, -1, &q, 0); if (e) die(text, e); return q; }
static void run(sqlite3_stmt *q) { int e = sqlite3_step(q); if (e != SQLITE_DONE) die("step", e); sqlite3_reset(q); }
static void open_(const char *dir)
{
    char path[4300];
    snprintf(path, sizeof path, "%s/build.db", dir);
    if (sqlite3_open(path, &db)) die("open", 0);
    sql("pragma page_size=8192"); sql("pragma journal_mode=wal"); sql("pragma synchronous=normal"); sql("pragma cache_size=-1048576");
    sql("create table t(k integer primary key, n integer, t text)");
    row = prepare("insert into t values(?,?,?)");
}
static void close_(void) { sqlite3_finalize(row); sqlite3_close(db); }
static void begin(void) { sql("begin"); }
static void commit(void) { sql("commit"); }
static void put(int32_t key, int32_t number, const char *text, uint32_t size)
{
    sqlite3_bind_int(row, 1, key); sqlite3_bind_int(row, 2, number); sqlite3_bind_text(row, 3, text, (int)size, SQLITE_STATIC);
    run(row);
}
static void index_number(void) { sql("create index n on t(n)"); }
static void index_text(void) { sql("create index t_t on t(t)"); }
static void sort_begin(void)
{
    sql("create temp table unsorted(n integer, k integer)");
    unsorted = prepare("insert into unsorted values(?,?)");
    begin();
}
static void sort_put(int32_t number, int32_t key) { sqlite3_bind_int(unsorted, 1, number); sqlite3_bind_int(unsorted, 2, key); run(unsorted); }
static uint64_t sort_end(uint64_t *disorder)
{
    uint64_t n = 0;
    int last = INT32_MIN;
    sqlite3_stmt *q;
    commit();
    sqlite3_finalize(unsorted);
    sql("create temp table sorted as select n, k from unsorted order by n");
    q = prepare("select n from sorted");
    for (; sqlite3_step(q) == SQLITE_ROW; n++) { int number = sqlite3_column_int(q, 0); *disorder += number < last; last = number; }
    sqlite3_finalize(q);
    return n;
}
const builder BUILDER = {"sqlite", open_, close_, begin, commit, put, index_number, index_text, sort_begin, sort_put, sort_end};
