/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of known OIDs, one row each: the enum value, the name that people write, the dotted text and
 * the content octets. oid.c makes its array and its search from it; a test holds the columns against each
 * other and against OpenSSL. Other names that are read are in oid.c.
 */
#ifndef SCEPTER_BASE_OID_TABLE_H
#define SCEPTER_BASE_OID_TABLE_H

#define OID_TABLE(ROW)                                                                                       \
    ROW(OID_CN, "CN", "2.5.4.3", 0x55, 0x04, 0x03)                                                           \
    ROW(OID_SURNAME, "SN", "2.5.4.4", 0x55, 0x04, 0x04)                                                      \
    ROW(OID_SERIAL_NUMBER, "serialNumber", "2.5.4.5", 0x55, 0x04, 0x05)                                      \
    ROW(OID_C, "C", "2.5.4.6", 0x55, 0x04, 0x06)                                                             \
    ROW(OID_L, "L", "2.5.4.7", 0x55, 0x04, 0x07)                                                             \
    ROW(OID_ST, "ST", "2.5.4.8", 0x55, 0x04, 0x08)                                                           \
    ROW(OID_STREET, "street", "2.5.4.9", 0x55, 0x04, 0x09)                                                   \
    ROW(OID_O, "O", "2.5.4.10", 0x55, 0x04, 0x0a)                                                            \
    ROW(OID_OU, "OU", "2.5.4.11", 0x55, 0x04, 0x0b)                                                          \
    ROW(OID_TITLE, "title", "2.5.4.12", 0x55, 0x04, 0x0c)                                                    \
    ROW(OID_DESCRIPTION, "description", "2.5.4.13", 0x55, 0x04, 0x0d)                                        \
    ROW(OID_POSTAL_CODE, "postalCode", "2.5.4.17", 0x55, 0x04, 0x11)                                         \
    ROW(OID_NAME, "name", "2.5.4.41", 0x55, 0x04, 0x29)                                                      \
    ROW(OID_GIVEN_NAME, "givenName", "2.5.4.42", 0x55, 0x04, 0x2a)                                           \
    ROW(OID_INITIALS, "initials", "2.5.4.43", 0x55, 0x04, 0x2b)                                              \
    ROW(OID_GENERATION, "generationQualifier", "2.5.4.44", 0x55, 0x04, 0x2c)                                 \
    ROW(OID_DN_QUALIFIER, "dnQualifier", "2.5.4.46", 0x55, 0x04, 0x2e)                                       \
    ROW(OID_PSEUDONYM, "pseudonym", "2.5.4.65", 0x55, 0x04, 0x41)                                            \
    ROW(OID_UID, "UID", "0.9.2342.19200300.100.1.1", 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01,   \
        0x01)                                                                                                \
    ROW(OID_DC, "DC", "0.9.2342.19200300.100.1.25", 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01,    \
        0x19)                                                                                                \
    ROW(OID_EMAIL, "emailAddress", "1.2.840.113549.1.9.1", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09,   \
        0x01)                                                                                                \
    ROW(OID_UNSTRUCTURED_NAME, "unstructuredName", "1.2.840.113549.1.9.2", 0x2a, 0x86, 0x48, 0x86, 0xf7,     \
        0x0d, 0x01, 0x09, 0x02)                                                                              \
    ROW(OID_UNSTRUCTURED_ADDRESS, "unstructuredAddress", "1.2.840.113549.1.9.8", 0x2a, 0x86, 0x48, 0x86,     \
        0xf7, 0x0d, 0x01, 0x09, 0x08)                                                                        \
    ROW(OID_CHALLENGE_PASSWORD, "challengePassword", "1.2.840.113549.1.9.7", 0x2a, 0x86, 0x48, 0x86, 0xf7,   \
        0x0d, 0x01, 0x09, 0x07)                                                                              \
    ROW(OID_EXTENSION_REQUEST, "extensionRequest", "1.2.840.113549.1.9.14", 0x2a, 0x86, 0x48, 0x86, 0xf7,    \
        0x0d, 0x01, 0x09, 0x0e)                                                                              \
    ROW(OID_MS_EXTENSION_REQUEST, "msExtensionRequest", "1.3.6.1.4.1.311.2.1.14", 0x2b, 0x06, 0x01, 0x04,    \
        0x01, 0x82, 0x37, 0x02, 0x01, 0x0e)                                                                  \
    ROW(OID_MS_NAME_VALUE_PAIR, "enrollmentNameValuePair", "1.3.6.1.4.1.311.13.2.1", 0x2b, 0x06, 0x01, 0x04, \
        0x01, 0x82, 0x37, 0x0d, 0x02, 0x01)                                                                  \
    ROW(OID_CONTENT_TYPE, "contentType", "1.2.840.113549.1.9.3", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,   \
        0x09, 0x03)                                                                                          \
    ROW(OID_MESSAGE_DIGEST, "messageDigest", "1.2.840.113549.1.9.4", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,     \
        0x01, 0x09, 0x04)                                                                                    \
    ROW(OID_SIGNING_TIME, "signingTime", "1.2.840.113549.1.9.5", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,   \
        0x09, 0x05)                                                                                          \
    ROW(OID_RSA, "rsaEncryption", "1.2.840.113549.1.1.1", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,    \
        0x01)                                                                                                \
    ROW(OID_RSASSA_PSS, "RSASSA-PSS", "1.2.840.113549.1.1.10", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,     \
        0x01, 0x0a)                                                                                          \
    ROW(OID_EC_PUBLIC_KEY, "ecPublicKey", "1.2.840.10045.2.1", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01)     \
    ROW(OID_P256, "P-256", "1.2.840.10045.3.1.7", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07)            \
    ROW(OID_P384, "P-384", "1.3.132.0.34", 0x2b, 0x81, 0x04, 0x00, 0x22)                                     \
    ROW(OID_P521, "P-521", "1.3.132.0.35", 0x2b, 0x81, 0x04, 0x00, 0x23)                                     \
    ROW(OID_MD5_RSA, "md5WithRSAEncryption", "1.2.840.113549.1.1.4", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,     \
        0x01, 0x01, 0x04)                                                                                    \
    ROW(OID_SHA1_RSA, "sha1WithRSAEncryption", "1.2.840.113549.1.1.5", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,   \
        0x01, 0x01, 0x05)                                                                                    \
    ROW(OID_SHA224_RSA, "sha224WithRSAEncryption", "1.2.840.113549.1.1.14", 0x2a, 0x86, 0x48, 0x86, 0xf7,    \
        0x0d, 0x01, 0x01, 0x0e)                                                                              \
    ROW(OID_SHA256_RSA, "sha256WithRSAEncryption", "1.2.840.113549.1.1.11", 0x2a, 0x86, 0x48, 0x86, 0xf7,    \
        0x0d, 0x01, 0x01, 0x0b)                                                                              \
    ROW(OID_SHA384_RSA, "sha384WithRSAEncryption", "1.2.840.113549.1.1.12", 0x2a, 0x86, 0x48, 0x86, 0xf7,    \
        0x0d, 0x01, 0x01, 0x0c)                                                                              \
    ROW(OID_SHA512_RSA, "sha512WithRSAEncryption", "1.2.840.113549.1.1.13", 0x2a, 0x86, 0x48, 0x86, 0xf7,    \
        0x0d, 0x01, 0x01, 0x0d)                                                                              \
    ROW(OID_ECDSA_SHA1, "ecdsa-with-SHA1", "1.2.840.10045.4.1", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01)    \
    ROW(OID_ECDSA_SHA224, "ecdsa-with-SHA224", "1.2.840.10045.4.3.1", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,    \
        0x03, 0x01)                                                                                          \
    ROW(OID_ECDSA_SHA256, "ecdsa-with-SHA256", "1.2.840.10045.4.3.2", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,    \
        0x03, 0x02)                                                                                          \
    ROW(OID_ECDSA_SHA384, "ecdsa-with-SHA384", "1.2.840.10045.4.3.3", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,    \
        0x03, 0x03)                                                                                          \
    ROW(OID_ECDSA_SHA512, "ecdsa-with-SHA512", "1.2.840.10045.4.3.4", 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,    \
        0x03, 0x04)                                                                                          \
    ROW(OID_MD5, "md5", "1.2.840.113549.2.5", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05)                \
    ROW(OID_SHA1, "sha1", "1.3.14.3.2.26", 0x2b, 0x0e, 0x03, 0x02, 0x1a)                                     \
    ROW(OID_SHA224, "sha224", "2.16.840.1.101.3.4.2.4", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,      \
        0x04)                                                                                                \
    ROW(OID_SHA256, "sha256", "2.16.840.1.101.3.4.2.1", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,      \
        0x01)                                                                                                \
    ROW(OID_SHA384, "sha384", "2.16.840.1.101.3.4.2.2", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,      \
        0x02)                                                                                                \
    ROW(OID_SHA512, "sha512", "2.16.840.1.101.3.4.2.3", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,      \
        0x03)                                                                                                \
    ROW(OID_HMAC_SHA1, "hmacWithSHA1", "1.2.840.113549.2.7", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x07) \
    ROW(OID_HMAC_SHA224, "hmacWithSHA224", "1.2.840.113549.2.8", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02,   \
        0x08)                                                                                                \
    ROW(OID_HMAC_SHA256, "hmacWithSHA256", "1.2.840.113549.2.9", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02,   \
        0x09)                                                                                                \
    ROW(OID_HMAC_SHA384, "hmacWithSHA384", "1.2.840.113549.2.10", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02,  \
        0x0a)                                                                                                \
    ROW(OID_HMAC_SHA512, "hmacWithSHA512", "1.2.840.113549.2.11", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02,  \
        0x0b)                                                                                                \
    ROW(OID_DES_CBC, "des-cbc", "1.3.14.3.2.7", 0x2b, 0x0e, 0x03, 0x02, 0x07)                                \
    ROW(OID_DES3_CBC, "des-ede3-cbc", "1.2.840.113549.3.7", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07)  \
    ROW(OID_AES128_CBC, "aes128-cbc", "2.16.840.1.101.3.4.1.2", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,    \
        0x01, 0x02)                                                                                          \
    ROW(OID_AES192_CBC, "aes192-cbc", "2.16.840.1.101.3.4.1.22", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,   \
        0x01, 0x16)                                                                                          \
    ROW(OID_AES256_CBC, "aes256-cbc", "2.16.840.1.101.3.4.1.42", 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,   \
        0x01, 0x2a)                                                                                          \
    ROW(OID_RC2_CBC, "rc2-cbc", "1.2.840.113549.3.2", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x02)        \
    ROW(OID_PBKDF2, "PBKDF2", "1.2.840.113549.1.5.12", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c) \
    ROW(OID_PWRI_KEK, "PWRI-KEK", "1.2.840.113549.1.9.16.3.9", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,     \
        0x09, 0x10, 0x03, 0x09)                                                                              \
    ROW(OID_RSAES_OAEP, "RSAES-OAEP", "1.2.840.113549.1.1.7", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,      \
        0x01, 0x07)                                                                                          \
    ROW(OID_DATA, "data", "1.2.840.113549.1.7.1", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01)      \
    ROW(OID_SIGNED_DATA, "signedData", "1.2.840.113549.1.7.2", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,     \
        0x07, 0x02)                                                                                          \
    ROW(OID_ENVELOPED_DATA, "envelopedData", "1.2.840.113549.1.7.3", 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,     \
        0x01, 0x07, 0x03)                                                                                    \
    ROW(OID_SCEP_MESSAGE_TYPE, "messageType", "2.16.840.1.113733.1.9.2", 0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, \
        0x45, 0x01, 0x09, 0x02)                                                                              \
    ROW(OID_SCEP_PKI_STATUS, "pkiStatus", "2.16.840.1.113733.1.9.3", 0x60, 0x86, 0x48, 0x01, 0x86, 0xf8,     \
        0x45, 0x01, 0x09, 0x03)                                                                              \
    ROW(OID_SCEP_FAIL_INFO, "failInfo", "2.16.840.1.113733.1.9.4", 0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x45, \
        0x01, 0x09, 0x04)                                                                                    \
    ROW(OID_SCEP_SENDER_NONCE, "senderNonce", "2.16.840.1.113733.1.9.5", 0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, \
        0x45, 0x01, 0x09, 0x05)                                                                              \
    ROW(OID_SCEP_RECIPIENT_NONCE, "recipientNonce", "2.16.840.1.113733.1.9.6", 0x60, 0x86, 0x48, 0x01, 0x86, \
        0xf8, 0x45, 0x01, 0x09, 0x06)                                                                        \
    ROW(OID_SCEP_TRANSACTION_ID, "transactionID", "2.16.840.1.113733.1.9.7", 0x60, 0x86, 0x48, 0x01, 0x86,   \
        0xf8, 0x45, 0x01, 0x09, 0x07)                                                                        \
    ROW(OID_SCEP_FAIL_INFO_TEXT, "failInfoText", "1.3.6.1.5.5.7.24.1", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07,   \
        0x18, 0x01)                                                                                          \
    ROW(OID_SKI, "subjectKeyIdentifier", "2.5.29.14", 0x55, 0x1d, 0x0e)                                      \
    ROW(OID_KEY_USAGE, "keyUsage", "2.5.29.15", 0x55, 0x1d, 0x0f)                                            \
    ROW(OID_SAN, "subjectAltName", "2.5.29.17", 0x55, 0x1d, 0x11)                                            \
    ROW(OID_ISSUER_ALT_NAME, "issuerAltName", "2.5.29.18", 0x55, 0x1d, 0x12)                                 \
    ROW(OID_BASIC_CONSTRAINTS, "basicConstraints", "2.5.29.19", 0x55, 0x1d, 0x13)                            \
    ROW(OID_CRL_NUMBER, "cRLNumber", "2.5.29.20", 0x55, 0x1d, 0x14)                                          \
    ROW(OID_CRL_REASON, "reasonCode", "2.5.29.21", 0x55, 0x1d, 0x15)                                         \
    ROW(OID_INVALIDITY_DATE, "invalidityDate", "2.5.29.24", 0x55, 0x1d, 0x18)                                \
    ROW(OID_DELTA_CRL, "deltaCRLIndicator", "2.5.29.27", 0x55, 0x1d, 0x1b)                                   \
    ROW(OID_ISSUING_DP, "issuingDistributionPoint", "2.5.29.28", 0x55, 0x1d, 0x1c)                           \
    ROW(OID_NAME_CONSTRAINTS, "nameConstraints", "2.5.29.30", 0x55, 0x1d, 0x1e)                              \
    ROW(OID_CDP, "cRLDistributionPoints", "2.5.29.31", 0x55, 0x1d, 0x1f)                                     \
    ROW(OID_CERTIFICATE_POLICIES, "certificatePolicies", "2.5.29.32", 0x55, 0x1d, 0x20)                      \
    ROW(OID_AKI, "authorityKeyIdentifier", "2.5.29.35", 0x55, 0x1d, 0x23)                                    \
    ROW(OID_POLICY_CONSTRAINTS, "policyConstraints", "2.5.29.36", 0x55, 0x1d, 0x24)                          \
    ROW(OID_EKU, "extKeyUsage", "2.5.29.37", 0x55, 0x1d, 0x25)                                               \
    ROW(OID_FRESHEST_CRL, "freshestCRL", "2.5.29.46", 0x55, 0x1d, 0x2e)                                      \
    ROW(OID_AIA, "authorityInfoAccess", "1.3.6.1.5.5.7.1.1", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01) \
    ROW(OID_ANY_POLICY, "anyPolicy", "2.5.29.32.0", 0x55, 0x1d, 0x20, 0x00)                                  \
    ROW(OID_CPS, "cps", "1.3.6.1.5.5.7.2.1", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01)                 \
    ROW(OID_AD_OCSP, "ocsp", "1.3.6.1.5.5.7.48.1", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01)           \
    ROW(OID_AD_CA_ISSUERS, "caIssuers", "1.3.6.1.5.5.7.48.2", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30,      \
        0x02)                                                                                                \
    ROW(OID_OCSP_NOCHECK, "ocspNoCheck", "1.3.6.1.5.5.7.48.1.5", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30,   \
        0x01, 0x05)                                                                                          \
    ROW(OID_EKU_SERVER_AUTH, "serverAuth", "1.3.6.1.5.5.7.3.1", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,    \
        0x01)                                                                                                \
    ROW(OID_EKU_CLIENT_AUTH, "clientAuth", "1.3.6.1.5.5.7.3.2", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,    \
        0x02)                                                                                                \
    ROW(OID_EKU_CODE_SIGNING, "codeSigning", "1.3.6.1.5.5.7.3.3", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,  \
        0x03)                                                                                                \
    ROW(OID_EKU_EMAIL_PROTECTION, "emailProtection", "1.3.6.1.5.5.7.3.4", 0x2b, 0x06, 0x01, 0x05, 0x05,      \
        0x07, 0x03, 0x04)                                                                                    \
    ROW(OID_EKU_TIME_STAMPING, "timeStamping", "1.3.6.1.5.5.7.3.8", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07,      \
        0x03, 0x08)                                                                                          \
    ROW(OID_EKU_OCSP_SIGNING, "OCSPSigning", "1.3.6.1.5.5.7.3.9", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,  \
        0x09)                                                                                                \
    ROW(OID_EKU_ANY, "anyExtendedKeyUsage", "2.5.29.37.0", 0x55, 0x1d, 0x25, 0x00)                           \
    ROW(OID_EKU_IPSEC_END_SYSTEM, "ipsecEndSystem", "1.3.6.1.5.5.7.3.5", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, \
        0x03, 0x05)                                                                                          \
    ROW(OID_EKU_IPSEC_TUNNEL, "ipsecTunnel", "1.3.6.1.5.5.7.3.6", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,  \
        0x06)                                                                                                \
    ROW(OID_EKU_IPSEC_USER, "ipsecUser", "1.3.6.1.5.5.7.3.7", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,      \
        0x07)                                                                                                \
    ROW(OID_EKU_IPSEC_IKE, "ipsecIKE", "1.3.6.1.5.5.7.3.17", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x11) \
    ROW(OID_EKU_PKINIT_CLIENT, "pkinitClient", "1.3.6.1.5.2.3.4", 0x2b, 0x06, 0x01, 0x05, 0x02, 0x03, 0x04)  \
    ROW(OID_EKU_PKINIT_KDC, "pkinitKDC", "1.3.6.1.5.2.3.5", 0x2b, 0x06, 0x01, 0x05, 0x02, 0x03, 0x05)        \
    ROW(OID_EKU_SMARTCARD_LOGON, "smartcardLogon", "1.3.6.1.4.1.311.20.2.2", 0x2b, 0x06, 0x01, 0x04, 0x01,   \
        0x82, 0x37, 0x14, 0x02, 0x02)                                                                        \
    ROW(OID_EKU_REQUEST_AGENT, "certificateRequestAgent", "1.3.6.1.4.1.311.20.2.1", 0x2b, 0x06, 0x01, 0x04,  \
        0x01, 0x82, 0x37, 0x14, 0x02, 0x01)                                                                  \
    ROW(OID_EKU_EFS, "efs", "1.3.6.1.4.1.311.10.3.4", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x03,  \
        0x04)                                                                                                \
    ROW(OID_EKU_DOCUMENT_SIGNING, "documentSigning", "1.3.6.1.4.1.311.10.3.12", 0x2b, 0x06, 0x01, 0x04,      \
        0x01, 0x82, 0x37, 0x0a, 0x03, 0x0c)                                                                  \
    ROW(OID_MS_UPN, "userPrincipalName", "1.3.6.1.4.1.311.20.2.3", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, \
        0x14, 0x02, 0x03)                                                                                    \
    ROW(OID_MS_SID_EXTENSION, "ntdsCaSecurityExt", "1.3.6.1.4.1.311.25.2", 0x2b, 0x06, 0x01, 0x04, 0x01,     \
        0x82, 0x37, 0x19, 0x02)                                                                              \
    ROW(OID_MS_SID, "ntdsObjectSid", "1.3.6.1.4.1.311.25.2.1", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37,     \
        0x19, 0x02, 0x01)                                                                                    \
    ROW(OID_MS_TEMPLATE_NAME, "certificateTemplateName", "1.3.6.1.4.1.311.20.2", 0x2b, 0x06, 0x01, 0x04,     \
        0x01, 0x82, 0x37, 0x14, 0x02)                                                                        \
    ROW(OID_MS_TEMPLATE_INFO, "certificateTemplate", "1.3.6.1.4.1.311.21.7", 0x2b, 0x06, 0x01, 0x04, 0x01,   \
        0x82, 0x37, 0x15, 0x07)                                                                              \
    ROW(OID_MS_APPLICATION_POLICIES, "applicationPolicies", "1.3.6.1.4.1.311.21.10", 0x2b, 0x06, 0x01, 0x04, \
        0x01, 0x82, 0x37, 0x15, 0x0a)                                                                        \
    ROW(OID_MS_CA_VERSION, "caVersion", "1.3.6.1.4.1.311.21.1", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37,    \
        0x15, 0x01)                                                                                          \
    ROW(OID_MS_PREVIOUS_CA_HASH, "previousCaHash", "1.3.6.1.4.1.311.21.2", 0x2b, 0x06, 0x01, 0x04, 0x01,     \
        0x82, 0x37, 0x15, 0x02)                                                                              \
    ROW(OID_MS_NEXT_PUBLISH, "nextPublish", "1.3.6.1.4.1.311.21.4", 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82,      \
        0x37, 0x15, 0x04)                                                                                    \
    ROW(OID_PKINIT_SAN, "pkinitSan", "1.3.6.1.5.2.2", 0x2b, 0x06, 0x01, 0x05, 0x02, 0x02)

#endif
