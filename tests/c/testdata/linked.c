/* Linked with the library, not loading it: the answers of what needs no instance. */
#include <esent.h>
#include <stdio.h>
#include <string.h>

#define EXPECT(call, wanted) \
    do { JET_ERR e_ = (call); if (e_ != (wanted)) { printf("%s: %d, not %d\n", #call, (int)e_, (int)(wanted)); return 1; } } while (0)

int main(void)
{
    static const struct { JET_ERR code; JET_ERRCAT most; uint8_t path[8]; } known[] = {
        {JET_errRecordNotFound, JET_errcatState, {1, 13, 15}},
        {JET_errOutOfMemory, JET_errcatMemory, {1, 2, 5, 6}},
        {JET_errDiskIO, JET_errcatIO, {1, 2, 4}},
        {JET_errInvalidParameter, JET_errcatUsage, {1, 13, 14}},
        {JET_errReadVerifyFailure, JET_errcatCorruption, {1, 9, 10}},
    };
    JET_ERR code;
    JET_ERRINFOBASIC_W info[2];
    unsigned i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        memset(info, 0xAA, sizeof info);
        code = known[i].code;
        EXPECT(JetGetErrorInfoW(&code, info, sizeof info[0], JET_ErrorInfoSpecificErr, 0), JET_errSuccess);
        if (info->cbStruct != sizeof *info || info->errValue != code || info->errcatMostSpecific != known[i].most ||
            memcmp(info->rgCategoricalHierarchy, known[i].path, 8) || info->lSourceLine || info->rgszSourceFile[0]) {
            printf("wrong answer for %d\n", (int)code);
            return 1;
        }
    }
    EXPECT(JetGetErrorInfoW(NULL, info, sizeof *info, JET_ErrorInfoSpecificErr, 0), JET_errInvalidParameter);
    EXPECT(JetGetErrorInfoW(&code, NULL, sizeof *info, JET_ErrorInfoSpecificErr, 0), JET_errInvalidParameter);
    EXPECT(JetGetErrorInfoW(&code, info, sizeof *info, 0, 0), JET_errInvalidParameter);
    EXPECT(JetGetErrorInfoW(&code, info, sizeof *info, JET_ErrorInfoSpecificErr, 1), JET_errInvalidParameter);
    EXPECT(JetGetErrorInfoW(&code, info, sizeof *info - 1, JET_ErrorInfoSpecificErr, 0), JET_errInvalidBufferSize);
    code = -9999;
    EXPECT(JetGetErrorInfoW(&code, info, sizeof *info, JET_ErrorInfoSpecificErr, 0), JET_errInvalidParameter);
    EXPECT(JetFreeBuffer(NULL), JET_errSuccess);
    EXPECT(JetFreeBuffer((char *)info), JET_errInvalidParameter); /* not ours: refused, not freed */
    EXPECT(JetConfigureProcessForCrashDump(0), JET_errSuccess);
    EXPECT(JetGetCounter(0, 0, NULL), JET_errFeatureNotAvailable);
    return 0;
}
