/* SPDX-License-Identifier: Apache-2.0
 *
 * `scepter cert issue`: a request from a file, or one made here for a new key, through
 * the same door as every other request. What is issued is the template's affair.
 */
#include "cli_csr.h"
#include "cli_run.h"
#include "cli_template.h"

#include "file.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct wanted {
    const char *template_name, *csr_path, *out_path, *key, *subject;
    struct cli_texts san;
    struct values values;
    bool genkey, json;
};

static void wanted_free(struct wanted *wanted)
{
    values_free(&wanted->values);
}
AUTO_VALUE(wanted, struct wanted, wanted_free)

static enum status check_wanted(const struct wanted *wanted, struct err *err)
{
    if (wanted->template_name == NULL)
        return ERR(err, STATUS_USAGE, "--template is missing (`scepter template list` shows what there is)");
    if (wanted->genkey == (wanted->csr_path != NULL))
        return ERR(err, STATUS_USAGE, "give either --csr FILE or --genkey --out FILE.p12");
    if (wanted->genkey != (wanted->out_path != NULL))
        return ERR(err, STATUS_USAGE, "--genkey and --out FILE.p12 belong together");
    if (!wanted->genkey && (wanted->key != NULL || wanted->subject != NULL || wanted->san.count > 0))
        return ERR(err, STATUS_USAGE, "--key, --subject and --san are for --genkey: a CSR says these itself");
    return STATUS_OK;
}

static enum status read_wanted(struct cli *cli, struct wanted *wanted, struct err *err)
{
    const struct cli_option options[] = {{"template", CLI_TEXT, &wanted->template_name},
                                         {"csr", CLI_TEXT, &wanted->csr_path},
                                         {"genkey", CLI_FLAG, &wanted->genkey},
                                         {"out", CLI_TEXT, &wanted->out_path},
                                         {"key", CLI_TEXT, &wanted->key},
                                         {"subject", CLI_TEXT, &wanted->subject},
                                         {"san", CLI_TEXTS, &wanted->san},
                                         {"set", CLI_VALUES, &wanted->values},
                                         {"json", CLI_FLAG, &wanted->json},
                                         {0}};
    TRY(cli_options(cli, options, 0, 0, err));
    return check_wanted(wanted, err);
}

/* ---- the pipeline ---- */

/* What was denied or failed becomes the status of the command. */
static enum status submit(const struct cli *cli, const struct wanted *wanted, struct app *app,
                          const struct snapshot *snapshot, struct span csr, struct outcome *outcome,
                          struct err *err)
{
    const struct enroll_context context = {.store = app_store(app), .snapshot = snapshot};
    const struct request request = {
        .protocol = "cli",
        .template_wanted = wanted->template_name,
        .csr_der = csr,
        .requester = {.kind = REQUESTER_LOCAL, .name = cli->actor, .values = &wanted->values},
    };
    TRY(enroll(&context, &request, outcome, err));
    if (outcome->disposition == DISPOSITION_ISSUED || outcome->disposition == DISPOSITION_PENDING)
        return STATUS_OK;
    enum status status = outcome->status != STATUS_OK ? outcome->status : STATUS_DENIED;
    if (status == STATUS_USAGE) /* the words of the command were right */
        status = STATUS_DENIED;
    return ERR(err, status, "%s: %s", disposition_name(outcome->disposition),
               outcome->reason != NULL ? outcome->reason : "no reason is known");
}

static enum status make_pem(const struct outcome *outcome, struct buf *pem, struct err *err)
{
    *pem = BUF(2 * CERTIFICATE_MAX_LEN);
    pem_encode(pem, "CERTIFICATE", buf_span(&outcome->certificate));
    return buf_status(pem, "the certificate", err);
}

static enum status print_json(const struct outcome *outcome, const char *file, struct err *err)
{
    AUTO(json_object) struct json_object object = json_object_new();
    AUTO(buf) struct buf pem = {0};
    json_put_serial(&object, "serial", &outcome->serial);
    json_put_id(&object, "request_id", outcome->request_id);
    json_put_text(&object, "disposition", disposition_name(outcome->disposition));
    if (outcome->disposition == DISPOSITION_ISSUED)
        TRY(make_pem(outcome, &pem, err));
    AUTO(heap) char *text = pem.len > 0 ? buf_take_text(&pem) : NULL;
    json_put_text(&object, "pem", text);
    if (file != NULL)
        json_put_text(&object, "file", file);
    return json_show(stdout, &object, err);
}

static enum status print_pending(const struct outcome *outcome, struct err *err)
{
    printf("request %" PRId64 " is pending: scepter request approve %" PRId64 "\n", outcome->request_id,
           outcome->request_id);
    return out_end(stdout, err);
}

/* ---- a request from a file ---- */

static enum status issue_csr(const struct cli *cli, const struct wanted *wanted, struct app *app,
                             const struct snapshot *snapshot, struct err *err)
{
    AUTO(buf) struct buf file = BUF(4 * CSR_MAX_LEN);
    AUTO(buf) struct buf csr = BUF(CSR_MAX_LEN);
    AUTO(buf) struct buf pem = {0};
    AUTO(outcome) struct outcome outcome = {0};
    TRY(file_read(wanted->csr_path, &file, err));
    if (der_from_any(buf_span(&file), csr_pem_labels, &csr, err) != STATUS_OK)
        return err_prefix(err, "%.200s holds no request: ", wanted->csr_path);
    TRY(submit(cli, wanted, app, snapshot, buf_span(&csr), &outcome, err));
    if (wanted->json)
        return print_json(&outcome, NULL, err);
    if (outcome.disposition == DISPOSITION_PENDING)
        return print_pending(&outcome, err);
    TRY(make_pem(&outcome, &pem, err));
    return cli_write(buf_span(&pem), err);
}

/* ---- a new key ---- */

/* The usual one, or the smallest that the template takes. */
static enum status choose_key(const struct key_limits *limits, const char *text, enum key_spec *spec,
                              struct err *err)
{
    static const struct {
        enum key_spec spec;
        unsigned bits;
    } rsa[] = {{KEY_SPEC_RSA_2048, 2048}, {KEY_SPEC_RSA_3072, 3072}, {KEY_SPEC_RSA_4096, 4096}};
    if (text != NULL)
        return key_spec_parse(text, spec, err);
    for (size_t i = 0; limits->rsa && i < sizeof(rsa) / sizeof(rsa[0]); i++) {
        *spec = rsa[i].spec;
        if (rsa[i].bits >= limits->rsa_min_bits && rsa[i].bits <= limits->rsa_max_bits)
            return STATUS_OK;
    }
    *spec = limits->p256 ? KEY_SPEC_EC_P256 : KEY_SPEC_EC_P384;
    if (limits->p256 || limits->p384)
        return STATUS_OK;
    return ERR(err, STATUS_USAGE, "the template takes no key that can be made here: give --csr FILE");
}

static enum status add_san(const struct cli_texts *texts, struct general_names *san, struct err *err)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *equals = strchr(texts->items[i], '=');
        char word[16] = "";
        enum san_type type;
        size_t len = equals != NULL ? (size_t)(equals - texts->items[i]) : 0;
        if (len > 0 && len < sizeof(word))
            memcpy(word, texts->items[i], len);
        if (!san_type_by_name(word, &type))
            return ERR(err, STATUS_USAGE,
                       "--san %.200s: give TYPE=VALUE with a type of upn, email, dns, ip, uri, sid-uri",
                       texts->items[i]);
        TRY(general_names_add(san, type, equals + 1, err));
    }
    return STATUS_OK;
}

/* What the request has to say: the words of the command, else what the template's patterns make of the
 * values. */
static enum status propose(const struct wanted *wanted, const struct template *template, struct store *store,
                           struct name *subject, struct general_names *san, struct err *err)
{
    if (wanted->subject != NULL) {
        TRY(name_parse(wanted->subject, subject, err));
        return add_san(&wanted->san, san, err);
    }
    struct lookup_source registry = lookup_device_registry(store);
    AUTO(lookup) struct lookup *lookup = NULL;
    TRY(cli_lookup(&registry, &wanted->values, &lookup, err));
    TRY(template_propose(template, lookup, subject, san, err));
    return add_san(&wanted->san, san, err);
}

static enum status make_request(const struct wanted *wanted, const struct template *template,
                                struct store *store, struct key **key, struct buf *csr, struct err *err)
{
    AUTO(name) struct name subject = {0};
    AUTO(general_names) struct general_names san = {0};
    enum key_spec spec;
    TRY(propose(wanted, template, store, &subject, &san, err));
    TRY(choose_key(template_key_limits(template), wanted->key, &spec, err));
    TRY(key_generate(spec, key, err));
    return csr_make(*key, &subject, &san, csr, err);
}

/* Before anything is issued: what would lose the key later. */
static enum status check_before(const struct wanted *wanted, const struct template *template, struct err *err)
{
    if (template_manual_approval(template))
        return ERR(err, STATUS_DENIED,
                   "template %s holds requests for approval, and a key made here would be gone by then: "
                   "give --csr FILE",
                   template_name(template));
    if (access(wanted->out_path, F_OK) == 0)
        return ERR(err, STATUS_CONFLICT, "%s exists already and is not overwritten", wanted->out_path);
    return STATUS_OK;
}

static enum status write_pkcs12(const struct wanted *wanted, const struct snapshot *snapshot,
                                const struct key *key, const struct outcome *outcome, const char *password,
                                struct err *err)
{
    const struct generation *generation = authority_current(snapshot->authority);
    struct span chain[16] = {buf_span(&generation->certificate->der)};
    size_t count = 1;
    AUTO(buf) struct buf pkcs12 = BUF(1024 * 1024);
    for (size_t i = 0; i < generation->chain_count && count < sizeof(chain) / sizeof(chain[0]); i++)
        chain[count++] = buf_span(&generation->chain[i]);
    TRY(key_pkcs12(key, buf_span(&outcome->certificate), chain, count, outcome->subject, password, &pkcs12,
                   err));
    return file_write_new(wanted->out_path, buf_span(&pkcs12), 0600, err);
}

static enum status ask_password(char **password, struct err *err)
{
    TRY(cli_secret("Password for the PKCS#12 file", password, err));
    if ((*password)[0] != '\0')
        return STATUS_OK;
    return ERR(err, STATUS_DENIED, "the password is empty: the file would protect nothing");
}

static enum status issue_new_key(const struct cli *cli, const struct wanted *wanted, struct app *app,
                                 const struct snapshot *snapshot, struct err *err)
{
    const struct template *template = NULL;
    AUTO(secret) char *password = NULL;
    AUTO(key) struct key *key = NULL;
    AUTO(buf) struct buf csr = BUF(CSR_MAX_LEN);
    AUTO(outcome) struct outcome outcome = {0};
    TRY(cli_template_find(snapshot->templates, wanted->template_name, &template, err));
    TRY(check_before(wanted, template, err));
    TRY(make_request(wanted, template, app_store(app), &key, &csr, err));
    TRY(ask_password(&password, err));
    TRY(submit(cli, wanted, app, snapshot, buf_span(&csr), &outcome, err));
    char serial[2 * SERIAL_MAX + 1];
    serial_text(&outcome.serial, serial);
    if (write_pkcs12(wanted, snapshot, key, &outcome, password, err) != STATUS_OK)
        return err_prefix(err, "certificate %s is issued, but its key is lost (revoke it): ", serial);
    if (wanted->json)
        return print_json(&outcome, wanted->out_path, err);
    printf("%s\n", serial);
    return out_end(stdout, err);
}

enum status cli_cert_issue(struct cli *cli, struct err *err)
{
    AUTO(wanted) struct wanted wanted = {0};
    AUTO(app) struct app *app = NULL;
    TRY(read_wanted(cli, &wanted, err));
    TRY(app_open(cli->dir, false, &app, err));
    AUTO(snapshot) struct snapshot *snapshot = app_snapshot(app);
    if (wanted.genkey)
        return issue_new_key(cli, &wanted, app, snapshot, err);
    return issue_csr(cli, &wanted, app, snapshot, err);
}
