/* Calls every function of standard input with handles that are none and with NULL pointers. A line there is
 * a name and the kinds of its arguments:
 *   I S T D H O   instance, session, cursor, database, backup file, snapshot
 *   P             pointer to an instance
 *   pN            pointer; to a structure that begins with its size N if N is not 0
 *   s w           text
 *   F R           callback, realloc
 *   n             number
 * Prints a line for each call: "what name argument kind value -> code". */
#include <pthread.h>
#include "engine.h"
#include <dlfcn.h>

enum { ARGS = 12, SCRATCH = 1 << 16 };

typedef uint64_t Word;
typedef Word (*Any)(Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word);

static JET_INSTANCE inst;
static JET_SESID ses, other, ended;
static JET_DBID dbid;
static JET_TABLEID tab, foreign, closed;
static char db[1100];
static unsigned char scratch[ARGS][SCRATCH];

static Word nothing(void) { return 0; }
static void *again(void *unused, void *p, unsigned long n) { (void)unused; return realloc(p, n); }

typedef struct { char name[64]; int n; char kind[ARGS]; uint32_t size[ARGS]; Any call; } Function;

/* open_all makes a session with a cursor on a record, in a transaction if wanted. */
static void open_all(int transaction)
{
    OK(JetBeginSessionA(inst, &ses, NULL, NULL));
    OK(JetAttachDatabaseA(ses, db, 0));
    OK(JetOpenDatabaseA(ses, db, NULL, &dbid, 0));
    OK(JetOpenTableA(ses, dbid, "t", NULL, 0, 0, &tab));
    OK(JetMove(ses, tab, JET_MoveFirst, 0));
    if (transaction) OK(JetBeginTransaction(ses));
}

static void create(void)
{
    JET_COLUMNID id;
    int32_t i;
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &ses, NULL, NULL));
    OK(JetCreateDatabaseA(ses, db, NULL, &dbid, 0));
    OK(JetCreateTableA(ses, dbid, "t", 0, 80, &tab));
    id = add_column(ses, tab, "id", JET_coltypLong, 0, 0);
    add_column(ses, tab, "text", JET_coltypLongText, 0, 1200);
    OK(JetCreateIndexA(ses, tab, "id", JET_bitIndexPrimary, "+id\0", 5, 80));
    for (i = 0; i < 10; i++) {
        OK(JetPrepareUpdate(ses, tab, JET_prepInsert));
        OK(JetSetColumn(ses, tab, id, &i, sizeof i, 0, NULL));
        OK(JetUpdate(ses, tab, NULL, 0, NULL));
    }
    OK(JetBeginSessionA(inst, &ended, NULL, NULL));
    OK(JetEndSession(ended, 0));
    OK(JetEndSession(ses, 0));
    OK(JetBeginSessionA(inst, &other, NULL, NULL));
    OK(JetOpenDatabaseA(other, db, NULL, &dbid, 0));
    OK(JetOpenTableA(other, dbid, "t", NULL, 0, 0, &foreign));
    open_all(0);
    OK(JetOpenTableA(ses, dbid, "t", NULL, 0, 0, &closed));
    OK(JetCloseTable(ses, closed));
}

/* still_there says that the session, its cursor and the engine can go on. */
static void still_there(const char *name, int transaction)
{
    JET_ERR e = JetMove(ses, tab, JET_MoveFirst, 0);
    if (e < 0) {
        JetEndSession(ses, 0);
        open_all(transaction);
    } else if (transaction) {
        JetRollback(ses, JET_bitRollbackAll);
        OK(JetBeginTransaction(ses));
    } else {
        while (JetRollback(ses, JET_bitRollbackAll) >= 0) {}
    }
    if ((e = JetMove(other, foreign, JET_MoveFirst, 0)) < 0) FAIL("after %s another session gets %d", name, (int)e);
}

/* harmless fills in arguments that are all right. numbers is what numbers are. */
static void harmless(const Function *f, Word *a, Word numbers)
{
    int i;
    for (i = 0; i < ARGS; i++) a[i] = 0;
    for (i = 0; i < f->n; i++) {
        memset(scratch[i], 0, sizeof scratch[i]);
        switch (f->kind[i]) {
        case 'I': a[i] = inst; break;
        case 'S': a[i] = ses; break;
        case 'T': a[i] = tab; break;
        case 'D': a[i] = dbid; break;
        case 'P': memcpy(scratch[i], &inst, sizeof inst); a[i] = (Word)(intptr_t)scratch[i]; break;
        case 'p': memcpy(scratch[i], &f->size[i], 4); a[i] = (Word)(intptr_t)scratch[i]; break;
        case 's': strcpy((char *)scratch[i], "x"); a[i] = (Word)(intptr_t)scratch[i]; break;
        case 'w': scratch[i][0] = 'x'; a[i] = (Word)(intptr_t)scratch[i]; break;
        case 'F': a[i] = (Word)(intptr_t)nothing; break;
        case 'R': a[i] = (Word)(intptr_t)again; break;
        case 'n': a[i] = numbers; break;
        }
    }
}

static void call(const char *what, const Function *f, const Word *a, int argument, const char *value)
{
    printf("%s %s %d %c %s -> ", what, f->name, argument, argument < 0 ? '-' : f->kind[argument], value);
    fflush(stdout);
    alarm(60);
    printf("%d\n", (int)(int32_t)f->call(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]));
    alarm(0);
}

static void bad_handles(const Function *f)
{
    Word a[ARGS];
    int i;
    unsigned k;
    for (i = 0; i < f->n; i++) {
        struct { const char *name; Word value; } bad[] = {
            { "zero", 0 }, { "nil", ~(Word)0 }, { "one", 1 }, { "low", 0xFFFFFFFF }, { "odd", 0xDEADBEEF12345677 },
            { "stack", (Word)(intptr_t)a }, { "instance", inst }, { "session", ses }, { "cursor", tab },
            { "ended", ended }, { "closed", closed }, { "foreign", foreign }, { "next", (f->kind[i] == 'T' ? tab : ses) + 1 },
        };
        if (!strchr("ISTDHOP", f->kind[i])) continue;
        for (k = 0; k < sizeof bad / sizeof *bad; k++) {
            harmless(f, a, 0);
            if ((f->kind[i] == 'I' && bad[k].value == inst) || (f->kind[i] == 'S' && bad[k].value == ses) || (f->kind[i] == 'T' && bad[k].value == tab)) continue;
            if (f->kind[i] == 'P') {
                if (bad[k].value == inst || bad[k].value == 0 || !~bad[k].value) continue; /* these mean an instance */
                memcpy(scratch[i], &bad[k].value, sizeof bad[k].value);
            } else {
                a[i] = f->kind[i] == 'D' ? (uint32_t)bad[k].value : bad[k].value;
                if (f->kind[i] == 'D' && a[i] == dbid) a[i] = 0x7FFFFFFF;
            }
            call("handle", f, a, i, bad[k].name);
        }
    }
}

static void null_pointers(const Function *f, Word numbers, int transaction)
{
    Word a[ARGS];
    char value[32];
    int i, pointers = 0;
    snprintf(value, sizeof value, "n=%d,t=%d", (int)numbers, transaction);
    for (i = 0; i < f->n; i++) {
        if (!strchr("pPswFR", f->kind[i])) continue;
        pointers++;
        harmless(f, a, numbers);
        a[i] = 0;
        call("null", f, a, i, value);
        still_there(f->name, transaction);
    }
    if (!pointers) return;
    harmless(f, a, numbers);
    for (i = 0; i < f->n; i++) if (strchr("pPswFR", f->kind[i])) a[i] = 0;
    call("nulls", f, a, -1, value);
    still_there(f->name, transaction);
    harmless(f, a, numbers);
    call("empty", f, a, -1, value);
    still_there(f->name, transaction);
}

static int next_function(Function *f)
{
    char line[512], *word;
    if (!fgets(line, sizeof line, stdin)) return 0;
    memset(f, 0, sizeof *f);
    word = strtok(line, " \n");
    snprintf(f->name, sizeof f->name, "%s", word);
    while ((word = strtok(NULL, " \n"))) {
        f->kind[f->n] = word[0];
        f->size[f->n++] = (uint32_t)atoi(word + 1);
    }
    *(void **)&f->call = dlsym(RTLD_DEFAULT, f->name);
    if (!f->call) FAIL("%s", dlerror());
    return 1;
}

int main(int argc, char **argv)
{
    static Function all[512];
    int n = 0, i;
    if (argc != 2) FAIL("usage");
    snprintf(db, sizeof db, "%s/misuse.edb", argv[1]);
    inst = create_instance("misuse", argv[1]);
    while (n < 512 && next_function(&all[n])) n++;
    create();
    for (i = 0; i < n; i++) bad_handles(&all[i]);
    still_there("bad handles", 0);
    for (i = 0; i < n; i++) null_pointers(&all[i], 0, 0);
    for (i = 0; i < n; i++) null_pointers(&all[i], 64, 0);
    JetEndSession(ses, 0);
    open_all(1);
    for (i = 0; i < n; i++) null_pointers(&all[i], 64, 1);
    OK(JetEndSession(ses, 0));
    OK(JetTerm2(inst, JET_bitTermComplete));
    return 0;
}
