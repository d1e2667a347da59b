/* fuzz DIR SECONDS SEED: threads call every function of standard input in random order with arguments that are
 * right, stale, another's, NULL, misaligned or nonsense. What a caller must keep to is kept to: a pointer is NULL or
 * points to as much memory as is said, which ends where nothing may be touched. The instance is ended and
 * initialised again all the while.
 *
 * Lines of standard input: "f NAME KIND...", "s NAME SIZE OFFSET:SIZE:KIND...", "e CODE", "p ID" (a global parameter).
 * Kinds:
 *   I S T D H O   instance, session, cursor, database, file or callback, snapshot; hX a pointer to one
 *   xNAME         pointer to structures; z a structure's size
 *   v 0 a w k K q o u   pointer to memory, zeros, text, UTF-16, a key of an index in either, pointers, a pointer, numbers
 *   F R           callback, realloc
 *   b c g C p n   size, count, flags, column, pages, number */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include "engine.h"
#include <dlfcn.h>

enum { ARGS = 12, FIELDS = 64, FUNCTIONS = 512, STRUCTS = 200, THREADS = 4, ROOM = 1 << 14, GUARD = 1 << 12, NESTED = 1 << 18, POOL = 16, ENDS = 16, LONGEST = 60 /* seconds that a round may take */,
    FROZEN = 200 /* ms; meanwhile nobody gets anywhere */ };

typedef uint64_t Word;
typedef Word (*Any)(Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word, Word);
typedef struct { uint32_t offset, size; char kind; char of[48]; int at; } Field;
typedef struct { char name[48]; uint32_t size; int n; Field field[FIELDS]; } Struct;
typedef struct { char name[64]; int n, ends; Field arg[ARGS]; Any call; atomic_ulong calls, fine; } Function;

static Function function[FUNCTIONS];
static Struct structure[STRUCTS];
static int functions, structures, codes, globals;
static int32_t code[1000];
static struct { uint32_t id; JET_API_PTR value; } global[256];
static JET_INSTANCE inst;
static char dir[1000], db[1100];
static atomic_int stop;
static _Atomic double deadline;
static FILE *report; /* standard output is JetDBUtilities' */
static struct { JET_ERR code; int rounds; } ended[ENDS];

/* Handles that calls gave, live or not any more. */
static const char handle_kinds[] = "ISTDHO";
static _Atomic(Word) pool[6][POOL];

typedef struct {
    uint64_t random;
    unsigned char *room[ARGS], *nested;
    size_t used;
    JET_SESID s;
    JET_TABLEID t;
    JET_DBID d;
    void *allocated[256];
    int allocations;
    const Function *in;
} Thread;

static Thread thread[THREADS];
static __thread Thread *self;

static uint64_t below(uint64_t n) { return next_random(&self->random) % n; }
static Word nothing(void) { return 0; }

static void *again(void *context, void *p, unsigned long n)
{
    int i;
    (void)context;
    for (i = 0; p && i < self->allocations; i++) if (self->allocated[i] == p) self->allocated[i] = NULL;
    if (!n) { free(p); return NULL; }
    if (self->allocations == 256 || below(20) == 0) return NULL;
    return self->allocated[self->allocations++] = realloc(p, n);
}

static void free_allocated(void)
{
    int i;
    for (i = 0; i < self->allocations; i++) free(self->allocated[i]);
    self->allocations = 0;
}

static const char *text(void)
{
    static char longest[301];
    const char *const all[] = { "t", "t", "t", "id", "id", "text", "", "x", "new.edb", "backup", "no/such/place", dir, db, db, longest, "\xC3\xA4\xE2\x82\xAC", "\xFF\xFE", "en-US" };
    memset(longest, 'n', 300);
    return all[below(sizeof all / sizeof *all)];
}

static Word number(char kind)
{
    switch (below(kind == 'p' ? 6 : 9)) {
    case 0: case 1: return 0;
    case 2: return 1;
    case 3: case 4: return below(16);
    case 5: return below(1000);
    case 6: return (Word)1 << below(32);
    case 7: return (Word)(uint32_t)-(int32_t)below(4);
    default: return (uint32_t)next_random(&self->random);
    }
}

static Word flags(void)
{
    switch (below(8)) {
    case 0: case 1: case 2: case 3: return 0;
    case 4: case 5: return (Word)1 << below(32);
    case 6: return (Word)1 << below(16) | (Word)1 << below(16);
    default: return (uint32_t)next_random(&self->random);
    }
}

static Word a_handle(char kind)
{
    int which = (int)(strchr(handle_kinds, kind) - handle_kinds);
    Word junk[] = { 0, ~(Word)0, 1, 0xFFFFFFFF, (Word)(intptr_t)self, self->s + 1, self->t + ((Word)1 << 32), self->s, self->t, inst };
    if (below(8)) {
        switch (kind) {
        case 'I': return inst;
        case 'S': return self->s;
        case 'T': return self->t;
        case 'D': return self->d;
        }
        return pool[which][below(POOL)];
    }
    return below(3) ? (Word)pool[which][below(POOL)] : junk[below(sizeof junk / sizeof *junk)];
}

static void *more(size_t n)
{
    void *p = self->nested + self->used;
    n = (n + 15) / 16 * 16;
    if (self->used + n > NESTED) return NULL;
    self->used += n;
    memset(p, 0, n);
    return p;
}

enum { SMALL = 64, COUNT = 3 }; /* room and elements behind pointers of structures */

static void put_text(unsigned char *p, size_t room, char kind)
{
    const char *s = kind == 'k' || kind == 'K' ? "+id\0-text\0" : text();
    size_t n = kind == 'k' || kind == 'K' ? 11 : strlen(s) + 1, i;
    for (i = 0; i < n; i++) {
        if (kind == 'w' || kind == 'K') {
            if (2 * i + 2 > room) break;
            p[2 * i] = (unsigned char)s[i];
            p[2 * i + 1] = 0;
        } else if (i < room) p[i] = (unsigned char)s[i];
    }
    if (room < (kind == 'w' || kind == 'K' ? 2 * n : n)) memset(p, 0, room);
}

static void fill_struct(unsigned char *p, const Struct *s, int depth);

static Word field_pointer(const Field *f, int depth)
{
    unsigned char *p;
    int i;
    if (below(6) == 0) return 0;
    if (f->kind == 'x') {
        const Struct *s = &structure[f->at];
        if (depth > 2 || !(p = more(s->size * COUNT))) return 0;
        for (i = 0; i < COUNT; i++) fill_struct(p + (size_t)i * s->size, s, depth + 1);
    } else if (strchr("awkK", f->kind)) {
        if ((p = more(1024))) put_text(p, 1024, f->kind);
    } else if (f->kind == 'q') {
        if ((p = more(8 * COUNT))) for (i = 0; i < COUNT; i++) {
            Field one = { 0, 8, 'w', "", 0 };
            Word w = field_pointer(&one, depth + 1);
            memcpy(p + 8 * i, &w, 8);
        }
    } else {
        p = more(SMALL);
        for (i = 0; p && f->kind == 'v' && i < SMALL; i++) p[i] = (unsigned char)below(4);
    }
    return (Word)(intptr_t)p;
}

static Word value(const Field *f, uint32_t room, int depth)
{
    switch (f->kind) {
    case 'I': case 'S': case 'T': case 'D': case 'H': case 'O': return a_handle(f->kind);
    case 'b': return below(3) ? below(room + 1) : room;
    case 'c': return below(COUNT + 1);
    case 'g': return flags();
    case 'C': return below(4) ? (Word)(below(2) ? 1 : 256) : number('n');
    case 'F': return below(4) ? (Word)(intptr_t)nothing : 0;
    case 'R': return below(10) ? (Word)(intptr_t)again : 0;
    case 'p': case 'n': return number(f->kind);
    }
    return field_pointer(f, depth);
}

/* fill_struct makes fields in the order of the table: of a union the last, a pointer if one is in it. */
static void fill_struct(unsigned char *p, const Struct *s, int depth)
{
    int i;
    memset(p, 0, s->size);
    for (i = 0; i < s->n; i++) {
        const Field *f = &s->field[i];
        Word w = f->kind == 'z' ? (below(8) ? s->size : below(s->size + 40)) : value(f, SMALL, depth);
        if (f->offset + f->size <= s->size) memcpy(p + f->offset, &w, f->size);
    }
}

/* argument is a pointer to size bytes that end where nothing may be touched, or up to 7 before that. */
static Word argument(int k, const Field *f, uint32_t size)
{
    unsigned char *p, *end = self->room[k] + ROOM;
    uint32_t i, n = size;
    if (below(12) == 0) return 0;
    if (f->kind == 'x') n = size > structure[f->at].size * COUNT ? size : structure[f->at].size * COUNT;
    else if (f->kind == 'h' || f->kind == 'o') n = 8;
    else if (f->kind == 'u' || f->kind == 'q') n = 8 * COUNT;
    else if (strchr("awkK", f->kind) && n < 640) n = 640;
    else if (n < 8) n = 8;
    p = end - n - (below(4) ? 0 : below(8));
    memset(p, 0, n);
    if (f->kind == 'x') for (i = 0; i < COUNT; i++) fill_struct(p + i * structure[f->at].size, &structure[f->at], 0);
    else if (strchr("awkK", f->kind)) put_text(p, n, f->kind);
    if (f->kind == 'v') for (i = 0; i < n && i < 256; i++) p[i] = (unsigned char)below(below(2) ? 4 : 256);
    if (f->kind == 'u') for (i = 0; i < n; i += 4) p[i] = (unsigned char)below(SMALL);
    if (f->kind == 'q') for (i = 0; i < n; i += 8) {
        Field one = { 0, 8, 'w', "", 0 };
        Word w = field_pointer(&one, 1);
        memcpy(p + i, &w, 8);
    }
    if (f->kind == 'h') {
        Word w = a_handle(f->of[0]);
        memcpy(p, &w, f->of[0] == 'D' ? 4 : 8);
    }
    return (Word)(intptr_t)p;
}

static int compare(const void *a, const void *b) { return *(const int32_t *)a < *(const int32_t *)b ? -1 : *(const int32_t *)a > *(const int32_t *)b; }

static void judge(const Function *f, int32_t e)
{
    if (!bsearch(&e, code, (size_t)codes, sizeof *code, compare)) FAIL("%s gave %d, which is no code", f->name, (int)e);
    switch (e) {
    case JET_errInternalError: case JET_errDatabaseCorrupted: case JET_errLVCorrupted: case JET_errReadVerifyFailure:
        if (f->n > 1 && f->arg[1].kind == 'T') FAIL("%s gave %d", f->name, (int)e); /* others read whatever file */
    }
}

static void one_call(Function *f)
{
    Word a[ARGS] = { 0 };
    uint32_t size = (uint32_t)(below(3) ? below(200) : below(ROOM - 64));
    int i;
    self->used = 0;
    for (i = 0; i < f->n; i++)
        a[i] = strchr("xhv0awkKqou", f->arg[i].kind) ? argument(i, &f->arg[i], size) : value(&f->arg[i], size, 0);
    if (!strcmp(f->name, "JetGetInstanceInfoA") || !strcmp(f->name, "JetGetInstanceInfoW")) a[1] = 0; /* what it gives is not ours to lose */
    if (!strncmp(f->name, "JetSetSystemParameter", 21) && a[2] == JET_paramOSSnapshotTimeout) a[3] = FROZEN;
    if (!strncmp(f->name, "JetExternalRestore", 18)) { /* all logs of the set: those out of a range are deleted */
        a[5] = 0;
        if (f->name[18] != '2') a[6] = 0;
    }
    if (f->ends && below(3000)) a[0] ^= (Word)1 << 62;
    self->in = f;
    i = (int)(int32_t)f->call(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
    self->in = NULL;
    f->calls++;
    if (i >= 0) f->fine++;
    judge(f, i);
    if (i >= 0) for (i = 0; i < f->n; i++) if (f->arg[i].kind == 'h' && a[i]) {
        Word w = 0;
        memcpy(&w, (void *)(intptr_t)a[i], f->arg[i].of[0] == 'D' ? 4 : 8);
        pool[strchr(handle_kinds, f->arg[i].of[0]) - handle_kinds][below(POOL)] = w;
    }
    free_allocated();
}

static JET_ERR make_table(JET_SESID s, JET_DBID d, JET_TABLEID *t)
{
    JET_COLUMNDEF c = { sizeof c, 0, JET_coltypLong, 0, 0, 0, 0, 0, 0 };
    JET_COLUMNID id;
    JET_ERR e = JetCreateTableA(s, d, "t", 0, 80, t);
    if (e < 0) return e;
    JetAddColumnA(s, *t, "id", &c, NULL, 0, &id);
    c.coltyp = JET_coltypLongText;
    JetAddColumnA(s, *t, "text", &c, NULL, 0, &id);
    JetCreateIndexA(s, *t, "id", 0, "+id\0", 5, 80);
    return 0;
}

/* begin makes a session with a cursor on a record, as far as others let it. */
static void begin(void)
{
    JET_SESID s;
    JET_TABLEID t;
    JET_DBID d;
    int32_t i;
    JetSetSystemParameterA(NULL, JET_sesidNil, JET_paramOSSnapshotTimeout, FROZEN, NULL);
    if (JetBeginSessionA(inst, &s, NULL, NULL) < 0) return;
    self->s = s;
    JetAttachDatabaseA(s, db, 0);
    if (JetOpenDatabaseA(s, db, NULL, &d, 0) < 0) return;
    self->d = d;
    if (JetOpenTableA(s, d, "t", NULL, 0, 0, &t) < 0 && make_table(s, d, &t) < 0) return;
    self->t = t;
    for (i = 0; i < 10 && JetMove(s, t, JET_MoveFirst, 0) == JET_errNoCurrentRecord; i++) {
        if (JetPrepareUpdate(s, t, JET_prepInsert) < 0) break;
        JetSetColumn(s, t, 1, &i, sizeof i, 0, NULL);
        JetUpdate(s, t, NULL, 0, NULL);
    }
    if (below(2)) JetBeginTransaction(s);
}

/* change is what few random calls come to: a record inserted or replaced, in a transaction that is committed. */
static void change(void)
{
    static const char content[6000];
    int32_t id = (int32_t)below(1000);
    if (JetBeginTransaction(self->s) < 0) return;
    if (JetPrepareUpdate(self->s, self->t, below(2) ? JET_prepInsert : JET_prepReplace) >= 0) {
        JetSetColumn(self->s, self->t, 1, &id, sizeof id, 0, NULL);
        JetSetColumn(self->s, self->t, 256, content, (uint32_t)below(below(2) ? sizeof content : 20), 0, NULL);
        JetUpdate(self->s, self->t, NULL, 0, NULL);
    }
    JetCommitTransaction(self->s, below(2) ? JET_bitCommitLazyFlush : 0);
}

static void *work(void *arg)
{
    int n = 0;
    self = arg;
    while (!stop) {
        if (n++ % 100 == 0 || (n % 10 == 0 && JetMove(self->s, self->t, 0, 0) < 0)) {
            JetRollback(self->s, JET_bitRollbackAll);
            JetEndSession(self->s, 0);
            begin();
        }
        if (below(16) == 0) change();
        one_call(&function[below((uint64_t)functions)]);
    }
    if (below(2)) JetEndSession(self->s, 0);
    return NULL;
}

/* watch ends a program that stands still: the library says where everybody is. */
static void *watch(void *unused)
{
    int i;
    while (seconds() < deadline) usleep(100000);
    for (i = 0; i < THREADS; i++) fprintf(stderr, "thread %d is in %s\n", i, thread[i].in ? thread[i].in->name : "nothing");
    kill(getpid(), SIGQUIT);
    sleep(20);
    _exit(1);
    return unused;
}

static void restore_globals(void)
{
    int i;
    for (i = 0; i < globals; i++) JetSetSystemParameterA(NULL, JET_sesidNil, global[i].id, global[i].value, NULL);
}

static void open_instance(void)
{
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_ERR e;
    restore_globals();
    inst = create_instance("fuzz", dir);
    set_text(&inst, JET_paramAlternateDatabaseRecoveryPath, "");
    set_number(&inst, JET_paramCircularLog, 1);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    e = JetAttachDatabaseA(s, db, 0);
    if (e == JET_errFileNotFound) OK(JetCreateDatabaseA(s, db, NULL, &d, 0));
    else { OK(e); OK(JetOpenDatabaseA(s, db, NULL, &d, 0)); }
    e = JetOpenTableA(s, d, "t", NULL, 0, 0, &t);
    if (e == JET_errObjectNotFound) OK(make_table(s, d, &t));
    else {
        OK(e);
        for (e = JetMove(s, t, JET_MoveFirst, 0); e >= 0; e = JetMove(s, t, JET_MoveNext, 0)) {}
        if (e != JET_errNoCurrentRecord) FAIL("reading the table: %d", (int)e);
    }
    OK(JetEndSession(s, 0));
}

/* end_all ends the instance, after having tried it as a program does that ends well, and those that calls made. */
static void end_all(void)
{
    JET_INSTANCE_INFO_A *info = NULL;
    uint32_t n = 0, i;
    JET_ERR e = JetTerm2(inst, JET_bitTermComplete | (below(2) ? JET_bitTermStopBackup : 0));
    int tries;
    for (i = 0; i < ENDS && ended[i].rounds && ended[i].code != e; i++) {}
    if (i < ENDS) { ended[i].code = e; ended[i].rounds++; }
    for (tries = 0; tries < 50; tries++) {
        OK(JetGetInstanceInfoA(&n, &info));
        for (i = 0; i < n; i++) e = JetTerm2(info[i].hInstanceId, JET_bitTermDirty | JET_bitTermAbrupt | JET_bitTermStopBackup);
        if (info) OK(JetFreeBuffer((char *)info));
        info = NULL;
        if (!n) break;
        usleep(100000);
    }
    if (n) FAIL("%u instances are left, the last JetTerm2 gave %d", n, (int)e);
    for (i = 0; i < POOL; i++) JetTerm2(pool[0][i], JET_bitTermAbrupt); /* made, not initialised */
}

static int struct_named(const char *name)
{
    int i;
    for (i = 0; i < structures; i++) if (!strcmp(structure[i].name, name)) return i;
    FAIL("no structure %s", name);
}

static void read_field(Field *f, const char *kind)
{
    f->kind = kind[0];
    snprintf(f->of, sizeof f->of, "%s", kind + 1);
}

static void read_tables(void)
{
    static char line[8192];
    int i, k;
    while (fgets(line, sizeof line, stdin)) {
        char *what = strtok(line, " \n"), *name = strtok(NULL, " \n"), *word;
        if (*what == 'e') code[codes++] = atoi(name);
        if (*what == 'p') global[globals++].id = (uint32_t)atoi(name);
        if (*what == 'f') {
            Function *f = &function[functions++];
            snprintf(f->name, sizeof f->name, "%s", name);
            while ((word = strtok(NULL, " \n"))) read_field(&f->arg[f->n++], word);
            f->ends = !strncmp(name, "JetTerm", 7) || !strncmp(name, "JetStopService", 14);
            *(void **)&f->call = dlsym(RTLD_DEFAULT, name);
            if (!f->call) FAIL("%s", dlerror());
        }
        if (*what == 's') {
            Struct *s = &structure[structures++];
            snprintf(s->name, sizeof s->name, "%s", name);
            s->size = (uint32_t)atoi(strtok(NULL, " \n"));
            while ((word = strtok(NULL, " \n")) && s->n < FIELDS) {
                Field *f = &s->field[s->n++];
                f->offset = (uint32_t)strtoul(word, &word, 10);
                f->size = (uint32_t)strtoul(word + 1, &word, 10);
                read_field(f, word + 1);
            }
        }
    }
    for (i = 0; i < functions; i++) for (k = 0; k < function[i].n; k++)
        if (function[i].arg[k].kind == 'x') function[i].arg[k].at = struct_named(function[i].arg[k].of);
    for (i = 0; i < structures; i++) for (k = 0; k < structure[i].n; k++)
        if (structure[i].field[k].kind == 'x') structure[i].field[k].at = struct_named(structure[i].field[k].of);
    qsort(code, (size_t)codes, sizeof *code, compare);
    for (i = 0; i < globals; i++) JetGetSystemParameterA(0, JET_sesidNil, global[i].id, &global[i].value, NULL, 0);
}

static unsigned char *guarded(void)
{
    unsigned char *p = mmap(NULL, ROOM + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + ROOM, GUARD, PROT_NONE)) FAIL("mmap");
    return p;
}

int main(int argc, char **argv)
{
    double end, longest = 0;
    unsigned long calls = 0, fine = 0, never = 0;
    int rounds = 0, i, k;
    pthread_t watching;
    if (argc != 4) FAIL("usage");
    snprintf(dir, sizeof dir, "%s", argv[1]);
    snprintf(db, sizeof db, "%s/fuzz.edb", dir);
    report = fdopen(dup(1), "w");
    if (!report || !freopen("/dev/null", "w", stdout)) FAIL("standard output");
    deadline = seconds() + LONGEST;
    if (pthread_create(&watching, NULL, watch, NULL)) FAIL("pthread_create");
    read_tables();
    for (i = 0; i < THREADS; i++) {
        thread[i].random = strtoull(argv[3], NULL, 10) * THREADS + (uint64_t)i;
        thread[i].nested = malloc(NESTED);
        for (k = 0; k < ARGS; k++) thread[i].room[k] = guarded();
    }
    self = &thread[0];
    for (end = seconds() + atof(argv[2]); seconds() < end; rounds++) {
        pthread_t running[THREADS];
        double begun = seconds();
        deadline = begun + LONGEST;
        open_instance();
        stop = 0;
        for (i = 0; i < THREADS; i++) if (pthread_create(&running[i], NULL, work, &thread[i])) FAIL("pthread_create");
        usleep((useconds_t)(100000 + below(400000)));
        stop = 1;
        for (i = 0; i < THREADS; i++) pthread_join(running[i], NULL);
        end_all();
        if (seconds() - begun > longest) longest = seconds() - begun;
    }
    deadline = seconds() + LONGEST;
    open_instance();
    OK(JetTerm2(inst, JET_bitTermComplete));
    for (i = 0; i < functions; i++) {
        calls += function[i].calls;
        fine += function[i].fine;
        if (!function[i].fine) { never++; fprintf(report, "%s ", function[i].name); }
    }
    fprintf(report, "\nnever succeeded: %lu of %d functions\nJetTerm2:", never, functions);
    for (i = 0; i < ENDS && ended[i].rounds; i++) fprintf(report, " %d times %d,", ended[i].rounds, (int)ended[i].code);
    fprintf(report, "\nrounds %d, the longest %.1f s; calls %lu, succeeded %lu\n", rounds, longest, calls, fine);
    return fclose(report) ? 1 : 0;
}
