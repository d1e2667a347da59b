/* bank run DIR SECONDS THREADS: threads transfer between accounts, in transactions, while others sum them up
 * and back them up. bank check DIR: the sums of a database that lies there, recovered if it must be.
 * bank restore BACKUP DIR: the same of a backup. Prints what was done. */
#include <pthread.h>
#include <stdatomic.h>
#include "engine.h"

enum { ACCOUNTS = 200, START = 1000 };

static JET_INSTANCE inst;
static char db[1100];
static atomic_int stop;
static atomic_long transfers, conflicts, sums, backups;

/* Tables are opened by each session. */
typedef struct { JET_SESID s; JET_DBID d; JET_TABLEID account, journal; JET_COLUMNID id, balance, memo, amount, note; } Desk;

static void open_desk(Desk *k)
{
    OK(JetBeginSessionA(inst, &k->s, NULL, NULL));
    OK(JetOpenDatabaseA(k->s, db, NULL, &k->d, 0));
    OK(JetOpenTableA(k->s, k->d, "account", NULL, 0, 0, &k->account));
    OK(JetOpenTableA(k->s, k->d, "journal", NULL, 0, 0, &k->journal));
    k->id = column(k->s, k->account, "id");
    k->balance = column(k->s, k->account, "balance");
    k->memo = column(k->s, k->account, "memo");
    k->amount = column(k->s, k->journal, "amount");
    k->note = column(k->s, k->journal, "note");
}

static void create_bank(void)
{
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_COLUMNID id, balance;
    int32_t i;
    int64_t start = START;
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    OK(JetBeginTransaction(s));
    OK(JetCreateTableA(s, d, "account", 0, 100, &t));
    id = add_column(s, t, "id", JET_coltypLong, 0, 0);
    balance = add_column(s, t, "balance", JET_coltypCurrency, 0, 0);
    add_column(s, t, "memo", JET_coltypLongText, 0, 1252);
    OK(JetCreateIndexA(s, t, "id", JET_bitIndexPrimary | JET_bitIndexUnique, "+id\0", 5, 100));
    OK(JetCreateIndexA(s, t, "balance", 0, "+balance\0", 10, 100));
    for (i = 0; i < ACCOUNTS; i++) {
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, id, &i, sizeof i, 0, NULL));
        OK(JetSetColumn(s, t, balance, &start, sizeof start, 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
    }
    OK(JetCloseTable(s, t));
    OK(JetCreateTableA(s, d, "journal", 0, 100, &t));
    add_column(s, t, "number", JET_coltypLongLong, JET_bitColumnAutoincrement, 0);
    add_column(s, t, "amount", JET_coltypCurrency, 0, 0);
    add_column(s, t, "note", JET_coltypLongBinary, 0, 0);
    OK(JetCreateIndexA(s, t, "number", JET_bitIndexPrimary | JET_bitIndexUnique, "+number\0", 9, 100));
    OK(JetCommitTransaction(s, 0));
    OK(JetEndSession(s, 0));
}

/* change adds to a balance; a write conflict is for the caller to try again. */
static JET_ERR change(Desk *k, int32_t id, int64_t amount, const char *memo, uint32_t size)
{
    int64_t balance;
    JET_ERR e;
    OK(JetMakeKey(k->s, k->account, &id, sizeof id, JET_bitNewKey));
    OK(JetSeek(k->s, k->account, JET_bitSeekEQ));
    if ((e = JetPrepareUpdate(k->s, k->account, JET_prepReplace)) < 0) return e;
    OK(JetRetrieveColumn(k->s, k->account, k->balance, &balance, sizeof balance, NULL, 0, NULL));
    balance += amount;
    OK(JetSetColumn(k->s, k->account, k->balance, &balance, sizeof balance, 0, NULL));
    e = JetSetColumn(k->s, k->account, k->memo, memo, size, 0, NULL);
    if (e >= 0) e = JetUpdate(k->s, k->account, NULL, 0, NULL);
    if (e < 0) OK(JetPrepareUpdate(k->s, k->account, JET_prepCancel));
    return e;
}

static JET_ERR transfer(Desk *k, uint64_t *random)
{
    static char text[3000];
    int32_t from = (int32_t)(next_random(random) % ACCOUNTS), to = (int32_t)((from + 1 + next_random(random) % (ACCOUNTS - 1)) % ACCOUNTS);
    int64_t amount = (int64_t)(next_random(random) % 100);
    uint32_t size = (uint32_t)(next_random(random) % 16 ? 20 : next_random(random) % sizeof text);
    JET_ERR e = change(k, from, -amount, text, size);
    if (e >= 0) e = change(k, to, amount, text, size / 2);
    if (e < 0) return e;
    OK(JetPrepareUpdate(k->s, k->journal, JET_prepInsert));
    OK(JetSetColumn(k->s, k->journal, k->amount, &amount, sizeof amount, 0, NULL));
    if (size > 1000) OK(JetSetColumn(k->s, k->journal, k->note, text, size, 0, NULL));
    return JetUpdate(k->s, k->journal, NULL, 0, NULL);
}

static void *clerk(void *arg)
{
    Desk k;
    uint64_t random = (uint64_t)(intptr_t)arg;
    open_desk(&k);
    while (!stop) {
        uint64_t before = random;
        JET_ERR e;
        OK(JetBeginTransaction(k.s));
        if ((e = transfer(&k, &random)) < 0) {
            if (e != JET_errWriteConflict) FAIL("a transfer failed: %d", (int)e);
            OK(JetRollback(k.s, 0));
            conflicts++;
            usleep((useconds_t)(next_random(&random) % 2000));
            random = before; /* the same transfer once more */
            continue;
        }
        /* One in ten waits for the disk, one in twenty is taken back. */
        if (next_random(&random) % 20 == 0) { OK(JetRollback(k.s, 0)); continue; }
        OK(JetCommitTransaction(k.s, next_random(&random) % 10 ? JET_bitCommitLazyFlush : 0));
        transfers++;
    }
    OK(JetEndSession(k.s, 0));
    return NULL;
}

/* look sums the accounts and counts the journal, within a transaction, along the index. */
static void look(Desk *k, const char *index, long *journal)
{
    int64_t sum = 0, balance;
    int n = 0;
    long entries = 0;
    JET_ERR e;
    OK(JetBeginTransaction(k->s));
    OK(JetSetCurrentIndexA(k->s, k->account, index));
    for (e = JetMove(k->s, k->account, JET_MoveFirst, 0); e >= 0; e = JetMove(k->s, k->account, JET_MoveNext, 0), n++) {
        OK(JetRetrieveColumn(k->s, k->account, k->balance, &balance, sizeof balance, NULL, 0, NULL));
        sum += balance;
    }
    if (e != JET_errNoCurrentRecord) FAIL("reading along %s: %d", index, (int)e);
    if (n != ACCOUNTS || sum != (int64_t)ACCOUNTS * START) FAIL("%d accounts with %lld along %s", n, (long long)sum, index);
    if (journal) {
        for (e = JetMove(k->s, k->journal, JET_MoveFirst, 0); e >= 0; e = JetMove(k->s, k->journal, JET_MoveNext, 0)) entries++;
        if (e != JET_errNoCurrentRecord) FAIL("reading the journal: %d", (int)e);
        *journal = entries;
    }
    OK(JetCommitTransaction(k->s, 0));
}

static void *auditor(void *unused)
{
    Desk k;
    open_desk(&k);
    while (!stop) {
        look(&k, sums % 2 ? "balance" : "id", NULL);
        sums++;
    }
    OK(JetEndSession(k.s, 0));
    return unused;
}

/* Each backup is a whole one and takes the place of the one before when it is complete. */
static void *archivist(void *dir)
{
    while (!stop) {
        OK(JetBackupInstanceA(inst, dir, JET_bitBackupAtomic, NULL));
        backups++;
        usleep(200000);
    }
    return NULL;
}

static void run(const char *dir, int duration, int threads)
{
    pthread_t clerks[64], audit, archive;
    char backup[1200];
    long i, journal;
    Desk k;
    snprintf(backup, sizeof backup, "%s/backup", dir);
    if (mkdir(backup, 0777)) FAIL("mkdir");
    create_bank();
    for (i = 0; i < threads; i++) if (pthread_create(&clerks[i], NULL, clerk, (void *)(i + 1))) FAIL("pthread_create");
    if (pthread_create(&audit, NULL, auditor, NULL) || pthread_create(&archive, NULL, archivist, backup)) FAIL("pthread_create");
    sleep((unsigned)duration);
    stop = 1;
    for (i = 0; i < threads; i++) pthread_join(clerks[i], NULL);
    pthread_join(audit, NULL);
    pthread_join(archive, NULL);
    open_desk(&k);
    look(&k, "id", &journal);
    look(&k, "balance", NULL);
    if (journal != transfers) FAIL("%ld transfers in the journal, %ld made", journal, (long)transfers);
    printf("transfers %ld conflicts %ld sums %ld backups %ld\n", (long)transfers, (long)conflicts, (long)sums, (long)backups);
    if (!transfers || !sums || !backups) FAIL("too little happened");
}

static void check(void)
{
    Desk k;
    JET_SESID s;
    long journal;
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    OK(JetAttachDatabaseA(s, db, 0));
    open_desk(&k);
    look(&k, "id", &journal);
    look(&k, "balance", NULL);
    printf("journal %ld\n", journal);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    const char *dir = argv[!strcmp(what, "restore") ? 3 : 2];
    snprintf(db, sizeof db, "%s/bank.edb", dir);
    inst = create_instance("bank", dir);
    if (!strcmp(what, "restore")) {
        OK(JetRestoreInstanceA(inst, argv[2], dir, NULL));
        inst = create_instance("bank2", dir);
    }
    OK(JetInit(&inst));
    if (!strcmp(what, "run")) run(dir, atoi(argv[3]), atoi(argv[4]));
    else check();
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
