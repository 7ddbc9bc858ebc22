/* SPDX-License-Identifier: Apache-2.0
 *
 * Lack of memory in templates/: a request is not denied for it, and a template or a set is never half read.
 * The same where the store that the device registry stands on fails.
 */
#include "template_fixture.h"

#include "fault.h"
#include "store_faulty.h"

#include <unistd.h>

#define TEXT                                                                                                 \
    HEAD "subject = { from = \"request\"; pattern = \"CN={EnrollmentUser},OU=x\"; verify = \"source\"; }; "  \
         "san = ( { type = \"email\"; pattern = \"{EmailAddress}\"; }, "                                     \
         "{ type = \"dns\"; pattern = \"{x}.example\"; from = \"request\"; verify = \"none\"; }, "           \
         "{ type = \"upn\"; pattern = \"{UserPrincipalName}\"; optional = true; } ); "                       \
         "certificate_policies = ( { oid = \"1.2.3\"; cps = \"http://x\"; } ); cdp = [\"http://c\"]; "       \
         "oid = \"1.3.6.1.4.1.311.21.8.1\"; "

#define BOUND "EnrollmentUser=alice;EmailAddress=alice@example"

/* ---- applying ---- */

static enum status apply(const struct template *template, const struct csr *csr, struct store *store,
                         struct content *content, struct err *err)
{
    AUTO(lookup) struct lookup *lookup = NULL;
    AUTO(values) struct values values = {0};
    struct lookup_source registry = lookup_device_registry(store);
    const struct lookup_source *sources[] = {&registry};
    TRY(values_set_pair(&values, "EnrollmentUser=alice", err));
    TRY(values_set_pair(&values, "EmailAddress=alice@example", err));
    TRY(lookup_new(sources, 1, &lookup, err));
    TRY(lookup_bind(lookup, "challenge", &values, err));
    struct template_input input = {.csr = csr, .lookup = lookup};
    return template_apply(template, &input, content, err);
}

static void apply_loop(struct fault fault)
{
    AUTO(template) struct template *template = make_template(TEXT);
    AUTO(csr) struct csr *csr = make_csr("CN=alice,OU=x", "DNS:a.example");
    AUTO(store) struct store *inner = NULL;
    AUTO(store) struct store *store = NULL;
    struct err err = {0};
    assert_ok(store_open_sqlite("test_fault_template.db", true, &inner, &err), &err);
    store = store_faulty(inner);
    while (fault_next(&fault)) {
        AUTO(content) struct content content = {0};
        fault_arm(&fault);
        enum status status = apply(template, csr, store, &content, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
        if (status == STATUS_OK) {
            assert_string_equal(subject_text(&content.subject), "CN=alice,OU=x");
            assert_string_equal(san_text(&content.san), "email=alice@example, dns=a.example");
        } else {
            assert_null(content.template_name);
            assert_int_equal(content.subject.count, 0);
        }
    }
}

static int remove_store(void **state)
{
    (void)state;
    (void)unlink("test_fault_template.db");
    (void)unlink("test_fault_template.db-wal");
    (void)unlink("test_fault_template.db-shm");
    return 0;
}

static void template_apply__does_not_deny_for_lack_of_memory(void **state)
{
    (void)state;
    apply_loop(FAULT(FAULT_ALLOCATION));
}

/* "Anything else (it does not answer) ends the request: never issued with blanks" (lookup.h). */
static void template_apply__does_not_deny_for_a_store_that_fails(void **state)
{
    (void)state;
    apply_loop(FAULT(FAULT_STORE_CALL));
}

/* The order in which a renewal takes its values: those of the old certificate first. */
static void template_apply__of_a_renewal_does_not_deny_for_lack_of_memory(void **state)
{
    (void)state;
    AUTO(template) struct template *template = make_template(TEXT);
    AUTO(csr) struct csr *csr = make_csr("CN=alice,OU=x", "DNS:a.example,email:alice@example");
    AUTO(certificate_row) struct certificate_row renewed = {.subject_der = BUF(4096)};
    AUTO(name) struct name subject = {0};
    struct err err = {0};
    assert_ok(name_parse("CN=alice,OU=x", &subject, &err), &err);
    name_encode(&subject, &renewed.subject_der);
    renewed.subject = strdup("CN=alice,OU=x");
    renewed.template_name = strdup("T");
    assert_ok(general_names_add(&renewed.san, SAN_EMAIL, "alice@example", &err), &err);
    assert_ok(general_names_add(&renewed.san, SAN_DNS, "a.example", &err), &err);
    set_pairs(&renewed.values, BOUND);
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(content) struct content content = {0};
        AUTO(lookup) struct lookup *lookup = NULL;
        struct template_input input = {.csr = csr, .renewed = &renewed};
        fault_arm(&fault);
        enum status status = lookup_new(NULL, 0, &lookup, &err);
        input.lookup = lookup;
        if (status == STATUS_OK)
            status = template_apply(template, &input, &content, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
    }
}

static void template_propose__does_not_deny_for_lack_of_memory(void **state)
{
    (void)state;
    AUTO(template) struct template *template = make_builtin("User");
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(lookup) struct lookup *lookup = make_lookup(BOUND ";UserPrincipalName=alice@EXAMPLE", NULL);
        AUTO(name) struct name subject = {0};
        AUTO(general_names) struct general_names san = {0};
        struct err err = {0};
        fault_arm(&fault);
        enum status status = template_propose(template, lookup, &subject, &san, &err);
        fault_disarm(&fault);
        fault_expect(&fault, status, &err);
    }
}

/* ---- reading ---- */

/* Either whole, or not there with memory as the reason. */
static void template_read__is_whole_or_not_there(void **state)
{
    (void)state;
    for (struct fault fault = FAULT(FAULT_ALLOCATION); fault_next(&fault);) {
        AUTO(config_mistakes) struct config_mistakes mistakes = {0};
        AUTO(config_mistakes) struct config_mistakes warnings = {0};
        AUTO(template) struct template *template = NULL;
        AUTO(buf) struct buf lines = BUF(65536);
        struct err err = {0};
        fault_arm(&fault);
        enum status status = template_read("T.cfg", TEXT, NULL, &mistakes, &warnings, &template, &err);
        fault_disarm(&fault);
        for (size_t i = 0; i < mistakes.count; i++)
            buf_printf(&lines, "%s\n", mistakes.lines[i]);
        buf_add_text(&lines, err.text);
        AUTO(heap) char *said = buf_take_text(&lines);
        if (status == STATUS_OK && template != NULL) {
            assert_int_equal(mistakes.count + mistakes.lost, 0);
            assert_string_equal(template_name(template), "T");
            assert_non_null(template_lookup_names(template));
            continue;
        }
        assert_null(template);
        assert_true(fault.struck);
        if (mistakes.lost == 0)
            assert_has(said, "memory");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(template_apply__does_not_deny_for_lack_of_memory, remove_store,
                                        remove_store),
        cmocka_unit_test_setup_teardown(template_apply__does_not_deny_for_a_store_that_fails, remove_store,
                                        remove_store),
        cmocka_unit_test(template_apply__of_a_renewal_does_not_deny_for_lack_of_memory),
        cmocka_unit_test(template_propose__does_not_deny_for_lack_of_memory),
        cmocka_unit_test(template_read__is_whole_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
