/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQLite backend: the contract, and what only it can suffer: damage by SQL, files
 * that are not ours, a full disk, kill -9 in the middle of writing, backups.
 */
#include "store_contract.h"

#include "sqlite.h"
#include "text.h"

#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char directory[] = "/tmp/scepter-store-XXXXXX";
static char path[64]; /* of the store that is in use */
static int stores;

static struct store *open_or_die(bool create)
{
    struct store *store = NULL;
    struct err err = {0};
    if (store_open_sqlite(path, create, &store, &err) == STATUS_OK)
        return store;
    fprintf(stderr, "%s\n", err.text);
    abort();
}

static struct store *fresh(void)
{
    snprintf(path, sizeof path, "%s/%d.db", directory, stores++);
    return open_or_die(true);
}

static struct store *again(void)
{
    return open_or_die(false);
}

/* SQL behind the store's back. */
static void tamper(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void write_file(const char *octets, size_t len)
{
    snprintf(path, sizeof path, "%s/%d.db", directory, stores++);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(octets, 1, len, file), len);
    fclose(file);
}

static void expect_open(enum status status, const char *says)
{
    struct store *store = NULL;
    struct err err = {0};
    assert_int_equal(store_open_sqlite(path, false, &store, &err), status);
    assert_null(store);
    if (strstr(err.text, says) == NULL || strstr(err.text, path) == NULL)
        fail_msg("\"%s\" does not name the path and \"%s\"", err.text, says);
}

/* ---- opening ---- */

static void open__never_overwrites_and_never_invents(void **state)
{
    (void)state;
    store_close(fresh());
    struct store *second = NULL;
    FAILS(STATUS_CONFLICT, store_open_sqlite(path, true, &second, &err));
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/none.db", directory);
    expect_open(STATUS_NOT_FOUND, "scepter init");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void open__refuses_what_is_not_ours(void **state)
{
    (void)state;
    char rubbish[5000];
    memset(rubbish, 'x', sizeof rubbish);
    write_file(rubbish, sizeof rubbish);
    expect_open(STATUS_INTEGRITY, "backup");
    write_file("", 0);
    expect_open(STATUS_CONFIG, "empty");
    tamper("CREATE TABLE other (a)");
    expect_open(STATUS_CONFIG, "not one of Scepter");
    snprintf(path, sizeof path, "%s/directory.db", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_open(STATUS_IO, "opened");
    rmdir(path);
}

static void open__refuses_a_newer_schema(void **state)
{
    (void)state;
    store_close(fresh());
    tamper("PRAGMA user_version=1000");
    expect_open(STATUS_CONFIG, "1000");
}

static void open__tells_damage(void **state)
{
    (void)state;
    store_close(fresh());
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 100, SEEK_SET); /* the first page's table of contents */
    for (int i = 0; i < 3000; i++)
        fputc(0xee, file);
    fclose(file);
    expect_open(STATUS_INTEGRITY, "damaged");
}

static void reopen__keeps_everything(void **state)
{
    (void)state;
    struct store *store = fresh();
    struct certificate_row row = some_certificate(1);
    OK(add_certificate(store, &row, &err));
    OK(add_audit(store, "one", &err));
    store_close(store);
    store = again();
    OK(add_audit(store, "two", &err));
    store_close(store);
    AUTO(store) struct store *last = again();
    AUTO(certificate_row) struct certificate_row got = {0};
    OK(store_certificate(last, &row.serial, &got, &err));
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    OK(store_audit_verify(last, &rows, head, &err));
    assert_int_equal(rows, 2);
}

/* ---- tampering ---- */

static void audit_verify__detects(const char *sql, const char *says)
{
    AUTO(store) struct store *store = fresh();
    OK(add_audit(store, "one", &err));
    OK(add_audit(store, "two", &err));
    OK(add_audit(store, "three", &err));
    tamper(sql);
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    struct err failure = {0};
    assert_int_equal(store_audit_verify(store, &rows, head, &failure), STATUS_INTEGRITY);
    if (strstr(failure.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", failure.text, says);
}

static void audit_verify__names_the_first_bad_row(void **state)
{
    (void)state;
    audit_verify__detects("UPDATE audit SET detail = 'x' WHERE id = 2", "row 2");
    audit_verify__detects("UPDATE audit SET actor = NULL WHERE id = 1", "row 1");
    audit_verify__detects("UPDATE audit SET hash = zeroblob(32) WHERE id = 3", "row 3");
    audit_verify__detects("DELETE FROM audit WHERE id = 2", "row 2 is missing");
    audit_verify__detects("DELETE FROM audit WHERE id = 3", "ends with row 2");
    audit_verify__detects("UPDATE audit_head SET hash = zeroblob(32)", "head");
}

static void integrity__holds_the_numbers_against_the_rows(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    struct certificate_row row = some_certificate(1);
    OK(add_certificate(store, &row, &err));
    OK(revoke_one(store, 1, REASON_SUPERSEDED, &err));
    OK(store_integrity(store, &err));
    tamper("UPDATE state SET certificates = 7");
    FAILS(STATUS_INTEGRITY, store_integrity(store, &err));
    tamper("UPDATE state SET certificates = 1; DELETE FROM revocation");
    FAILS(STATUS_INTEGRITY, store_integrity(store, &err));
}

static void rows_that_nobody_wrote__are_errors(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    struct certificate_row row = some_certificate(1);
    OK(add_certificate(store, &row, &err));
    AUTO(certificate_row) struct certificate_row got = {0};
    tamper("UPDATE certificate SET lookup_values = '{'");
    FAILS(STATUS_IO, store_certificate(store, &row.serial, &got, &err));
    tamper("UPDATE certificate SET lookup_values = NULL, key_fingerprint = x'00'");
    FAILS(STATUS_IO, store_certificate(store, &row.serial, &got, &err));
}

/* ---- a disk that does not take everything ---- */

static void writer_pragma(struct store *store, const char *sql)
{
    struct sqlite_store *self = sqlite_store_of(store);
    pthread_mutex_lock(&self->writer_lock);
    int rc = sqlite3_exec(self->writer->db, sql, NULL, NULL, NULL);
    pthread_mutex_unlock(&self->writer_lock);
    assert_int_equal(rc, SQLITE_OK);
}

static void full__fails_and_recovers_by_itself(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    char *text = calloc(1, 100001);
    assert_non_null(text);
    memset(text, 'x', 100000);
    writer_pragma(store, "PRAGMA max_page_count=1"); /* never below what there is */
    struct err failure = {0};
    assert_int_equal(put_setting(store, "big", text, &failure), STATUS_IO);
    assert_non_null(strstr(failure.text, "full"));
    writer_pragma(store, "PRAGMA max_page_count=1000000");
    OK(put_setting(store, "big", text, &err));
    free(text);
    OK(store_integrity(store, &err));
}

static void read_only__says_so_and_recovers(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    writer_pragma(store, "PRAGMA query_only=ON");
    struct err failure = {0};
    assert_int_equal(store_probe(store, &failure), STATUS_IO);
    assert_non_null(strstr(failure.text, "writable"));
    assert_int_equal(put_setting(store, "a", "1", &failure), STATUS_IO);
    writer_pragma(store, "PRAGMA query_only=OFF");
    OK(store_probe(store, &err));
}

/* A write that the system refuses, as a quota or a dying disk does. */
static void write_error__fails_and_recovers_by_itself(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    char text[60001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct rlimit before, small = {.rlim_cur = 4096};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct err failure = {0};
    enum status status = put_setting(store, "big", text, &failure);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, STATUS_IO);
    assert_non_null(strstr(failure.text, path));
    OK(put_setting(store, "big", text, &err));
    OK(store_integrity(store, &err));
}

static void busy__is_told_and_passes(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    sqlite3_busy_timeout(sqlite_store_of(store)->writer->db, 10);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    FAILS(STATUS_BUSY, put_setting(store, "a", "1", &err));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    OK(put_setting(store, "a", "1", &err));
}

/* ---- kill -9 ---- */

/* Writes for ever; each number that was acknowledged goes into the pipe. */
static void write_until_killed(int pipe_end)
{
    struct store *store = again();
    for (int i = 0;; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        struct audit_row audit = {.actor = name, .action = name};
        struct change change = {0};
        change_add(&change, (struct change_op){.kind = CHANGE_SETTING_PUT, .setting = {name, SPAN_STR("x")}});
        change_add(&change, (struct change_op){.kind = CHANGE_AUDIT, .audit = &audit});
        if (store_commit(store, &change, NULL) != STATUS_OK || write(pipe_end, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void killed__loses_nothing_that_was_acknowledged(void **state)
{
    (void)state;
    store_close(fresh());
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(ends[1]);
    close(ends[1]);
    int last = -1, number = 0;
    while (last < 50 && read(ends[0], &number, sizeof number) == sizeof number)
        last = number;
    assert_int_equal(last, 50);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(ends[0], &number, sizeof number) == sizeof number)
        last = number;
    close(ends[0]);
    AUTO(store) struct store *store = again();
    for (int i = 0; i <= last; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        AUTO(buf) struct buf value = BUF(16);
        OK(store_setting(store, name, &value, &err));
    }
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    OK(store_audit_verify(store, &rows, head, &err));
    assert_true(rows == last + 1 || rows == last + 2); /* one may have been committed, but not told */
    OK(store_integrity(store, &err));
}

/* ---- backup ---- */

struct writing {
    struct store *store;
    bool stop; /* atomically */
    enum status status;
};

static void *keep_writing(void *context)
{
    struct writing *writing = context;
    while (!__atomic_load_n(&writing->stop, __ATOMIC_ACQUIRE) && writing->status == STATUS_OK)
        writing->status = add_audit(writing->store, "written", NULL);
    return NULL;
}

static void backup__is_consistent_beside_a_writer(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    OK(add_audit(store, "before", &err));
    struct writing writing = {.store = store};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, keep_writing, &writing), 0);
    char copy[64];
    snprintf(copy, sizeof copy, "%s/backup.db", directory);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    struct err failure = {0};
    enum status status = store_backup(store, copy, &failure);
    enum status again_status = store_backup(store, copy, NULL);
    __atomic_store_n(&writing.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    if (status != STATUS_OK)
        fail_msg("%s", failure.text);
    assert_int_equal(again_status, STATUS_CONFLICT);
    assert_int_equal(writing.status, STATUS_OK);
    AUTO(store) struct store *from_copy = NULL;
    OK(store_open_sqlite(copy, false, &from_copy, &err));
    OK(store_integrity(from_copy, &err));
    int64_t rows = 0;
    uint8_t head[SHA256_LEN];
    OK(store_audit_verify(from_copy, &rows, head, &err));
    assert_true(rows >= 1);
    FAILS(STATUS_IO, store_backup(store, "/nonexistent/backup.db", &err));
    AUTO(heap) char *left = NULL; /* nothing stays under a temporary name */
    OK(text_format(&left, &err, "%s.*", copy));
    glob_t names;
    assert_int_equal(glob(left, 0, NULL, &names), GLOB_NOMATCH);
}

/* ---- plans: what must not scan ten million rows ---- */

static void expect_plan(sqlite3 *db, const char *query, const char *index)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", query);
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    bool found = false;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);
        found = found || strstr(detail, index) != NULL;
        if (strncmp(detail, "SCAN", 4) == 0 && strstr(detail, index) == NULL)
            fail_msg("%s: %s", query, detail);
    }
    sqlite3_finalize(stmt);
    if (!found)
        fail_msg("%s does not use %s", query, index);
}

static void plans__use_the_indexes(void **state)
{
    (void)state;
    AUTO(store) struct store *store = fresh();
    sqlite3 *db = sqlite_store_of(store)->writer->db;
    expect_plan(
        db,
        "SELECT r.id FROM request r LEFT JOIN certificate c ON c.serial = r.serial WHERE "
        "r.retry_key = ?1 AND r.disposition IN (0, 1) AND r.created_s >= ?2 ORDER BY r.id DESC LIMIT 1",
        "request_retry");
    expect_plan(db, "SELECT 1 FROM request r WHERE r.profile = ?1 AND r.transaction_id = ?2 LIMIT 1",
                "request_transaction");
    expect_plan(db,
                "SELECT r.id FROM request r WHERE r.id > ? AND r.disposition = 2 AND r.disposition <> 0 "
                "ORDER BY r.id LIMIT ?",
                "request_unissued");
    expect_plan(db, "SELECT id FROM request WHERE disposition = 1 AND lapses_s > 0 AND lapses_s <= ?",
                "request_lapses");
    expect_plan(db,
                "SELECT count(*) FROM certificate WHERE reason IS NULL AND not_after_s >= ?1 "
                "AND not_after_s < ?2",
                "certificate_expiry");
    expect_plan(db,
                "SELECT c.subject FROM certificate c WHERE c.id > ? AND c.reason IS NOT NULL "
                "AND c.reason <> 6 ORDER BY c.id LIMIT ?",
                "certificate_revoked");
    expect_plan(db, "SELECT 1 FROM certificate WHERE key_fingerprint = ?1 AND +reason = 1 LIMIT 1",
                "certificate_key");
    expect_plan(db, "SELECT serial FROM revocation WHERE issuer_key = ?1 ORDER BY serial_len, serial",
                "PRIMARY KEY");
}

static int remove_all(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

int main(void)
{
    if (mkdtemp(directory) == NULL)
        return 1;
    const struct store_maker maker = {fresh, again};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__never_overwrites_and_never_invents),
        cmocka_unit_test(open__refuses_what_is_not_ours),
        cmocka_unit_test(open__refuses_a_newer_schema),
        cmocka_unit_test(open__tells_damage),
        cmocka_unit_test(reopen__keeps_everything),
        cmocka_unit_test(audit_verify__names_the_first_bad_row),
        cmocka_unit_test(integrity__holds_the_numbers_against_the_rows),
        cmocka_unit_test(rows_that_nobody_wrote__are_errors),
        cmocka_unit_test(full__fails_and_recovers_by_itself),
        cmocka_unit_test(read_only__says_so_and_recovers),
        cmocka_unit_test(write_error__fails_and_recovers_by_itself),
        cmocka_unit_test(busy__is_told_and_passes),
        cmocka_unit_test(killed__loses_nothing_that_was_acknowledged),
        cmocka_unit_test(backup__is_consistent_beside_a_writer),
        cmocka_unit_test(plans__use_the_indexes),
    };
    int failed = store_contract_run(&maker);
    return failed + cmocka_run_group_tests_name("SQLite", tests, NULL, remove_all);
}
