/* SPDX-License-Identifier: Apache-2.0
 *
 * How many RSA-2048 private operations this machine does per second on all its cores, by
 * EVP, and a third of it: no server can enrol more with RSA-2048 CA and RA keys (decrypt,
 * certificate, reply).
 *
 *   bench_limit [SECONDS]      prints {"cores":…,"rsa_per_s":…,"rsa_cpu_us":…,"limit":…}
 *
 * rsa_cpu_us is processor time: what other programs take does not count there.
 */
#include "bench.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 256

static EVP_PKEY *key;
static int64_t until_us;
static atomic_llong operations;

static double cpu_us(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static void *sign_on(void *unused)
{
    (void)unused;
    static const uint8_t digest[32] = {1};
    uint8_t signature[512];
    long long count = 0;
    for (; bench_now_us() < until_us; count++) {
        size_t len = sizeof signature;
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        NEED("signing", context != NULL && EVP_PKEY_sign_init(context) > 0 &&
                            EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 &&
                            EVP_PKEY_sign(context, signature, &len, digest, sizeof digest) > 0);
        EVP_PKEY_CTX_free(context);
    }
    atomic_fetch_add(&operations, count);
    return NULL;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t threads[THREADS_MAX];
    if (cores > THREADS_MAX)
        cores = THREADS_MAX;
    key = EVP_RSA_gen(2048);
    NEED("making a key", key != NULL);
    double before_us = cpu_us();
    int64_t start_us = bench_now_us();
    until_us = start_us + (int64_t)(seconds * 1e6);
    for (long i = 0; i < cores; i++)
        NEED("pthread_create", pthread_create(&threads[i], NULL, sign_on, NULL) == 0);
    for (long i = 0; i < cores; i++)
        (void)pthread_join(threads[i], NULL);
    double each_us = (cpu_us() - before_us) / (double)operations;
    double rate = (double)operations * 1e6 / (double)(bench_now_us() - start_us);
    printf("{\"cores\":%ld,\"rsa_per_s\":%.1f,\"rsa_cpu_us\":%.1f,\"limit\":%.1f}\n", cores, rate, each_us,
           rate / 3);
    EVP_PKEY_free(key);
    return 0;
}
