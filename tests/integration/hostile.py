#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm, for test_hostile.sh.

usage: hostile.py PORT MESSAGE COUNT SECONDS

Holds COUNT idle connections and, for SECONDS, every kind of slow, endless, cut-off and broken request below, each in
a thread of its own, again and again. MESSAGE is the file of a real SCEP message. Prints how often each kind ended as
it should. Exits 1 with the reason if a kind of request was answered otherwise than it must be.
"""
import base64
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse

PORT, MESSAGE, COUNT, SECONDS = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
ADDRESS = ("127.0.0.1", PORT)
POST = "POST /scep/lab?operation=PKIOperation HTTP/1.1\r\nHost: ca\r\nContent-Type: application/x-pki-message\r\n"
CAPS = b"GET /scep/lab?operation=GetCACaps HTTP/1.1\r\nHost: ca\r\n\r\n"
end = time.monotonic() + SECONDS
counts, wrong = {}, []
lock = threading.Lock()


class Unexpected(Exception):
    """An answer that must not be."""


def connect():
    return socket.create_connection(ADDRESS, timeout=30)


def until_closed(connection):
    """All that the server still says; a reset ends it too."""
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def drip(head, octet, pause):
    """Octets one by one until the server has had enough."""
    start = time.monotonic()
    with connect() as connection:
        try:
            connection.sendall(head)
            while time.monotonic() < start + 30:
                connection.sendall(octet)
                time.sleep(pause)
            raise Unexpected("a request that drips is borne for 30 s")
        except ConnectionError:
            pass


def slow_header():
    drip(b"GET / HTTP/1.1\r\nX: ", b"x", 0.05)


def slow_body():
    drip((POST + "Content-Length: 5000\r\n\r\n").encode(), b"0", 0.05)


def half_header():
    with connect() as connection:
        connection.sendall(b"GET /scep/lab?operation=GetCACaps HTTP/1.1\r\nHos")
        until_closed(connection)


def endless_body():
    """Chunked, without an end: refused when it is larger than SCEP's MiB."""
    chunk = b"10000\r\n" + b"\0" * 65536 + b"\r\n"
    sent = 0
    with connect() as connection:
        connection.sendall((POST + "Transfer-Encoding: chunked\r\n\r\n").encode())
        try:
            while sent < 64 << 20:
                connection.sendall(chunk)
                sent += 65536
            raise Unexpected("64 MiB of a body were taken")
        except ConnectionError:
            pass


def long_query():
    """A real message by GET in a request line of just below 64 KiB (other arguments fill it)."""
    with open(MESSAGE, "rb") as file:
        message = urllib.parse.quote(base64.b64encode(file.read()), safe="")
    query = "/scep/lab?operation=PKIOperation&message=" + message + "&filler="
    query += "x" * (65536 - 100 - len(query))
    with connect() as connection:
        connection.sendall(("GET %s HTTP/1.1\r\nHost: ca\r\nConnection: close\r\n\r\n" % query).encode())
        answer = until_closed(connection)
    if not answer.startswith(b"HTTP/1.1 200 ") or b"application/x-pki-message" not in answer:
        raise Unexpected("a message in a line of 64 KiB: %r" % answer[:200])


def longer_query():
    """Ten times of what is allowed."""
    with connect() as connection:
        try:
            connection.sendall(b"GET /scep?" + b"x" * 640000 + b" HTTP/1.1\r\nHost: ca\r\n\r\n")
        except ConnectionError:
            return
        answer = until_closed(connection)
    if answer and not answer.startswith(b"HTTP/1.1 4"):
        raise Unexpected("a line of 640 KB: %r" % answer[:200])


def pipelined():
    """Fifty requests at once: fifty answers in order, none lost."""
    with connect() as connection:
        connection.sendall(CAPS * 49 + CAPS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = until_closed(connection)
    if answer.count(b"HTTP/1.1 200 ") != 50:
        raise Unexpected("of 50 pipelined requests %d were answered" % answer.count(b"HTTP/1.1 200 "))


def reset_in_reply():
    """A hundred requests, a few octets of the first reply read, then RST."""
    connection = connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with open(MESSAGE, "rb") as file:
        message = file.read()
    connection.sendall(CAPS * 100 + (POST + "Content-Length: %d\r\n\r\n" % len(message)).encode() + message)
    connection.recv(10)
    connection.close()


def reset_at_work():
    """A real message, and gone before its reply."""
    connection = connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with open(MESSAGE, "rb") as file:
        message = file.read()
    connection.sendall((POST + "Content-Length: %d\r\n\r\n" % len(message)).encode() + message)
    connection.close()
    time.sleep(0.02)


def unread_reply():
    """Asks a thousand times and reads nothing, so that the server's replies wait."""
    with connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(2)
        try:
            connection.sendall(CAPS.replace(b"GetCACaps", b"GetCACert") * 1000)
        except (ConnectionError, socket.timeout):
            pass
        time.sleep(1)


def two_lengths():
    with connect() as connection:
        connection.sendall((POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode())
        answer = until_closed(connection)
    if not answer.startswith(b"HTTP/1.1 400 "):
        raise Unexpected("two lengths: %r" % answer[:200])


def garbage_posts():
    """Two hundred at once, each of its own size."""
    connections = [connect() for _ in range(200)]
    for connection in connections:
        body = os.urandom(1 + int.from_bytes(os.urandom(2), "big") // 16)
        connection.sendall((POST + "Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)).encode() + body)
    for connection in connections:
        answer = until_closed(connection)
        connection.close()
        if not answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 503 ")):
            raise Unexpected("garbage: %r" % answer[:200])


def garbage_request():
    """No HTTP at all: TLS's first octets, NULs, noise."""
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(300), b"\0" * 4096, os.urandom(20000)):
        with connect() as connection:
            try:
                connection.sendall(noise + b"\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                continue
            answer = until_closed(connection)
        if b" 200 " in answer[:20]:
            raise Unexpected("noise: %r" % answer[:200])


KINDS = [slow_header, slow_body, half_header, endless_body, long_query, longer_query, pipelined, reset_in_reply,
         reset_at_work, unread_reply, two_lengths, garbage_posts, garbage_request]


def again_and_again(kind):
    while time.monotonic() < end and not wrong:
        try:
            kind()
            with lock:
                counts[kind.__name__] = counts.get(kind.__name__, 0) + 1
        except Exception as what:  # whatever it is, it fails the test with its name
            with lock:
                wrong.append("%s: %s: %s" % (kind.__name__, type(what).__name__, what))


idle = [connect() for _ in range(COUNT)]
print("ready", flush=True)
threads = [threading.Thread(target=again_and_again, args=(kind,)) for kind in KINDS]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
alive = 0
for connection in idle:
    connection.setblocking(False)
    try:
        alive += connection.recv(1) != b""
    except BlockingIOError:
        alive += 1
    except ConnectionError:
        pass
    connection.close()
print("idle connections that were kept: %d of %d" % (alive, COUNT))
print(" ".join("%s=%d" % (kind.__name__, counts.get(kind.__name__, 0)) for kind in KINDS))
never = [kind.__name__ for kind in KINDS if not counts.get(kind.__name__)]
if never and not wrong:
    wrong.append("never ended: " + " ".join(never))
if wrong:
    sys.exit("\n".join(wrong))
