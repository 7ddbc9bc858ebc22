/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of messages, and the clock; see bench.h. Knows neither SCEP nor HTTP.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_LEN (2 * sizeof(uint32_t))

void bench_die(const char *what)
{
    fprintf(stderr, "bench: ");
    perror(what);
    exit(1);
}

static size_t read_file(const char *path, uint8_t **out)
{
    FILE *file = fopen(path, "rbe");
    NEED(path, file != NULL && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    NEED(path, size >= 0 && fseek(file, 0, SEEK_SET) == 0);
    *out = malloc((size_t)size + 1);
    NEED(path, *out != NULL && fread(*out, 1, (size_t)size, file) == (size_t)size);
    (void)fclose(file);
    return (size_t)size;
}

static size_t next_record(const struct records *records, size_t at, size_t size, struct record *out)
{
    NEED("a file of messages ends early", size - at >= HEADER_LEN);
    memcpy(&out->number, records->file + at, sizeof out->number);
    memcpy(&out->len, records->file + at + sizeof out->number, sizeof out->len);
    NEED("a file of messages ends early", size - at - HEADER_LEN >= out->len);
    out->octets = records->file + at + HEADER_LEN;
    return at + HEADER_LEN + out->len;
}

void records_read(const char *path, struct records *out)
{
    struct record one;
    *out = (struct records){0};
    size_t size = read_file(path, &out->file);
    for (size_t at = 0; at < size; out->count++)
        at = next_record(out, at, size, &one);
    out->all = calloc(out->count + 1, sizeof *out->all);
    NEED(path, out->all != NULL);
    size_t at = 0;
    for (size_t i = 0; i < out->count; i++)
        at = next_record(out, at, size, &out->all[i]);
}

void records_free(struct records *records)
{
    free(records->all);
    free(records->file);
    *records = (struct records){0};
}

void record_write(FILE *file, uint32_t number, const void *octets, size_t len)
{
    uint32_t header[2] = {number, (uint32_t)len};
    NEED("writing", fwrite(header, sizeof header, 1, file) == 1 && fwrite(octets, 1, len, file) == len);
}

int64_t bench_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
