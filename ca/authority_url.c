/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of CRLs and CA certificates below /CertEnroll/, and the URLs of them that
 * stand in certificates: numbered as AD CS numbers them (rules.md). Serves nothing.
 */
#include "authority_private.h"

#define NAME_MAX_CHARACTERS 64
#define URL_MAX_LEN         1024

static size_t character_count(struct span octets)
{
    size_t count = 0;
    for (size_t i = 0; i < octets.len; i++)
        count += (octets.data[i] & 0xc0) != 0x80;
    return count;
}

enum status authority_name_check(const char *name, struct err *err)
{
    struct span octets = SPAN_STR(name);
    if (octets.len == 0)
        return ERR(err, STATUS_USAGE, "the authority needs a name, such as \"Example Issuing CA\"");
    if (!utf8_printable(octets))
        return ERR(err, STATUS_USAGE,
                   "the authority's name holds control characters or is not UTF-8: use printable characters");
    if (memchr(octets.data, '/', octets.len) != NULL)
        return ERR(err, STATUS_USAGE,
                   "the authority's name \"%s\" holds a '/', which cannot stand in the names of its files",
                   name);
    if (character_count(octets) > NAME_MAX_CHARACTERS)
        return ERR(err, STATUS_USAGE, "the authority's name \"%s\" is longer than %d characters", name,
                   NAME_MAX_CHARACTERS);
    return STATUS_OK;
}

static enum status check_url(const char *key, const char *url, struct err *err)
{
    if (url == NULL || strncmp(url, "http://", 7) != 0 || url[7] == '\0' || url[7] == '/')
        return ERR(err, STATUS_CONFIG,
                   "authority.%s: \"%s\" is not an http URL: CRLs and CA certificates are fetched before any "
                   "TLS can be trusted, so write http://host/…",
                   key, url == NULL ? "" : url);
    size_t len = strlen(url);
    if (len > URL_MAX_LEN)
        return ERR(err, STATUS_CONFIG, "authority.%s: the URL is longer than %d octets", key, URL_MAX_LEN);
    for (size_t i = 0; i < len; i++) {
        if (url[i] <= ' ' || url[i] > '~' || strchr("\"<>\\^`{|}", url[i]) != NULL)
            return ERR(err, STATUS_CONFIG,
                       "authority.%s: \"%s\" holds an octet that a URL cannot (at %zu): percent-encode it",
                       key, url, i + 1);
    }
    return STATUS_OK;
}

enum status authority_urls_check(const struct authority_config *config, struct err *err)
{
    TRY(check_url("url", config->url, err));
    for (size_t i = 0; i < config->cdp.count; i++)
        TRY(check_url("cdp", config->cdp.items[i], err));
    for (size_t i = 0; i < config->aia.count; i++)
        TRY(check_url("aia", config->aia.items[i], err));
    if (config->ocsp != NULL)
        TRY(check_url("ocsp", config->ocsp, err));
    return STATUS_OK;
}

/* RFC 3986 section 2.1; parentheses may stand in a path and AD CS leaves them. */
static void put_encoded(struct buf *out, const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        uint8_t octet = (uint8_t)*at;
        bool plain = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
                     (octet >= '0' && octet <= '9') || strchr("-._~()", octet) != NULL;
        if (plain)
            buf_add_octet(out, octet);
        else
            buf_printf(out, "%%%02X", octet);
    }
}

/* "(2)", nothing for 0. */
static void put_suffix(struct buf *out, int64_t index)
{
    if (index != 0)
        buf_printf(out, "(%lld)", (long long)index);
}

static enum status file_name(const struct authority *authority, int64_t index, bool encoded,
                             const char *extension, char **out, struct err *err)
{
    AUTO(buf) struct buf text = BUF(URL_MAX_LEN);
    if (encoded)
        put_encoded(&text, authority->name);
    else
        buf_add_text(&text, authority->name);
    put_suffix(&text, index);
    buf_add_text(&text, extension);
    TRY(buf_status(&text, "a file name", err));
    char *name = buf_take_text(&text);
    if (name == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    *out = name;
    return STATUS_OK;
}

enum status authority_crl_name(const struct authority *authority, int64_t key_index, char **out,
                               struct err *err)
{
    return file_name(authority, key_index, false, ".crl", out, err);
}

enum status authority_crt_name(const struct authority *authority, int64_t certificate_index, char **out,
                               struct err *err)
{
    return file_name(authority, certificate_index, false, ".crt", out, err);
}

/* One URL from what is configured: as it is, or, where it ends in '/', with the file name behind. */
static enum status make_url(const char *configured, const char *name, char **out, struct err *err)
{
    size_t len = strlen(configured);
    bool directory = len > 0 && configured[len - 1] == '/';
    return text_format(out, err, "%s%s", configured, directory ? name : "");
}

static enum status default_url(const struct authority *authority, const char *name, char **out,
                               struct err *err)
{
    size_t len = strlen(authority->url);
    while (len > 0 && authority->url[len - 1] == '/')
        len--;
    return text_format(out, err, "%.*s/CertEnroll/%s", (int)len, authority->url, name);
}

static enum status fill_urls(const struct authority *authority, const struct config_strings *configured,
                             const char *name, struct config_strings *out, struct err *err)
{
    out->items = calloc(configured->count + 1, sizeof *out->items);
    if (out->items == NULL)
        return ERR(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < configured->count; i++) {
        TRY(make_url(configured->items[i], name, &out->items[i], err));
        out->count = i + 1;
    }
    if (configured->count > 0)
        return STATUS_OK;
    TRY(default_url(authority, name, &out->items[0], err));
    out->count = 1;
    return STATUS_OK;
}

static enum status make_urls(const struct authority *authority, const struct config_strings *configured,
                             const char *name, struct config_strings *out, struct err *err)
{
    AUTO(url_list) struct config_strings urls = {0};
    TRY(fill_urls(authority, configured, name, &urls, err));
    config_strings_free(out);
    *out = urls;
    urls = (struct config_strings){0};
    return STATUS_OK;
}

enum status authority_cdp_urls(const struct authority *authority, const struct generation *generation,
                               struct config_strings *out, struct err *err)
{
    AUTO(heap) char *name = NULL;
    TRY(file_name(authority, generation->key_index, true, ".crl", &name, err));
    return make_urls(authority, &authority->config.cdp, name, out, err);
}

enum status authority_aia_urls(const struct authority *authority, const struct generation *generation,
                               struct config_strings *out, struct err *err)
{
    AUTO(heap) char *name = NULL;
    TRY(file_name(authority, generation->certificate_index, true, ".crt", &name, err));
    return make_urls(authority, &authority->config.aia, name, out, err);
}
