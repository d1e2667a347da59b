/* What bench_backup.c measures of this engine alone, on the set that the backup has made: verification, rehearsal, restore,
 * an incremental backup. */
#include <esent_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void die(const char *what, long code);
#define CK(call) do { JET_ERR e_ = (call); if (e_ < 0) die(#call, e_); } while (0)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double verify(const char *set, JET_GRBIT grbit, double bytes)
{
    ESENT_VERIFY v;
    double t = now();
    memset(&v, 0, sizeof v);
    v.cbStruct = sizeof v;
    v.grbit = grbit;
    v.szPath = set;
    v.szTemp = set[0] ? "." : NULL;
    CK(EsentBackupVerify(&v));
    return bytes / (now() - t) / 1e6;
}

static double restore(const char *set, const char *to, double bytes)
{
    JET_INSTANCE i;
    char path[4300];
    double t;
    snprintf(path, sizeof path, "rm -rf '%s' && mkdir '%s'", to, to);
    if (system(path) != 0) die(path, 0);
    snprintf(path, sizeof path, "%s/", to);
    CK(JetCreateInstanceA(&i, "restore"));
    CK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramSystemPath, 0, path));
    CK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramLogFilePath, 0, path));
    CK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramTempPath, 0, path));
    CK(JetSetSystemParameterA(&i, JET_sesidNil, JET_paramBaseName, 0, "edb"));
    t = now();
    CK(JetRestoreInstanceA(i, set, to, NULL));
    t = now() - t;
    CK(JetTerm(i));
    snprintf(path, sizeof path, "rm -rf '%s'", to);
    if (system(path) != 0) die(path, 0);
    return bytes / t / 1e6;
}

/* extra measures with the one instance that runs; bytes are those of the set in dest. */
void extra(const char *dest, const char *spare, double bytes, void (*report)(const char *what, double value, const char *unit))
{
    JET_INSTANCE_INFO_A *list;
    uint32_t n;
    double t;
    report("verify", verify(dest, 0, bytes), "MB/s");
    report("rehearse", verify(dest, ESENT_bitVerifyRehearse, bytes), "MB/s");
    report("restore", restore(dest, spare, bytes), "MB/s");
    CK(JetGetInstanceInfoA(&n, &list));
    t = now();
    CK(JetBackupInstanceA(list[0].hInstanceId, dest, JET_bitBackupIncremental, NULL));
    report("incremental", now() - t, "s");
    CK(JetFreeBuffer((char *)list));
}
