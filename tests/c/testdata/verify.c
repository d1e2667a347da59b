/* verify DIR: EsentBackupVerify of sets that a running instance has made, while it runs and after, sound and damaged,
 * with a callback that watches and one that ends it. */
#include <esent_ext.h>
#include "engine.h"

enum { ROWS = 4000, CANCEL = -12345 };

static char set[1200], report[1200], temp[1200];

struct watched { unsigned calls, phases, cancel_at; uint64_t done; int faults; };

static JET_ERR JET_API watch(const ESENT_PROGRESS *p, void *context)
{
    struct watched *w = context;
    w->calls++;
    w->phases |= 1u << p->phase;
    if (p->cbStruct != sizeof *p || p->cbDone > p->cbTotal || p->cpgDone > p->cpgTotal || p->cbDone < w->done) w->faults++;
    w->done = p->cbDone;
    return w->cancel_at && w->calls >= w->cancel_at ? CANCEL : JET_errSuccess;
}

static ESENT_VERIFY of(JET_GRBIT grbit, struct watched *w)
{
    ESENT_VERIFY v;
    memset(&v, 0, sizeof v);
    v.cbStruct = sizeof v;
    v.grbit = grbit;
    v.szPath = set;
    v.szReport = report;
    v.szTemp = temp;
    if (w != NULL) {
        memset(w, 0, sizeof *w);
        v.pfnProgress = watch;
        v.pvProgress = w;
    }
    return v;
}

/* has says whether the report holds a text. */
static int has(const char *text)
{
    static char all[1 << 20];
    FILE *f = fopen(report, "rb");
    size_t n;
    if (f == NULL) return 0;
    n = fread(all, 1, sizeof all - 1, f);
    all[n] = 0;
    fclose(f);
    return strstr(all, text) != NULL;
}

static void sound(void)
{
    struct watched w;
    ESENT_VERIFY v = of(0, &w);
    OK(mkdir(temp, 0777) == 0 ? 0 : -1);
    WANT(JET_errSuccess, EsentBackupVerify(&v));
    if (!has("\"ok\": true") || w.faults || w.calls < 50 || w.phases != 1u << ESENT_phaseVerify) FAIL("%u calls, phases %x", w.calls, w.phases);
    v = of(ESENT_bitVerifyRehearse, &w);
    WANT(JET_errSuccess, EsentBackupVerify(&v));
    if (!has("\"replayed\": true") || w.faults || w.calls < 50 ||
        w.phases != (1u << ESENT_phaseVerify | 1u << ESENT_phaseReplay | 1u << ESENT_phaseCheck)) FAIL("%u calls, phases %x", w.calls, w.phases);
    v = of(ESENT_bitVerifyRehearse, NULL);
    v.szReport = v.szTemp = NULL;
    WANT(JET_errSuccess, EsentBackupVerify(&v));
    unlink(report);
    v = of(ESENT_bitVerifyRehearse, &w);
    w.cancel_at = 20;
    WANT(CANCEL, EsentBackupVerify(&v));
    if (w.calls != 20 || access(report, F_OK) == 0) FAIL("%u calls, a report after all", w.calls);
    OK(rmdir(temp) == 0 ? 0 : -1); /* nothing was left in it */
}

static void wrong_calls(void)
{
    ESENT_VERIFY v = of(0, NULL);
    WANT(JET_errInvalidParameter, EsentBackupVerify(NULL));
    v.cbStruct--;
    WANT(JET_errInvalidParameter, EsentBackupVerify(&v));
    v = of(0x80000000u, NULL);
    WANT(JET_errInvalidGrbit, EsentBackupVerify(&v));
    v = of(0, NULL);
    v.szPath = NULL;
    WANT(JET_errInvalidParameter, EsentBackupVerify(&v));
    v.szPath = temp; /* there is none */
    WANT(JET_errFileNotFound, EsentBackupVerify(&v));
    v = of(0, NULL);
    v.szReport = "/nowhere/at all.json";
    WANT(JET_errInvalidPath, EsentBackupVerify(&v));
}

static void damaged(void)
{
    ESENT_VERIFY v = of(ESENT_bitVerifyRehearse, NULL);
    char path[1300], pat[1300];
    unsigned char page[4096];
    FILE *f;
    snprintf(path, sizeof path, "%s/v.edb", set);
    f = fopen(path, "r+b");
    if (f == NULL || fseek(f, 4096 * 41, SEEK_SET) || fread(page, sizeof page, 1, f) != 1) FAIL("%s", path);
    page[1000] ^= 0xFF;
    if (fseek(f, 4096 * 41, SEEK_SET) || fwrite(page, sizeof page, 1, f) != 1 || fclose(f)) FAIL("%s", path);
    WANT(JET_errReadVerifyFailure, EsentBackupVerify(&v));
    if (!has("\"ok\": false") || !has("\"page\": 40") || !has("JET_errReadVerifyFailure")) FAIL("the report");
    page[1000] ^= 0xFF;
    f = fopen(path, "r+b");
    if (f == NULL || fseek(f, 4096 * 41, SEEK_SET) || fwrite(page, sizeof page, 1, f) != 1 || fclose(f)) FAIL("%s", path);
    snprintf(pat, sizeof pat, "%s/v.pat", set);
    if (unlink(pat)) FAIL("%s", pat);
    WANT(JET_errPatchFileMissing, EsentBackupVerify(&v));
    v = of(ESENT_bitVerifyRehearse | ESENT_bitVerifyStreamed, NULL);
    WANT(JET_errSuccess, EsentBackupVerify(&v));
    if (!has("\"ok\": true")) FAIL("the report");
}

int main(int argc, char **argv)
{
    JET_INSTANCE inst;
    JET_SESID s;
    JET_DBID d;
    JET_TABLEID t;
    JET_COLUMNID key, note;
    char path[1200];
    int32_t k;
    if (argc != 2) return 2;
    snprintf(set, sizeof set, "%s/set", argv[1]);
    snprintf(report, sizeof report, "%s/report.json", argv[1]);
    snprintf(temp, sizeof temp, "%s/temp", argv[1]);
    snprintf(path, sizeof path, "%s/v.edb", argv[1]);
    if (mkdir(set, 0777)) FAIL("%s", set);
    inst = create_instance("verify", argv[1]);
    OK(JetInit(&inst));
    OK(JetBeginSessionA(inst, &s, NULL, NULL));
    OK(JetCreateDatabaseA(s, path, NULL, &d, 0));
    OK(JetCreateTableA(s, d, "t", 0, 80, &t));
    key = add_column(s, t, "key", JET_coltypLong, 0, 0);
    note = add_column(s, t, "note", JET_coltypLongText, 0, 1252);
    OK(JetCreateIndexA(s, t, "key", JET_bitIndexPrimary | JET_bitIndexUnique, "+key\0", 6, 80));
    OK(JetBeginTransaction(s));
    for (k = 0; k < ROWS; k++) {
        char text[900];
        int n = snprintf(text, sizeof text, "row %d %*s", (int)k, (int)(k % 800), "x");
        OK(JetPrepareUpdate(s, t, JET_prepInsert));
        OK(JetSetColumn(s, t, key, &k, sizeof k, 0, NULL));
        OK(JetSetColumn(s, t, note, text, (uint32_t)n, 0, NULL));
        OK(JetUpdate(s, t, NULL, 0, NULL));
    }
    OK(JetCommitTransaction(s, 0));
    OK(JetBackupInstanceA(inst, set, 0, NULL));
    wrong_calls();
    sound();
    OK(JetTerm(inst));
    sound();
    damaged();
    return 0;
}
