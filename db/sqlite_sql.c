/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite made bearable: connections with the pragmas of the house, statements kept
 * prepared, binding and reading in order, result codes as statuses with advice.
 * It knows no table.
 */
#include "sqlite.h"

#include "text.h"

#include <assert.h>

/* ---- errors ---- */

static enum status error_of_file(struct sql_connection *on, int rc, struct err *err)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR(err, STATUS_IO,
                   "the disk that holds %s is full: free some space; nothing else needs to be done",
                   on->path);
    case SQLITE_READONLY:
        return ERR(err, STATUS_IO,
                   "%s cannot be written: see that the file, its directory and the file system are writable "
                   "for this user",
                   on->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR(err, on->is_opening ? STATUS_INTEGRITY : STATUS_IO,
                   "%s is damaged or no database (%s): restore it from a backup", on->path,
                   sqlite3_errstr(rc));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR(
            err, STATUS_IO,
            "%s cannot be opened: see that it is a file, and that it and its directory can be read and "
            "written by this user",
            on->path);
    default:
        return ERR(
            err, STATUS_IO,
            "disk error at %s (%s): look for it in the kernel's log; if the disk is in order, try again",
            on->path, sqlite3_errstr(rc));
    }
}

enum status sql_error(struct sql_connection *on, int rc, struct err *err)
{
    const char *message = on->db != NULL ? sqlite3_errmsg(on->db) : sqlite3_errstr(rc);
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_ROWID)
        return ERR(err, STATUS_CONFLICT, "it is already in the store (%s)", message);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR(err, STATUS_NOMEM, "out of memory");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR(err, STATUS_BUSY,
                   "another process has held the database %s for longer than 10 s: try again, or end that "
                   "process",
                   on->path);
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_IOERR:
        return error_of_file(on, rc, err);
    default:
        return ERR(err, STATUS_INTERNAL, "SQLite refuses (%d): %s", rc, message);
    }
}

/* ---- connections ---- */

static enum status connection_new(const char *path, struct sql_connection **out, struct err *err)
{
    struct sql_connection *on = calloc(1, sizeof *on);
    if (on == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    on->path = path;
    *out = on;
    return STATUS_OK;
}

/* A change touches about twenty pages. SQLite keeps what a savepoint needs to go back in memory up to this
 * size only, by default 64 KiB, and then makes, fills and removes a file in each group of commits. */
#define SAVEPOINT_IN_MEMORY_MAX (1 << 20)

static void configure_library(void)
{
    /* refused if the program has used SQLite already: then the default stays, which is slower */
    (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, SAVEPOINT_IN_MEMORY_MAX);
}

enum status sql_open(const char *path, bool reader, struct sql_connection **out, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure_library);
    AUTO(sql_connection) struct sql_connection *on = NULL;
    TRY(connection_new(path, &on, err));
    on->is_opening = !reader;
    int rc = sqlite3_open_v2(path, &on->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return sql_error(on, rc, err);
    sqlite3_busy_timeout(on->db, 10000);
    TRY(sql_exec(on,
                 "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; PRAGMA mmap_size=0; "
                 "PRAGMA trusted_schema=OFF",
                 err));
    TRY(sql_exec(on, reader ? "PRAGMA cache_size=-2048; PRAGMA query_only=ON" : "PRAGMA cache_size=-8192",
                 err));
    *out = MOVE(on);
    return STATUS_OK;
}

void sql_close(struct sql_connection *on)
{
    if (on == NULL)
        return;
    for (size_t i = 0; i < on->cached; i++)
        sqlite3_finalize(on->cache[i].stmt);
    sqlite3_close(on->db);
    free(on);
}

enum status sql_exec(struct sql_connection *on, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(on->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : sql_error(on, rc, err);
}

int64_t sql_changes(struct sql_connection *on)
{
    return sqlite3_changes64(on->db);
}

/* ---- statements ---- */

enum status query_begin(struct sql_connection *on, const char *sql, struct query *out, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    for (size_t i = 0; i < on->cached && stmt == NULL; i++)
        if (on->cache[i].sql == sql)
            stmt = on->cache[i].stmt;
    if (stmt == NULL) {
        assert(on->cached < SQL_CACHE_MAX);
        int rc = sqlite3_prepare_v3(on->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        if (rc != SQLITE_OK)
            return sql_error(on, rc, err);
        on->cache[on->cached].sql = sql;
        on->cache[on->cached++].stmt = stmt;
    }
    assert(!sqlite3_stmt_busy(stmt));
    *out = (struct query){.on = on, .stmt = stmt, .is_cached = true};
    return STATUS_OK;
}

enum status query_begin_once(struct sql_connection *on, const struct buf *sql, struct query *out,
                             struct err *err)
{
    TRY(buf_status(sql, "the query", err));
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v3(on->db, (const char *)sql->data, (int)sql->len, 0, &stmt, NULL);
    if (rc != SQLITE_OK)
        return sql_error(on, rc, err);
    *out = (struct query){.on = on, .stmt = stmt};
    return STATUS_OK;
}

static void bound(struct query *query, int rc)
{
    if (query->rc == SQLITE_OK)
        query->rc = rc;
}

void bind_int(struct query *query, int64_t value)
{
    bound(query, sqlite3_bind_int64(query->stmt, ++query->parameter, value));
}

void bind_text(struct query *query, const char *text)
{
    bound(query, sqlite3_bind_text(query->stmt, ++query->parameter, text, -1, SQLITE_STATIC));
}

void bind_blob(struct query *query, struct span octets)
{
    /* a NULL pointer would bind NULL */
    const void *data = octets.len > 0 ? (const void *)octets.data : "";
    bound(query, sqlite3_bind_blob64(query->stmt, ++query->parameter, data, octets.len, SQLITE_STATIC));
}

void bind_blob_or_null(struct query *query, struct span octets)
{
    if (octets.len > 0)
        bind_blob(query, octets);
    else
        bind_text(query, NULL);
}

void bind_digest(struct query *query, const uint8_t digest[SHA256_LEN])
{
    static const uint8_t zeros[SHA256_LEN];
    bool none = memcmp(digest, zeros, SHA256_LEN) == 0;
    bind_blob_or_null(query, none ? SPAN_NONE : SPAN(digest, SHA256_LEN));
}

enum status query_row(struct query *query, bool *found, struct err *err)
{
    if (query->rc != SQLITE_OK)
        return sql_error(query->on, query->rc, err);
    query->column = 0;
    int rc = sqlite3_step(query->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sql_error(query->on, rc, err);
    *found = rc == SQLITE_ROW;
    return STATUS_OK;
}

enum status query_run(struct query *query, struct err *err)
{
    bool found = false;
    return query_row(query, &found, err);
}

enum status query_number(struct query *query, int64_t *out, struct err *err)
{
    bool found = false;
    TRY(query_row(query, &found, err));
    *out = found ? read_int(query) : 0;
    return STATUS_OK;
}

void query_end(struct query *query)
{
    if (query->stmt == NULL)
        return;
    if (query->is_cached) {
        sqlite3_reset(query->stmt);
        sqlite3_clear_bindings(query->stmt);
    } else {
        sqlite3_finalize(query->stmt);
    }
    *query = (struct query){0};
}

/* ---- columns ---- */

int64_t read_int(struct query *query)
{
    return sqlite3_column_int64(query->stmt, query->column++);
}

static void read_failed(struct query *query, enum status status)
{
    if (status == STATUS_NOMEM)
        bound(query, SQLITE_NOMEM);
    else
        query->damaged = true;
}

/* The octets of a column as SQLite holds them, until the next step. */
static struct span column_octets(struct query *query)
{
    int column = query->column++;
    if (sqlite3_column_type(query->stmt, column) == SQLITE_NULL)
        return SPAN_NONE;
    const void *data = sqlite3_column_blob(query->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(query->stmt, column);
    if (data == NULL && len > 0)
        read_failed(query, STATUS_NOMEM);
    return data != NULL ? SPAN(data, len) : SPAN_NONE;
}

static const char *column_text(struct query *query)
{
    int column = query->column++;
    if (sqlite3_column_type(query->stmt, column) == SQLITE_NULL)
        return NULL;
    const unsigned char *text = sqlite3_column_text(query->stmt, column);
    if (text == NULL)
        read_failed(query, STATUS_NOMEM);
    return (const char *)text;
}

char *read_text(struct query *query)
{
    char *copy = NULL;
    if (text_copy(column_text(query), &copy, NULL) != STATUS_OK)
        read_failed(query, STATUS_NOMEM);
    return copy;
}

struct buf read_blob(struct query *query)
{
    struct span octets = column_octets(query);
    struct buf copy = BUF(octets.len);
    if (octets.len > 0)
        buf_add(&copy, octets);
    if (copy.failed != STATUS_OK)
        read_failed(query, STATUS_NOMEM);
    return copy;
}

void read_digest(struct query *query, uint8_t out[SHA256_LEN])
{
    struct span octets = column_octets(query);
    memset(out, 0, SHA256_LEN);
    if (octets.len == SHA256_LEN)
        memcpy(out, octets.data, SHA256_LEN);
    else if (octets.len != 0)
        read_failed(query, STATUS_MALFORMED);
}

struct serial read_serial(struct query *query)
{
    struct span octets = column_octets(query);
    struct serial serial = {0};
    if (octets.len > 0 && serial_from(octets, &serial, NULL) != STATUS_OK)
        read_failed(query, STATUS_MALFORMED);
    return serial;
}

struct values read_values(struct query *query)
{
    struct values values = {0};
    enum status status = values_from_json(column_text(query), &values);
    if (status != STATUS_OK)
        read_failed(query, status);
    return values;
}

struct general_names read_names(struct query *query)
{
    struct general_names names = {0};
    enum status status = names_from_json(column_text(query), &names);
    if (status != STATUS_OK)
        read_failed(query, status);
    return names;
}

enum status read_status(struct query *query, struct err *err)
{
    if (query->rc != SQLITE_OK)
        return sql_error(query->on, query->rc, err);
    if (query->damaged)
        return sql_error(query->on, SQLITE_CORRUPT, err);
    return STATUS_OK;
}
