/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line and HTTP of the test client. Exit code: 0 SUCCESS, 3 PENDING, 2 FAILURE, 4 an HTTP error, 1
 * anything else.
 */
#include "scep_client.h"

#include <curl/curl.h>
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

void die(const char *what)
{
    fprintf(stderr, "scep_client: %s: ", what != NULL ? what : "?");
    ERR_print_errors_fp(stderr);
    fputc('\n', stderr);
    exit(1);
}

static void usage(void)
{
    fputs("usage: scep_client --url URL --recipient RA.pem --key KEY.pem [--csr CSR.pem | --subject /CN=x "
          "[--san …] "
          "[--challenge C]]\n"
          "  --signer-cert C.pem [--signer-key K.pem]   renew: sign with an older certificate\n"
          "  --message-type 17|19|20|21|22  --transaction ID  --digest D  --cipher C\n"
          "  --issuer-cert CA.pem --serial HEX          for 20, 21, 22\n"
          "  --get  --indefinite  --ski  --signer-sha1\n"
          "  --password-recipient P  --reply-password P\n"
          "  --corrupt key|key-length|ciphertext|content|signature\n"
          "  --out FILE  --save FILE (the message)  --send FILE (a saved message)  --csr-out FILE\n",
          stderr);
    exit(1);
}

static void read_options(int argc, char **argv, struct options *options)
{
    const struct {
        const char *name;
        const char **text;
        bool *flag;
    } table[] = {
        {"url", &options->url, NULL},
        {"out", &options->out, NULL},
        {"save", &options->save, NULL},
        {"send", &options->send, NULL},
        {"key", &options->key, NULL},
        {"csr", &options->csr, NULL},
        {"csr-out", &options->csr_out, NULL},
        {"subject", &options->subject, NULL},
        {"challenge", &options->challenge, NULL},
        {"recipient", &options->recipient, NULL},
        {"signer-cert", &options->signer_cert, NULL},
        {"signer-key", &options->signer_key, NULL},
        {"digest", &options->digest, NULL},
        {"cipher", &options->cipher, NULL},
        {"transaction", &options->transaction, NULL},
        {"message-type", &options->message_type, NULL},
        {"password-recipient", &options->password_recipient, NULL},
        {"reply-password", &options->reply_password, NULL},
        {"issuer-cert", &options->issuer_cert, NULL},
        {"serial", &options->serial, NULL},
        {"corrupt", &options->corrupt, NULL},
        {"get", NULL, &options->get},
        {"indefinite", NULL, &options->indefinite},
        {"ski", NULL, &options->ski},
        {"signer-sha1", NULL, &options->signer_sha1},
    };
    enum { COUNT = sizeof table / sizeof table[0] };
    struct option longs[COUNT + 2] = {{"san", required_argument, NULL, COUNT}};
    for (int i = 0; i < COUNT; i++)
        longs[i + 1] =
            (struct option){table[i].name, table[i].text != NULL ? required_argument : no_argument, NULL, i};
    int found;
    while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (found == '?')
            usage();
        if (found == COUNT) {
            if (options->san_count == sizeof options->sans / sizeof options->sans[0])
                usage();
            options->sans[options->san_count++] = optarg;
        } else if (table[found].text != NULL) {
            *table[found].text = optarg;
        } else {
            *table[found].flag = true;
        }
    }
    if (optind != argc || options->url == NULL)
        usage();
}

/* ---- HTTP ---- */

static size_t take_octets(char *octets, size_t size, size_t count, void *to)
{
    return (size_t)BIO_write(to, octets, (int)(size * count));
}

static char *get_url(CURL *curl, const struct options *options, const unsigned char *octets, long len)
{
    char *base64 = malloc((size_t)len * 4 / 3 + 8);
    NEED("memory", base64 != NULL);
    EVP_EncodeBlock((unsigned char *)base64, octets, (int)len);
    char *escaped = curl_easy_escape(curl, base64, 0);
    size_t size = strlen(options->url) + strlen(escaped) + 64;
    char *url = malloc(size);
    NEED("memory", url != NULL);
    snprintf(url, size, "%s?operation=PKIOperation&message=%s", options->url, escaped);
    curl_free(escaped);
    free(base64);
    return url;
}

static long exchange(const struct options *options, BIO *message, BIO *reply)
{
    char *octets = NULL;
    long len = BIO_get_mem_data(message, &octets);
    CURL *curl = curl_easy_init();
    NEED("curl", curl != NULL);
    char *url = NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/x-pki-message");
    if (options->get) {
        url = get_url(curl, options, (unsigned char *)octets, len);
    } else {
        size_t size = strlen(options->url) + 64;
        url = malloc(size);
        NEED("memory", url != NULL);
        snprintf(url, size, "%s?operation=PKIOperation", options->url);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, octets);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_octets);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "scep_client: %s\n", curl_easy_strerror(code));
        exit(4);
    }
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(url);
    return status;
}

static BIO *message_of(const struct options *options, struct material *material)
{
    BIO *message = NULL;
    if (options->send != NULL) {
        unsigned char octets[65536];
        BIO *file = BIO_new_file(options->send, "rb");
        NEED(options->send, file != NULL);
        int len = BIO_read(file, octets, sizeof octets);
        NEED(options->send, len > 0);
        message = BIO_new(BIO_s_mem());
        BIO_write(message, octets, len);
        BIO_free(file);
    } else {
        message = make_message(options, material);
    }
    if (options->save != NULL) {
        char *octets = NULL;
        long len = BIO_get_mem_data(message, &octets);
        BIO *file = BIO_new_file(options->save, "wb");
        NEED(options->save, file != NULL && BIO_write(file, octets, (int)len) == len);
        BIO_free(file);
    }
    return message;
}

static void write_csr(const struct options *options, const struct material *material)
{
    if (options->csr_out == NULL)
        return;
    BIO *file = BIO_new_file(options->csr_out, "wb");
    NEED(options->csr_out, file != NULL && i2d_X509_REQ_bio(file, material->csr));
    BIO_free(file);
}

static int send_message(const struct options *options, const struct material *material, BIO *message)
{
    BIO *reply = BIO_new(BIO_s_mem());
    long http = exchange(options, message, reply);
    char *octets = NULL;
    long len = BIO_get_mem_data(reply, &octets);
    printf("http=%ld\noctets=%ld\n", http, len);
    int exit_code = 4;
    if (http != 200)
        printf("body=%.*s\n", (int)len, octets);
    else
        exit_code = read_reply(options, material, (const unsigned char *)octets, (size_t)len);
    BIO_free(reply);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct material material;
    read_options(argc, argv, &options);
    register_nids();
    load_material(&options, &material);
    write_csr(&options, &material);
    BIO *message = message_of(&options, &material);
    /* "none": only made, for corpora */
    int exit_code = strcmp(options.url, "none") == 0 ? 0 : send_message(&options, &material, message);
    BIO_free(message);
    free_material(&material);
    return exit_code;
}
