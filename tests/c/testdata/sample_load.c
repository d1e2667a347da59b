/* sample_load DIR: a program that is not linked with the engine but loads it, as others do with LoadLibrary and
 * GetProcAddress. Every name on standard input must be there; those that are used have their types from the header. */
#include <dlfcn.h>
#include <esent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(use) \
    use(JetCreateInstanceA) use(JetSetSystemParameterA) use(JetInit) use(JetTerm2) use(JetBeginSessionA) use(JetEndSession) \
    use(JetCreateDatabaseA) use(JetCreateTableA) use(JetAddColumnA) use(JetBeginTransaction) use(JetCommitTransaction) \
    use(JetPrepareUpdate) use(JetSetColumn) use(JetUpdate) use(JetMove) use(JetRetrieveColumn) use(JetCloseTable)
#define POINTER(name) static __typeof__(name) *p##name;
FUNCTIONS(POINTER)

static void *library;

static void *Load(const char *name)
{
    void *p = dlsym(library, name);
    if (!p) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return p;
}
#define LOAD(name) *(void **)&p##name = Load(#name);

static void Check(JET_ERR err, int line)
{
    if (err < JET_errSuccess) {
        fprintf(stderr, "line %d: %d\n", line, (int)err);
        exit(1);
    }
}
#define Call(call) Check(p##call, __LINE__)

int main(int argc, char **argv)
{
    char path[1024], name[256];
    JET_INSTANCE instance;
    JET_SESID sesid;
    JET_DBID dbid;
    JET_TABLEID tableid;
    JET_COLUMNID columnid;
    JET_COLUMNDEF columndef;
    int value = 42, n = 0;
    if (argc != 2)
        return 2;
    library = dlopen("libesent.so.0", RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    while (scanf("%255s", name) == 1) {
        Load(name);
        n++;
    }
    FUNCTIONS(LOAD)

    Call(JetCreateInstanceA(&instance, "load"));
    snprintf(path, sizeof(path), "%s/", argv[1]);
    Call(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramSystemPath, 0, path));
    Call(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramLogFilePath, 0, path));
    Call(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramTempPath, 0, path));
    Call(JetInit(&instance));
    Call(JetBeginSessionA(instance, &sesid, NULL, NULL));
    snprintf(path, sizeof(path), "%s/load.edb", argv[1]);
    Call(JetCreateDatabaseA(sesid, path, NULL, &dbid, 0));
    Call(JetCreateTableA(sesid, dbid, "table", 0, 100, &tableid));
    memset(&columndef, 0, sizeof(columndef));
    columndef.cbStruct = sizeof(columndef);
    columndef.coltyp = JET_coltypLong;
    Call(JetAddColumnA(sesid, tableid, "value", &columndef, NULL, 0, &columnid));
    Call(JetBeginTransaction(sesid));
    Call(JetPrepareUpdate(sesid, tableid, JET_prepInsert));
    Call(JetSetColumn(sesid, tableid, columnid, &value, sizeof(value), 0, NULL));
    Call(JetUpdate(sesid, tableid, NULL, 0, NULL));
    Call(JetCommitTransaction(sesid, 0));
    value = 0;
    Call(JetMove(sesid, tableid, JET_MoveFirst, 0));
    Call(JetRetrieveColumn(sesid, tableid, columnid, &value, sizeof(value), NULL, 0, NULL));
    Call(JetCloseTable(sesid, tableid));
    Call(JetEndSession(sesid, 0));
    Call(JetTerm2(instance, JET_bitTermComplete));
    printf("%d functions, value %d\n", n, value);
    return 0;
}
