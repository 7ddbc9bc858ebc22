/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL's x509v3.h without its macros KU_…, which hide those of enum key_usage (csr.h)
 * and number the bits the other way round.
 */
#ifndef SCEPTER_TESTS_OPENSSL_X509V3_H
#define SCEPTER_TESTS_OPENSSL_X509V3_H

#include <openssl/x509v3.h>

#undef KU_DIGITAL_SIGNATURE
#undef KU_NON_REPUDIATION
#undef KU_KEY_ENCIPHERMENT
#undef KU_DATA_ENCIPHERMENT
#undef KU_KEY_AGREEMENT
#undef KU_KEY_CERT_SIGN
#undef KU_CRL_SIGN

#endif
