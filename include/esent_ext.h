/*
 * esent_ext.h: what this library has beside the JET API of esent.h. All names begin with Esent or ESENT_.
 *
 * Texts are UTF-8 and end with a NUL. A structure begins with cbStruct, the size that the program was compiled
 * with: later versions add members at the end, and a library that does not know of a member takes it for zero.
 * Functions return JET_errSuccess, a warning above 0, or an error below 0, all of esent.h.
 */
#ifndef ESENT_EXT_H
#define ESENT_EXT_H

#include "esent.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is being done, ESENT_PROGRESS.phase. */
#define ESENT_phaseNone 0u      /* nothing */
#define ESENT_phaseDatabases 1u /* databases are copied */
#define ESENT_phaseLogs 2u      /* logs are copied */
#define ESENT_phaseFinish 3u    /* the copies are made durable and take their places, logs are deleted */
#define ESENT_phaseVerify 4u    /* pages and logs are checked */
#define ESENT_phaseReplay 5u    /* logs are replayed */
#define ESENT_phaseCheck 6u     /* trees, space and catalogue are checked */

/* How far a backup, a verification or a restore is, over all its files. What is done never falls and is never more
 * than the total; the total may rise while a backup runs, as the log grows. */
typedef struct tagESENT_PROGRESS {
    uint32_t cbStruct;
    uint32_t phase;     /* ESENT_phase... */
    uint64_t cbDone;    /* bytes */
    uint64_t cbTotal;
    uint64_t cpgDone;   /* database pages */
    uint64_t cpgTotal;
    const char *szFile; /* the file that is read, NULL between files; valid until the callback returns */
} ESENT_PROGRESS;

/* Called for each hundredth of the work, and at least every 100 ms, by the thread that made the call. A result below 0
 * ends the work: the call takes everything back and returns that result. */
typedef JET_ERR (JET_API *ESENT_PFNPROGRESS)(const ESENT_PROGRESS *pprogress, void *pvContext);

/* Takes the next cb bytes of a stream, called by the thread that called EsentBackup. A result below 0 ends the backup
 * with that result. */
typedef JET_ERR (JET_API *ESENT_PFNWRITE)(const void *pv, uint32_t cb, void *pvContext);

/* Gives the next bytes of a stream, up to cb of them; 0 bytes are its end. */
typedef JET_ERR (JET_API *ESENT_PFNREAD)(void *pv, uint32_t cb, uint32_t *pcbActual, void *pvContext);

/* ---- Backup ---- */

/* Beside JET_bitBackupIncremental and JET_bitBackupAtomic: copy only the pages that were changed since the last full or
 * block backup in the directory, with the logs that make them consistent. */
#define ESENT_bitBackupBlocks 0x00010000u

typedef struct tagESENT_BACKUP {
    uint32_t cbStruct;
    JET_GRBIT grbit;
    const char *szPath;        /* directory of the set; NULL when pfnWrite is set */
    ESENT_PFNWRITE pfnWrite;   /* takes the set as one stream, in place of a directory */
    void *pvWrite;
    int32_t compression;       /* of a stream: zstd level 1 to 22, 0 for the usual one, -1 for none */
    uint32_t reserved;         /* 0 */
    uint64_t cbPerSecond;      /* how fast it may read, bytes per second; 0 for no limit */
    ESENT_PFNPROGRESS pfnProgress;
    void *pvProgress;
} ESENT_BACKUP;

/* Makes a backup of a running instance, as JetBackupInstance does, and more: see ESENT_BACKUP. A set that lies in a
 * directory is one of JetBackupInstance, unless ESENT_bitBackupBlocks is used. Errors: those of JetBackupInstance, and
 * JET_errInvalidParameter for a directory and a stream, or none of them; a stream takes no flags (JET_errInvalidGrbit). */
JET_ERR JET_API EsentBackup(JET_INSTANCE instance, const ESENT_BACKUP *pbackup);

/* Tells how far the backup of an instance is, whichever call makes it; from any thread, also from within a callback.
 * Without a backup the phase is ESENT_phaseNone. szFile is NULL. */
JET_ERR JET_API EsentBackupProgress(JET_INSTANCE instance, ESENT_PROGRESS *pprogress);

/* ---- Verification ---- */

/* Replay the logs of the set over its databases and check what comes out, all in memory and temporary files. */
#define ESENT_bitVerifyRehearse 0x00000001u
/* The set was delivered by a streaming backup: it need not have a .pat file for each database. */
#define ESENT_bitVerifyStreamed 0x00000002u

typedef struct tagESENT_VERIFY {
    uint32_t cbStruct;
    JET_GRBIT grbit;
    const char *szPath;        /* directory of the set, or the one that new and old are in */
    const char *szReport;      /* file that the result is written to as JSON, replaced at the end; NULL for none */
    const char *szTemp;        /* directory for the temporary file of a rehearsal, NULL for the system's */
    ESENT_PFNPROGRESS pfnProgress;
    void *pvProgress;
} ESENT_VERIFY;

/* Verifies a backup set without restoring it and without an instance: checksums of all pages and logs, the chain of the
 * logs, header and trailer of each copy and the logs they need; with ESENT_bitVerifyRehearse also that the logs replay,
 * and the structure of the databases that come out. Nothing is written to the set. The first thing found wrong of which
 * a restore would fail gives the result, else the first thing found wrong; all are in the report. A set that could not
 * be verified to its end, because the callback has ended it or for lack of resources, leaves no report.
 * Errors: docs/backup-rules.md, "Check your backups". */
JET_ERR JET_API EsentBackupVerify(const ESENT_VERIFY *pverify);

/* ---- Restore ---- */

#define ESENT_bitRestoreDryRun 0x00000001u    /* check everything, tell what would be done, do nothing */
#define ESENT_bitRestoreOverwrite 0x00000002u /* databases that are in the way are replaced */

typedef struct tagESENT_RESTORE {
    uint32_t cbStruct;
    JET_GRBIT grbit;
    const char *szPath;        /* directory of the set; NULL when pfnRead is set */
    ESENT_PFNREAD pfnRead;     /* gives the set as the stream that EsentBackup has written */
    void *pvRead;
    const char *szDest;        /* directory for the databases, NULL for the places where they were */
    JET_LGPOS lgposStop;       /* the last record that is replayed, zero for all; ib and isec 0: its whole generation */
    int64_t msStop;            /* replay what was written up to this time, in milliseconds since 1970 (UTC); 0 for all */
    const char *szReport;      /* file that gets what was or would be done, as JSON; NULL for none */
    ESENT_PFNPROGRESS pfnProgress;
    void *pvProgress;
} ESENT_RESTORE;

/* Restores a set with an instance that is not initialised, as JetRestoreInstance does, and more: see ESENT_RESTORE.
 * Databases are built beside their places and take them at the end by a rename. One that is there already gives
 * JET_errFileAlreadyExists, unless ESENT_bitRestoreOverwrite is set. An error, also of the callbacks, leaves all as it was.
 *
 * With a stop, transactions that had not committed there are undone. If records are left out, the databases begin a life
 * of their own: the instance's log directory stays without logs, and JetInit begins a new log stream there. So logs in it
 * give JET_errFileAlreadyExists; the later logs that are to be replayed lie in the set, brought there by incremental
 * backups or copied under the names of archived logs. A stop before the end of the (full) backup gives
 * JET_errEndingRestoreLogTooLow.
 *
 * A dry run of a stream gives JET_errInvalidParameter. It would have to be unpacked; for a restore it is, into
 * set.esent-restore in szDest, or in the log directory. */
JET_ERR JET_API EsentRestore(JET_INSTANCE instance, const ESENT_RESTORE *prestore);

/* EsentRestore to a moment, in milliseconds since 1970 (UTC). */
JET_ERR JET_API EsentRestoreToTime(JET_INSTANCE instance, const char *szPath, const char *szDest, int64_t msTime,
    ESENT_PFNPROGRESS pfnProgress, void *pvProgress);

/* EsentRestore to a position in the log. */
JET_ERR JET_API EsentRestoreToPosition(JET_INSTANCE instance, const char *szPath, const char *szDest, const JET_LGPOS *plgpos,
    ESENT_PFNPROGRESS pfnProgress, void *pvProgress);

/* Commits that the log tells of. The log has the time of its segments of 4096 bytes, not of each commit. */
typedef struct tagESENT_COMMITS {
    uint32_t cbStruct;
    int32_t lGeneration;
    JET_LGPOS lgposFirst;      /* the first commit of an outermost transaction */
    JET_LGPOS lgposLast;       /* the last one */
    int64_t msFirst;           /* when the segment of the first one was begun: milliseconds since 1970 (UTC) */
    int64_t msLast;
    uint64_t cCommits;
} ESENT_COMMITS;

typedef JET_ERR (JET_API *ESENT_PFNCOMMITS)(const ESENT_COMMITS *pcommits, void *pvContext);

/* Lists the commits in the logs of a directory, one call for each generation that has some, by rising generation;
 * with fSegments for each segment. A result below 0 ends the list. */
JET_ERR JET_API EsentListCommits(const char *szLogPath, uint32_t fSegments, ESENT_PFNCOMMITS pfn, void *pvContext);

#ifdef __cplusplus
}
#endif
#endif
