/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the route table: the URLs that do not move, in the spellings that clients use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

static http_handler *handler_of(const char *path)
{
    const struct route *route = route_find(path);
    return route != NULL ? route->handler : NULL;
}

static void route_find__knows_the_urls_of_scep(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/scep",
        "/scep/",
        "/scep/device",
        "/scep/device/",
        "/scep/device/pkiclient.exe",
        "/scep/pkiclient.exe",
        "/certsrv/mscep",
        "/certsrv/mscep/",
        "/certsrv/mscep/mscep.dll",
        "/CertSrv/MSCEP/mscep.dll/pkiclient.exe",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct route *route = route_find(paths[i]);
        assert_non_null(route);
        assert_ptr_equal(route->handler, scep_handler);
        assert_true(route->worker);
        assert_int_equal(route->methods, HTTP_GET | HTTP_HEAD | HTTP_POST);
        assert_int_equal(route->body_limit, 1 << 20);
    }
}

static void route_find__knows_published_files_and_health(void **state)
{
    (void)state;
    assert_ptr_equal(handler_of("/CertEnroll/Example CA.crl"), cdp_handler);
    assert_ptr_equal(handler_of("/certenroll/x.crt"), cdp_handler);
    assert_ptr_equal(handler_of("/healthz"), health_live_handler);
    assert_ptr_equal(handler_of("/readyz"), health_ready_handler);
    assert_ptr_equal(handler_of("/metrics"), metrics_handler);
}

static void route_find__finds_nothing_elsewhere(void **state)
{
    (void)state;
    static const char *const paths[] = {"",          "/",          "/scepx",         "/SCEP", "/CertEnroll",
                                        "/healthz/", "/certsrv/x", "/certsrv/mscepx"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_null(route_find(paths[i]));
}

/* A listener on another address than loopback serves SCEP, CDP, AIA and health, and nothing else. */
static void routes__of_devices_are_served_everywhere(void **state)
{
    (void)state;
    for (const struct route *route = routes; route->path != NULL; route++)
        assert_int_equal(route->on_public, route->handler != metrics_handler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_find__knows_the_urls_of_scep),
        cmocka_unit_test(route_find__knows_published_files_and_health),
        cmocka_unit_test(route_find__finds_nothing_elsewhere),
        cmocka_unit_test(routes__of_devices_are_served_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
