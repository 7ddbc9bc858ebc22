#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What clients received is in the store to the octet, and what is in the store is complete.

usage: received.py DATABASE [DIRECTORY...]

DATABASE is a scepter.db that a server may be using. The *.pem files of the directories are
certificates that clients hold; the *.revoked files name serials whose revocation was confirmed.
"""
import glob
import os
import sqlite3
import ssl
import sys

# Each statement finds rows that must not be; its first column says which.
IMPOSSIBLE = {
    "a certificate without its octets": "SELECT hex(serial) FROM certificate WHERE id NOT IN (SELECT id FROM certificate_der)",
    "an issued request without its certificate": "SELECT id FROM request WHERE disposition = 0 AND "
    "(serial IS NULL OR serial NOT IN (SELECT serial FROM certificate))",
    "a device's certificate without its request": "SELECT hex(serial) FROM certificate WHERE profile IS NOT NULL AND "
    "request_id NOT IN (SELECT id FROM request WHERE disposition = 0)",
    "a challenge used too often": "SELECT id FROM challenge WHERE used > uses",
    "a challenge whose count does not agree with its requests": "SELECT c.id FROM challenge c WHERE c.used <> "
    "(SELECT count(*) FROM request r WHERE r.challenge_id = c.id AND r.disposition IN (0, 1))",
    "a subject that got two certificates": "SELECT subject FROM certificate WHERE subject LIKE 'CN=once-%' "
    "GROUP BY subject HAVING count(*) > 1",
    "a revoked certificate that no CRL will name": "SELECT hex(serial) FROM certificate WHERE reason IS NOT NULL "
    "AND serial NOT IN (SELECT serial FROM revocation)",
}


def main():
    database = sqlite3.connect(sys.argv[1])
    wrong = []
    integrity = database.execute("PRAGMA integrity_check").fetchall()
    if integrity != [("ok",)]:
        wrong.append("integrity_check: %s" % integrity[:5])
    for what, query in IMPOSSIBLE.items():
        wrong += ["%s: %s" % (what, row[0]) for row in database.execute(query).fetchall()[:5]]
    stored = dict(database.execute("SELECT d.der, c.serial FROM certificate_der d JOIN certificate c ON c.id = d.id"))
    revoked = {row[0] for row in database.execute("SELECT serial FROM certificate WHERE reason IS NOT NULL")}
    count = 0
    for directory in sys.argv[2:]:
        for path in glob.glob(os.path.join(directory, "*.pem")):
            count += 1
            with open(path, encoding="ascii") as file:
                if ssl.PEM_cert_to_DER_cert(file.read()) not in stored:
                    wrong.append("lost: " + path)
        for path in glob.glob(os.path.join(directory, "*.revoked")):
            if bytes.fromhex(os.path.basename(path)[: -len(".revoked")]) not in revoked:
                wrong.append("no longer revoked: " + path)
    if wrong:
        sys.exit("\n".join(wrong))
    print(count)


main()
