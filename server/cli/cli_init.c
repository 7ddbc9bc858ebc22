/* SPDX-License-Identifier: Apache-2.0
 *
 * init: makes a data directory with configuration, templates, store and authority, or
 * leaves everything as it was. Never overwrites.
 */
#include "cli.h"

#include "clock.h"
#include "data_dir.h"
#include "file.h"

#include <unistd.h>

#define LAB_PHRASE_OCTETS 16
#define CONFIG_MAX        65536

/* What was asked for. */
struct wishes {
    const char *name, *url, *key, *ra_key, *listen, *passphrase_option;
    bool root, subordinate, lab, scep_with_ca_key;
    int64_t validity_s;
    /* worked out */
    struct authority_create create;
    char *passphrase_source; /* as it stands in scepter.cfg; NULL: none */
    char *passphrase;
    struct listener_config listener; /* address NULL: the default */
};

static void wishes_free(struct wishes *wishes)
{
    free(wishes->passphrase_source);
    secret_free(wishes->passphrase);
    free(wishes->listener.address);
}
AUTO_VALUE(wishes, struct wishes, wishes_free)

/* ---- what was asked for ---- */

/* A relative file: path is made absolute, for the server may be started elsewhere. */
static enum status work_out_source(struct wishes *wishes, struct err *err)
{
    const char *given = wishes->passphrase_option;
    if (given == NULL)
        return STATUS_OK;
    if (strncmp(given, "file:", 5) != 0) {
        TRY(passphrase_check(given, err));
        return text_copy(given, &wishes->passphrase_source, err);
    }
    AUTO(heap) char *path = realpath(given + 5, NULL);
    if (path == NULL)
        return ERR(err, STATUS_IO, "--passphrase: %s cannot be read: %m", given + 5);
    return text_format(&wishes->passphrase_source, err, "file:%s", path);
}

static enum status work_out_passphrase(struct wishes *wishes, struct err *err)
{
    AUTO(secret) char *again = NULL;
    const char *source = wishes->passphrase_source;
    TRY(passphrase_read(source, "the authority's new keys", &wishes->passphrase, err));
    if (source == NULL || strcmp(source, "prompt") != 0 || !isatty(STDIN_FILENO))
        return STATUS_OK;
    TRY(passphrase_ask("The same again", &again, err));
    if (!span_equal_secret(SPAN_STR(again), SPAN_STR(wishes->passphrase)))
        return ERR(err, STATUS_DENIED, "the two passphrases differ; nothing was made");
    return STATUS_OK;
}

static enum status check_url(const char *url, struct err *err)
{
    if (strncmp(url, "http://", 7) != 0 || url[7] == '\0' || url[7] == '/')
        return ERR(err, STATUS_USAGE,
                   "--url is \"%s\": http://host or http://host:port is allowed (not https: CRLs are fetched "
                   "before any TLS can be trusted)",
                   url);
    if (strpbrk(url + 7, "/?#") != NULL)
        return ERR(
            err, STATUS_USAGE,
            "--url is \"%s\": http://host or http://host:port is allowed, without path, query or fragment",
            url);
    return STATUS_OK;
}

static enum status read_wishes(struct cli *cli, struct wishes *wishes, struct err *err)
{
    wishes->create.actor = cli->actor;
    wishes->key = "rsa:3072";
    wishes->ra_key = "rsa:2048";
    const struct cli_option options[] = {
        {"name", CLI_TEXT, &wishes->name},
        {"url", CLI_TEXT, &wishes->url},
        {"key", CLI_TEXT, &wishes->key},
        {"ra-key", CLI_TEXT, &wishes->ra_key},
        {"root", CLI_FLAG, &wishes->root},
        {"subordinate", CLI_FLAG, &wishes->subordinate},
        {"lab", CLI_FLAG, &wishes->lab},
        {"validity", CLI_DURATION, &wishes->validity_s},
        {"scep-with-ca-key", CLI_FLAG, &wishes->scep_with_ca_key},
        {"passphrase", CLI_TEXT, &wishes->passphrase_option},
        {"listen", CLI_TEXT, &wishes->listen},
        {NULL, CLI_FLAG, NULL},
    };
    TRY(cli_options(cli, options, 0, 0, err));
    if (wishes->name == NULL || wishes->url == NULL)
        return ERR(err, STATUS_USAGE,
                   "--name and --url are needed: the CA's name, and where clients reach this server by http");
    if (wishes->root && wishes->subordinate)
        return ERR(err, STATUS_USAGE, "--root and --subordinate exclude each other");
    if (wishes->subordinate && wishes->validity_s > 0)
        return ERR(err, STATUS_USAGE, "--validity is for a root; the issuer decides for a subordinate");
    TRY(authority_name_check(wishes->name, err));
    TRY(check_url(wishes->url, err));
    TRY(key_spec_parse(wishes->key, &wishes->create.key, err));
    TRY(key_spec_parse(wishes->ra_key, &wishes->create.ra_key, err));
    if (wishes->listen != NULL)
        TRY(cli_listener_parse(wishes->listen, &wishes->listener, err));
    wishes->create.subordinate = wishes->subordinate;
    wishes->create.validity_s = wishes->validity_s;
    wishes->create.scep_with_ca_key = wishes->scep_with_ca_key;
    return work_out_source(wishes, err);
}

/* ---- making ---- */

static enum status write_config(struct data_dir *made, const struct wishes *wishes, struct err *err)
{
    const struct server_config_sample sample = {
        .name = wishes->name,
        .url = wishes->url,
        .passphrase = wishes->passphrase_source,
        .listener = wishes->listener.address != NULL ? &wishes->listener : NULL,
        .lab = wishes->lab,
    };
    AUTO(buf) struct buf text = BUF(CONFIG_MAX);
    server_config_sample(&sample, &text);
    TRY(buf_status(&text, "scepter.cfg", err));
    return data_dir_file(made, "scepter.cfg", buf_span(&text), 0600, err);
}

static enum status write_templates(struct data_dir *made, struct err *err)
{
    for (const struct template_builtin *builtin = template_builtins; builtin->name != NULL; builtin++) {
        AUTO(heap) char *name = NULL;
        TRY(text_format(&name, err, "templates/%s.cfg", builtin->name));
        TRY(data_dir_file(made, name, SPAN_STR(builtin->text), 0600, err));
    }
    return STATUS_OK;
}

static enum status write_lab_challenge(struct data_dir *made, struct err *err)
{
    uint8_t octets[LAB_PHRASE_OCTETS];
    AUTO(buf) struct buf phrase = BUF(2 * LAB_PHRASE_OCTETS + 1);
    TRY(random_octets(octets, sizeof octets, err));
    hex_encode(&phrase, SPAN(octets, sizeof octets));
    buf_add_octet(&phrase, '\n');
    TRY(buf_status(&phrase, "the lab's challenge", err));
    return data_dir_file(made, "keys/lab.challenge", buf_span(&phrase), 0600, err);
}

static enum status make_authority(const char *dir, const struct wishes *wishes, struct store *store,
                                  struct err *err)
{
    AUTO(server_config) struct server_config *config = NULL;
    AUTO(template_set) struct template_set *templates = NULL;
    AUTO(heap) char *templates_dir = NULL;
    AUTO(config_mistakes) struct config_mistakes mistakes = {0};
    TRY(server_config_load(dir, NULL, &config, err));
    TRY(path_join(dir, "templates", &templates_dir, err));
    TRY(template_set_load(templates_dir, &config->templates, &mistakes, NULL, &templates, err));
    const struct authority_config authority = server_authority_config(dir, config, wishes->passphrase);
    return authority_create(store, &authority, &wishes->create, templates, err);
}

static enum status make_all(struct data_dir *made, const struct wishes *wishes, struct store **store,
                            struct err *err)
{
    static const char *const folders[] = {"keys", "crl", "templates"};
    AUTO(heap) char *database = NULL;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        TRY(data_dir_folder(made, folders[i], err));
    TRY(write_config(made, wishes, err));
    TRY(write_templates(made, err));
    if (wishes->lab)
        TRY(write_lab_challenge(made, err));
    TRY(data_dir_claim(made, "scepter.db", &database, err));
    TRY(store_open_sqlite(database, true, store, err));
    return make_authority(made->dir, wishes, *store, err);
}

/* ---- what comes next ---- */

/* The default listener is found on this machine only, which is not where such a URL leads. */
static const char *listen_hint(const struct wishes *wishes)
{
    return wishes->listen == NULL && !server_url_is_loopback(wishes->url) ? " --listen 0.0.0.0:8080" : "";
}

static void print_root(const char *dir, const struct wishes *wishes, const struct authority *authority,
                       const struct config_strings *cdp)
{
    const struct certificate *certificate = authority_current(authority)->certificate;
    char until[32];
    uint8_t digest[SHA256_LEN];
    AUTO(buf) struct buf hex = BUF(256);
    time_text(certificate->not_after_s, until);
    sha256(buf_span(&certificate->der), digest);
    cli_fingerprint(&hex, SPAN(digest, sizeof digest));
    (void)printf("The authority \"%s\" is made.\n\n", wishes->name);
    (void)printf("  directory    %s\n", dir);
    (void)printf("  key          %s\n", pubkey_text(certificate->key));
    (void)printf("  SHA-256      %.*s\n", (int)hex.len, (const char *)hex.data);
    (void)printf("  valid until  %s\n", until);
    for (size_t i = 0; i < cdp->count; i++)
        (void)printf("  CRL          %s\n", cdp->items[i]);
    (void)printf("\nNext:\n"
                 "  scepter serve --dir %s%s\n"
                 "  scepter challenge new --dir %s %s\n"
                 "  scepter ca export --dir %s > ca.pem\n"
                 "and read %s/scepter.cfg and %s/templates/, where every key has its comment.\n",
                 dir, listen_hint(wishes), dir,
                 wishes->lab ? "--profile device --set DeviceUid=DEVICE"
                             : "--set EnrollmentUser=jdoe --set UserPrincipalName=jdoe@example.com "
                               "--set EmailAddress=jdoe@example.com",
                 dir, dir, dir);
    if (wishes->lab)
        (void)printf("Devices of the profile lab enrol with the phrase in %s/keys/lab.challenge.\n", dir);
}

static void print_subordinate(const char *dir, const struct wishes *wishes)
{
    (void)printf("Key and request (CSR) of the subordinate authority \"%s\" are made in %s.\n\n"
                 "Next:\n"
                 "  scepter ca csr --dir %s > ca.csr        and have it signed by the issuing CA\n"
                 "  scepter ca install --dir %s FILE        with the certificate and its chain (PEM, DER or "
                 "p7b)\n"
                 "  scepter serve --dir %s%s\n",
                 wishes->name, dir, dir, dir, dir, listen_hint(wishes));
}

AUTO_VALUE(urls, struct config_strings, config_strings_free)

static enum status report(const char *dir, const struct wishes *wishes, struct store *store, struct err *err)
{
    AUTO(server_config) struct server_config *config = NULL;
    AUTO(authority) struct authority *authority = NULL;
    AUTO(urls) struct config_strings cdp = {0};
    if (wishes->subordinate) {
        print_subordinate(dir, wishes);
        return STATUS_OK;
    }
    TRY(server_config_load(dir, NULL, &config, err));
    const struct authority_config wanted = server_authority_config(dir, config, wishes->passphrase);
    TRY(authority_open(store, &wanted, &authority, err));
    TRY(authority_cdp_urls(authority, authority_current(authority), &cdp, err));
    print_root(dir, wishes, authority, &cdp);
    return STATUS_OK;
}

static void warn(const struct wishes *wishes)
{
    if (server_url_is_loopback(wishes->url))
        (void)fprintf(stderr,
                      "scepter: note: --url %s is a loopback address: only programs on this machine "
                      "will find the CRL that certificates name\n",
                      wishes->url);
    if (wishes->scep_with_ca_key)
        (void)fprintf(stderr,
                      "scepter: note: with --scep-with-ca-key the CA key also decrypts and signs SCEP "
                      "messages; take it for clients that know only one CA certificate\n");
}

/* Why the directory is not taken: where an init was killed, that is what there is to know. */
static enum status explain_unfinished(const char *dir, struct err *err)
{
    AUTO(app) struct app *app = NULL;
    AUTO(authority) struct authority *authority = NULL;
    AUTO(buf) struct buf csr = BUF(CSR_MAX_LEN);
    struct err why = {0};
    const enum status status = err->status;
    if (status != STATUS_CONFLICT || app_open_store(dir, &app, &why) != STATUS_OK)
        return status;
    const struct authority_config wanted = server_authority_config(dir, app_config(app), NULL);
    if (authority_open(app_store(app), &wanted, &authority, &why) != STATUS_NOT_FOUND ||
        authority_csr(app_store(app), &csr, &why) != STATUS_NOT_FOUND)
        return status;
    return ERR(
        err, status,
        "%s holds an authority that an interrupted init left unfinished; it has issued nothing: remove the "
        "directory and run scepter init again",
        dir);
}

static enum status init(struct cli *cli, struct err *err)
{
    AUTO(wishes) struct wishes wishes = {0};
    AUTO(data_dir) struct data_dir made = {0};
    AUTO(store) struct store *store = NULL; /* closed before data_dir takes anything away again */
    TRY(read_wishes(cli, &wishes, err));
    if (data_dir_begin(cli->dir, &made, err) != STATUS_OK)
        return explain_unfinished(cli->dir, err);
    TRY(work_out_passphrase(&wishes, err));
    TRY(make_all(&made, &wishes, &store, err));
    TRY(report(cli->dir, &wishes, store, err));
    warn(&wishes);
    data_dir_keep(&made);
    return STATUS_OK;
}

const struct command cli_init_commands[] = {
    {"init",
     "--name NAME --url http://HOST[:PORT] [--key rsa:3072|rsa:2048|rsa:4096|ec:p256|ec:p384]\n"
     "         [--ra-key rsa:2048|rsa:3072] [--root|--subordinate] [--validity 20y] [--lab]\n"
     "         [--scep-with-ca-key] [--passphrase file:PATH|env:NAME|prompt] [--listen ADDRESS:PORT]",
     "makes a new authority in the data directory", init},
    {NULL, NULL, NULL, NULL},
};
