/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over every file of a corpus directory, in builds without libFuzzer: seeds and past
 * findings are regression tests under every compiler. It makes no inputs of its own.
 */
#include "fuzz.h"

#include "file.h"

#include <dirent.h>
#include <stdio.h>

#define FILE_MAX ((size_t)4 << 20)

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(const char *dir, const char *name)
{
    struct err err = {0};
    AUTO(heap) char *path = NULL;
    AUTO(buf) struct buf octets = BUF(FILE_MAX);
    if (path_join(dir, name, &path, &err) != STATUS_OK || file_read(path, &octets, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    printf("%s\n", name);
    fflush(stdout); /* the last one is the finding */
    /* exactly as large as the input, so that a sanitizer sees what is read behind it */
    uint8_t *copy = malloc(octets.len > 0 ? octets.len : 1);
    PROMISE(copy != NULL);
    if (octets.len > 0)
        memcpy(copy, octets.data, octets.len);
    PROMISE(LLVMFuzzerTestOneInput(copy, octets.len) == 0);
    free(copy);
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
        return 2;
    }
    int count = scandir(argv[1], &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        replay(argv[1], entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    printf("%d inputs, %zu accepted\n", count, fuzz_accepted);
    if (count > 0 && fuzz_accepted > 0)
        return 0;
    fprintf(stderr, "%s: no input of %s was accepted: the corpus proves nothing\n", argv[0], argv[1]);
    return 1;
}
