// sample_raii DIR: esent in C++11: every handle has an owner that gives it back, every error is an exception, a
// transaction that is not committed is rolled back.
#include <esent.h>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

class EsentError : public std::runtime_error {
public:
    explicit EsentError(JET_ERR err) : std::runtime_error("esent error " + std::to_string(err)), err_(err) {}
    JET_ERR Code() const { return err_; }
private:
    JET_ERR err_;
};

static JET_ERR Check(JET_ERR err)
{
    if (err < JET_errSuccess)
        throw EsentError(err);
    return err;
}

class Instance {
public:
    Instance(const char *name, const std::string &dir)
    {
        Check(JetCreateInstance(&instance_, name));
        try {
            for (unsigned long id : {JET_paramSystemPath, JET_paramLogFilePath, JET_paramTempPath})
                Check(JetSetSystemParameter(&instance_, JET_sesidNil, id, 0, (dir + "/").c_str()));
            Check(JetInit(&instance_));
        } catch (...) {
            JetTerm(instance_);
            throw;
        }
    }
    Instance(const Instance &) = delete;
    Instance &operator=(const Instance &) = delete;
    ~Instance() { JetTerm2(instance_, JET_bitTermComplete); }
    operator JET_INSTANCE() const { return instance_; }
private:
    JET_INSTANCE instance_ = JET_instanceNil;
};

class Session {
public:
    explicit Session(const Instance &instance) { Check(JetBeginSession(instance, &sesid_, nullptr, nullptr)); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;
    ~Session() { JetEndSession(sesid_, 0); }
    operator JET_SESID() const { return sesid_; }
private:
    JET_SESID sesid_ = JET_sesidNil;
};

class Transaction {
public:
    explicit Transaction(const Session &session) : sesid_(session) { Check(JetBeginTransaction(sesid_)); }
    Transaction(const Transaction &) = delete;
    Transaction &operator=(const Transaction &) = delete;
    ~Transaction()
    {
        if (open_)
            JetRollback(sesid_, 0);
    }
    void Commit()
    {
        Check(JetCommitTransaction(sesid_, 0));
        open_ = false;
    }
private:
    JET_SESID sesid_;
    bool open_ = true;
};

class Table {
public:
    Table(const Session &session, JET_TABLEID tableid) : sesid_(session), tableid_(tableid) {}
    Table(Table &&other) : sesid_(other.sesid_), tableid_(other.tableid_) { other.tableid_ = JET_tableidNil; }
    Table(const Table &) = delete;
    Table &operator=(const Table &) = delete;
    ~Table()
    {
        if (tableid_ != JET_tableidNil)
            JetCloseTable(sesid_, tableid_);
    }
    void Insert(JET_COLUMNID key, int k, JET_COLUMNID text, const std::string &value)
    {
        Check(JetPrepareUpdate(sesid_, tableid_, JET_prepInsert));
        try {
            Check(JetSetColumn(sesid_, tableid_, key, &k, sizeof(k), 0, nullptr));
            Check(JetSetColumn(sesid_, tableid_, text, value.data(), static_cast<unsigned>(value.size()), 0, nullptr));
            Check(JetUpdate(sesid_, tableid_, nullptr, 0, nullptr));
        } catch (...) {
            JetPrepareUpdate(sesid_, tableid_, JET_prepCancel);
            throw;
        }
    }
    std::string Text(JET_COLUMNID column) const
    {
        std::vector<char> buffer(8);
        uint32_t actual = 0;
        JET_ERR err = Check(JetRetrieveColumn(sesid_, tableid_, column, buffer.data(), static_cast<unsigned>(buffer.size()), &actual, 0, nullptr));
        if (err == JET_wrnBufferTruncated) {
            buffer.resize(actual);
            Check(JetRetrieveColumn(sesid_, tableid_, column, buffer.data(), actual, &actual, 0, nullptr));
        }
        return std::string(buffer.data(), actual);
    }
    bool Move(int32_t rows)
    {
        JET_ERR err = JetMove(sesid_, tableid_, rows, 0);
        return err != JET_errNoCurrentRecord && Check(err) >= 0;
    }
private:
    JET_SESID sesid_;
    JET_TABLEID tableid_;
};

static int Run(const std::string &dir)
{
    Instance instance("raii", dir);
    Session session(instance);
    JET_DBID dbid;
    Check(JetCreateDatabaseW(session, std::u16string(dir.begin(), dir.end()).append(u"/raii.edb").c_str(), nullptr, &dbid, 0));

    JET_COLUMNCREATE columns[2] = {};
    char key[] = "key", text[] = "text", name[] = "table", index[] = "primary", keys[] = "+key\0";
    columns[0].cbStruct = columns[1].cbStruct = sizeof(JET_COLUMNCREATE);
    columns[0].szColumnName = key;
    columns[0].coltyp = JET_coltypLong;
    columns[1].szColumnName = text;
    columns[1].coltyp = JET_coltypLongText;
    columns[1].cp = 1252;
    JET_INDEXCREATE indexes[1] = {};
    indexes[0].cbStruct = sizeof(JET_INDEXCREATE);
    indexes[0].szIndexName = index;
    indexes[0].szKey = keys;
    indexes[0].cbKey = sizeof(keys);
    indexes[0].grbit = JET_bitIndexPrimary | JET_bitIndexUnique;
    JET_TABLECREATE create = {};
    create.cbStruct = sizeof(create);
    create.szTableName = name;
    create.rgcolumncreate = columns;
    create.cColumns = 2;
    create.rgindexcreate = indexes;
    create.cIndexes = 1;
    Check(JetCreateTableColumnIndex(session, dbid, &create));
    Table table(session, create.tableid);

    {
        Transaction transaction(session);
        table.Insert(columns[0].columnid, 2, columns[1].columnid, "two, with more than a few letters");
        table.Insert(columns[0].columnid, 1, columns[1].columnid, "one");
        transaction.Commit();
    }
    try {
        Transaction transaction(session);
        table.Insert(columns[0].columnid, 3, columns[1].columnid, "three");
        table.Insert(columns[0].columnid, 1, columns[1].columnid, "one again");
        transaction.Commit();
    } catch (const EsentError &e) {
        std::printf("duplicate: %s\n", e.Code() == JET_errKeyDuplicate ? "yes" : e.what());
    }
    for (bool there = table.Move(JET_MoveFirst); there; there = table.Move(JET_MoveNext))
        std::printf("%s\n", table.Text(columns[1].columnid).c_str());
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    try {
        return Run(argv[1]);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
