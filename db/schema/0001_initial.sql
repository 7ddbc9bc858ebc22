-- SPDX-License-Identifier: Apache-2.0
--
-- The first schema. Times are Unix seconds. Digests and serials are octets.
-- Indexes are few, for each costs every issue one page; what each is for stands beside it.

-- One row: numbers that would need a scan, kept in the transactions that change them.
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last_commit_s INTEGER NOT NULL DEFAULT 0,
    revocation_version INTEGER NOT NULL DEFAULT 0,
    certificates INTEGER NOT NULL DEFAULT 0,    -- all
    revoked INTEGER NOT NULL DEFAULT 0,         -- without those on hold
    held INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0,         -- neither revoked nor held, not_after_s < expired_until_s
    expired_until_s INTEGER NOT NULL DEFAULT 0,
    requests_issued INTEGER NOT NULL DEFAULT 0,
    requests_pending INTEGER NOT NULL DEFAULT 0,
    requests_denied INTEGER NOT NULL DEFAULT 0,
    requests_failed INTEGER NOT NULL DEFAULT 0,
    strangers INTEGER NOT NULL DEFAULT 0        -- rows of request with stranger = 1
);
INSERT INTO state (only) VALUES (1);

CREATE TABLE request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_s INTEGER NOT NULL,
    decided_s INTEGER NOT NULL,                 -- 0: pending
    lapses_s INTEGER NOT NULL,                  -- 0: does not
    disposition INTEGER NOT NULL CHECK (disposition BETWEEN 0 AND 3), -- issued, pending, denied, failed
    reason TEXT,
    protocol TEXT,
    profile TEXT,
    template TEXT,
    transaction_id TEXT,
    requester TEXT,
    decided_by TEXT,
    remote TEXT,
    subject TEXT,
    san TEXT,                                   -- JSON [[type, text], ...]
    lookup_values TEXT,                         -- JSON [[name, text], ...]
    key_fingerprint BLOB NOT NULL,
    retry_key BLOB,                             -- NULL: never replayed
    challenge_id INTEGER NOT NULL,              -- 0: none
    challenge_sha256 BLOB,
    renews BLOB,                                -- serial
    serial BLOB,
    sealed BLOB,
    csr BLOB,
    stranger INTEGER NOT NULL DEFAULT 0         -- 1: refused without challenge or log-in; so many are kept at most
);
-- which stranger's refusal is the oldest?
CREATE INDEX request_stranger ON request (id) WHERE stranger = 1;
-- is it a retry?
CREATE INDEX request_retry ON request (retry_key) WHERE disposition IN (0, 1);
-- a poll, and another key under the transactionID of a pending one
CREATE INDEX request_transaction ON request (profile, transaction_id) WHERE transaction_id IS NOT NULL;
-- lists of pending, denied and failed ones in order of id
CREATE INDEX request_unissued ON request (disposition) WHERE disposition <> 0;
-- which have lapsed?
CREATE INDEX request_lapses ON request (lapses_s) WHERE disposition = 1;

CREATE TABLE certificate (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id INTEGER NOT NULL,                -- 0: none
    created_s INTEGER NOT NULL,
    serial BLOB NOT NULL UNIQUE,
    issuer_key INTEGER NOT NULL,
    template TEXT,
    template_version INTEGER NOT NULL,
    profile TEXT,
    subject TEXT,
    subject_der BLOB,
    san TEXT,
    lookup_values TEXT,
    key_fingerprint BLOB NOT NULL,
    not_before_s INTEGER NOT NULL,
    not_after_s INTEGER NOT NULL,
    requester TEXT,
    renews BLOB,
    reason INTEGER,                             -- NULL: not revoked; as in the table revocation
    revoked_s INTEGER NOT NULL DEFAULT 0
);
-- is the key already certified, is it compromised?
CREATE INDEX certificate_key ON certificate (key_fingerprint);
-- what expires soon, how many have expired
CREATE INDEX certificate_expiry ON certificate (not_after_s) WHERE reason IS NULL;
-- lists of revoked and held ones in order of id
CREATE INDEX certificate_revoked ON certificate (id) WHERE reason IS NOT NULL;

-- Apart, so that lists and scans do not read it.
CREATE TABLE certificate_der (
    id INTEGER PRIMARY KEY REFERENCES certificate (id) ON DELETE CASCADE,
    der BLOB NOT NULL
);

-- lookup_values of certificates, to find them by one
CREATE TABLE certificate_value (
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    certificate_id INTEGER NOT NULL,
    PRIMARY KEY (name, text, certificate_id)
) WITHOUT ROWID;

-- What CRLs list, in the order in which they list it: a CRL is one sequential scan.
CREATE TABLE revocation (
    issuer_key INTEGER NOT NULL,
    serial_len INTEGER NOT NULL,
    serial BLOB NOT NULL,
    revoked_s INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    not_after_s INTEGER NOT NULL,
    version INTEGER NOT NULL,                   -- revocation_version that it brought
    PRIMARY KEY (issuer_key, serial_len, serial)
) WITHOUT ROWID;

CREATE TABLE challenge (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB NOT NULL UNIQUE,
    profile TEXT,
    template TEXT,
    lookup_values TEXT,
    created_s INTEGER NOT NULL,
    expires_s INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    used INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    created_by TEXT
);
-- how many are open
CREATE INDEX challenge_open ON challenge (expires_s, failures) WHERE used < uses;

CREATE TABLE crl (
    issuer_key INTEGER NOT NULL,
    number INTEGER NOT NULL,
    created_s INTEGER NOT NULL,
    this_update_s INTEGER NOT NULL,
    next_update_s INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    revocation_version INTEGER NOT NULL,
    PRIMARY KEY (issuer_key, number)
) WITHOUT ROWID;
-- the newest scheduled one
CREATE INDEX crl_scheduled ON crl (issuer_key, number) WHERE scheduled = 1;

-- Per CA key: the last CRL number that was claimed, and until when the claim holds.
CREATE TABLE crl_claim (
    issuer_key INTEGER PRIMARY KEY,
    number INTEGER NOT NULL,
    claimed_s INTEGER NOT NULL,
    lease_until_s INTEGER NOT NULL
);

CREATE TABLE device (
    uid TEXT PRIMARY KEY,
    lookup_values TEXT,
    updated_s INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE device_value (
    uid TEXT NOT NULL REFERENCES device (uid) ON DELETE CASCADE,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (uid, name)
) WITHOUT ROWID;
-- which device has this value
CREATE INDEX device_value_text ON device_value (name, text);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    time_s INTEGER NOT NULL,
    actor TEXT,
    action TEXT,
    object TEXT,
    detail TEXT,
    hash BLOB NOT NULL                          -- over the hash before it and this row
);
-- One row: the end of the chain.
CREATE TABLE audit_head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id INTEGER NOT NULL,
    hash BLOB NOT NULL
);
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));
