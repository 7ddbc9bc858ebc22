/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of base/file.c, in a directory of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file.h"
#include "text.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/scepter-test-file-XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static size_t count_entries(void)
{
    size_t count = 0;
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    for (struct dirent *entry = NULL; (entry = readdir(listing)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

static int remove_directory(void **state)
{
    (void)state;
    DIR *listing = opendir(directory);
    if (listing == NULL)
        return -1;
    for (struct dirent *entry = NULL; (entry = readdir(listing)) != NULL;)
        unlinkat(dirfd(listing), entry->d_name, 0);
    closedir(listing);
    return rmdir(directory);
}

static char *path_of(const char *name)
{
    char *path = NULL;
    assert_int_equal(path_join(directory, name, &path, NULL), STATUS_OK);
    return path;
}

static void assert_contents(const char *path, struct span expected)
{
    AUTO(buf) struct buf out = BUF(100000);
    assert_int_equal(file_read(path, &out, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&out), expected));
}

static void file_write_atomic__replaces_and_leaves_nothing_else(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("atomic");
    assert_int_equal(file_write_atomic(path, SPAN_STR("old"), 0600, NULL), STATUS_OK);
    assert_int_equal(file_write_atomic(path, SPAN("new\0octets", 10), 0600, NULL), STATUS_OK);
    assert_contents(path, SPAN("new\0octets", 10));
    assert_int_equal(count_entries(), 1);
    assert_int_equal(file_write_atomic(path, SPAN_NONE, 0600, NULL), STATUS_OK);
    assert_contents(path, SPAN_NONE);
    unlink(path);
}

static void file_write_atomic__sets_the_mode_whatever_the_umask(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("mode");
    mode_t before = umask(077);
    assert_int_equal(file_write_atomic(path, SPAN_STR("x"), 0644, NULL), STATUS_OK);
    umask(before);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0644);
    unlink(path);
}

static void file_write_atomic__leaves_the_old_file_when_it_fails(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("occupied");
    AUTO(heap) char *inside = path_of("occupied/inside");
    struct err err = {0};
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(file_write_atomic(path, SPAN_STR("x"), 0600, &err), STATUS_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(count_entries(), 1);
    rmdir(path);
    assert_int_equal(file_write_atomic(inside, SPAN_STR("x"), 0600, &err), STATUS_IO);
}

static void file_write_new__refuses_what_exists(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("new");
    struct err err = {0};
    assert_int_equal(file_write_new(path, SPAN_STR("first"), 0600, NULL), STATUS_OK);
    assert_int_equal(file_write_new(path, SPAN_STR("second"), 0600, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.text, path));
    assert_contents(path, SPAN_STR("first"));
    assert_int_equal(count_entries(), 1);
    unlink(path);
}

static void file_read__takes_a_file_as_large_as_the_ceiling(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("large");
    AUTO(buf) struct buf octets = BUF(40000);
    AUTO(buf) struct buf fits = BUF(40000);
    AUTO(buf) struct buf small = BUF(39999);
    struct err err = {0};
    for (unsigned i = 0; i < 40000; i++)
        buf_add_octet(&octets, (uint8_t)i);
    assert_int_equal(file_write_atomic(path, buf_span(&octets), 0600, NULL), STATUS_OK);
    assert_int_equal(file_read(path, &fits, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&fits), buf_span(&octets)));
    assert_int_equal(file_read(path, &small, &err), STATUS_LIMIT);
    assert_int_equal(small.len, 0);
    assert_non_null(strstr(err.text, path));
    unlink(path);
}

static void file_read__names_the_path_and_the_reason(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("missing");
    AUTO(buf) struct buf out = BUF(10);
    struct err err = {0};
    assert_int_equal(file_read(path, &out, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(file_read(directory, &out, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "directory"));
}

static void file_read__takes_standard_input(void **state)
{
    (void)state;
    int ends[2];
    int before = dup(STDIN_FILENO);
    AUTO(buf) struct buf out = BUF(10);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    enum status status = file_read("-", &out, NULL);
    dup2(before, STDIN_FILENO);
    close(before);
    assert_int_equal(status, STATUS_OK);
    assert_true(span_equal(buf_span(&out), SPAN_STR("piped")));
}

static void path_join__keeps_absolute_names_and_one_slash(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"dir", "name", "dir/name"}, {"dir/", "name", "dir/name"}, {"dir", "/name", "/name"},
        {"", "name", "name"},        {"/", "name", "/name"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO(heap) char *path = NULL;
        assert_int_equal(path_join(cases[i][0], cases[i][1], &path, NULL), STATUS_OK);
        assert_string_equal(path, cases[i][2]);
    }
}

static void dir_sync__wants_a_directory(void **state)
{
    (void)state;
    AUTO(heap) char *path = path_of("missing");
    struct err err = {0};
    assert_int_equal(dir_sync(directory, NULL), STATUS_OK);
    assert_int_equal(dir_sync(path, &err), STATUS_IO);
    assert_non_null(strstr(err.text, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_write_atomic__replaces_and_leaves_nothing_else),
        cmocka_unit_test(file_write_atomic__sets_the_mode_whatever_the_umask),
        cmocka_unit_test(file_write_atomic__leaves_the_old_file_when_it_fails),
        cmocka_unit_test(file_write_new__refuses_what_exists),
        cmocka_unit_test(file_read__takes_a_file_as_large_as_the_ceiling),
        cmocka_unit_test(file_read__names_the_path_and_the_reason),
        cmocka_unit_test(file_read__takes_standard_input),
        cmocka_unit_test(path_join__keeps_absolute_names_and_one_slash),
        cmocka_unit_test(dir_sync__wants_a_directory),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
