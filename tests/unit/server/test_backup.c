/* SPDX-License-Identifier: Apache-2.0
 *
 * The two forms that a backup is made of: the archive and the sealed keys.
 */
#include "backup_seal.h"
#include "tar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROOM 8192

/* An archive with two files in `room`; its length. */
static size_t write_archive(uint8_t *room)
{
    FILE *stream = fmemopen(room, ROOM, "wb");
    assert_non_null(stream);
    assert_int_equal(tar_put_octets(stream, "first.txt", SPAN_STR("hello"), NULL), STATUS_OK);
    assert_int_equal(tar_put_octets(stream, "templates/empty", SPAN_NONE, NULL), STATUS_OK);
    assert_int_equal(tar_end(stream, NULL), STATUS_OK);
    size_t len = (size_t)ftell(stream);
    fclose(stream);
    return len;
}

/* Reads all entries; *count of them. */
static enum status read_archive(uint8_t *octets, size_t len, size_t *count, struct err *err)
{
    FILE *stream = fmemopen(octets, len, "rb");
    struct tar_entry entry = {0};
    bool found = true;
    enum status status = STATUS_OK;
    *count = 0;
    assert_non_null(stream);
    while ((status = tar_next(stream, &entry, &found, err)) == STATUS_OK && found)
        ++*count;
    fclose(stream);
    return status;
}

static void tar__reads_what_it_writes(void **state)
{
    (void)state;
    uint8_t room[ROOM] = {0};
    size_t len = write_archive(room);
    assert_int_equal(len % 512, 0);
    FILE *stream = fmemopen(room, len, "rb");
    struct tar_entry entry = {0};
    bool found = false;
    AUTO(buf) struct buf text = BUF(100);
    assert_int_equal(tar_next(stream, &entry, &found, NULL), STATUS_OK);
    assert_true(found);
    assert_string_equal(entry.name, "first.txt");
    assert_int_equal(tar_take_octets(stream, &entry, &text, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&text), SPAN_STR("hello")));
    assert_int_equal(tar_next(stream, &entry, &found, NULL), STATUS_OK);
    assert_string_equal(entry.name, "templates/empty");
    assert_int_equal(entry.size, 0);
    assert_int_equal(tar_next(stream, &entry, &found, NULL), STATUS_OK);
    assert_false(found);
    fclose(stream);
}

static void tar__refuses_a_cut_archive(void **state)
{
    (void)state;
    uint8_t room[ROOM] = {0};
    size_t count = 0;
    write_archive(room);
    for (size_t len = 1; len < 4 * 512; len += 100)
        assert_int_equal(read_archive(room, len, &count, NULL), STATUS_MALFORMED);
}

static void tar__refuses_every_changed_header_octet(void **state)
{
    (void)state;
    uint8_t room[ROOM] = {0};
    size_t len = write_archive(room), count = 0;
    for (size_t at = 0; at < 148; at++) { /* name to time: what the checksum covers and we use */
        room[at] ^= 0x01;
        assert_int_equal(read_archive(room, len, &count, NULL), STATUS_MALFORMED);
        room[at] ^= 0x01;
    }
    assert_int_equal(read_archive(room, len, &count, NULL), STATUS_OK);
    assert_int_equal(count, 2);
}

static void tar__limits_names(void **state)
{
    (void)state;
    char name[TAR_NAME_MAX + 2];
    uint8_t room[ROOM];
    memset(name, 'x', sizeof(name));
    name[TAR_NAME_MAX + 1] = '\0';
    FILE *stream = fmemopen(room, ROOM, "wb");
    assert_int_equal(tar_put_octets(stream, name, SPAN_NONE, NULL), STATUS_LIMIT);
    name[TAR_NAME_MAX] = '\0';
    assert_int_equal(tar_put_octets(stream, name, SPAN_NONE, NULL), STATUS_OK);
    fclose(stream);
}

static void backup_seal__needs_the_passphrase(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = BUF(ROOM);
    AUTO(buf) struct buf plain = BUF(ROOM);
    struct err err = {0};
    assert_int_equal(backup_seal(SPAN_STR("private key"), "right", &sealed, NULL), STATUS_OK);
    assert_null(memmem(sealed.data, sealed.len, "private key", 11));
    assert_int_equal(backup_unseal(buf_span(&sealed), "wrong", &plain, &err), STATUS_DENIED);
    assert_int_equal(plain.len, 0);
    assert_int_equal(backup_unseal(buf_span(&sealed), "right", &plain, NULL), STATUS_OK);
    assert_true(span_equal(buf_span(&plain), SPAN_STR("private key")));
}

static void backup_unseal__refuses_what_was_changed(void **state)
{
    (void)state;
    AUTO(buf) struct buf sealed = BUF(ROOM);
    AUTO(buf) struct buf plain = BUF(ROOM);
    assert_int_equal(backup_seal(SPAN_STR("private key"), "p", &sealed, NULL), STATUS_OK);
    const size_t places[] = {15, 31, 43, sealed.len - 1}; /* salt, nonce, ciphertext, tag */
    for (size_t i = 0; i < 4; i++) {
        sealed.data[places[i]] ^= 1;
        assert_int_equal(backup_unseal(buf_span(&sealed), "p", &plain, NULL), STATUS_DENIED);
        sealed.data[places[i]] ^= 1;
    }
    sealed.data[0] ^= 1;
    assert_int_equal(backup_unseal(buf_span(&sealed), "p", &plain, NULL), STATUS_MALFORMED);
    assert_int_equal(backup_unseal(SPAN_STR("short"), "p", &plain, NULL), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tar__reads_what_it_writes),
        cmocka_unit_test(tar__refuses_a_cut_archive),
        cmocka_unit_test(tar__refuses_every_changed_header_octet),
        cmocka_unit_test(tar__limits_names),
        cmocka_unit_test(backup_seal__needs_the_passphrase),
        cmocka_unit_test(backup_unseal__refuses_what_was_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
