# SPDX-License-Identifier: BSD-2-Clause

"""A small HTTP/1.1 server for partner simulators, standard library only.

It decides how bytes travel: keep-alive, slowly, by halves, or not at all.
What an answer says is decided by the simulator, a plain function from a
Request to an Answer; this file knows no partner.
"""

import asyncio
import errno
import json
import os
import resource
import signal
import socket
import ssl
import struct
import sys

MAX_HEAD = 65536
BACKLOG = 4096
LINGER_RESET = struct.pack("ii", 1, 0)
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           411: "Length Required", 413: "Content Too Large",
           500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}


class Request:
    __slots__ = ("method", "path", "headers", "body", "peer", "keep_alive")

    def __init__(self, method, path, headers, peer, keep_alive):
        self.method = method
        self.path = path
        self.headers = headers      # lower-case names
        self.peer = peer            # IP address
        self.keep_alive = keep_alive
        self.body = b""


class Answer:
    """manner is how it travels: plain, chunked, half, drip, hang, close (no
    answer), reset (RST in the middle), reset-silent (RST, no byte before)."""

    __slots__ = ("status", "body", "content_type", "manner", "delay_ms")

    def __init__(self, status=200, body=b"", content_type="application/json",
                 manner="plain", delay_ms=0):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.manner = manner
        self.delay_ms = delay_ms


def json_answer(value, status=200):
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(),
                  "application/json; charset=utf-8")


class Refused(Exception):
    """This request cannot be read: one answer, then the connection ends."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Connection(asyncio.Protocol):

    def __init__(self, handle, max_body):
        self.handle = handle
        self.max_body = max_body
        self.buffer = bytearray()
        self.request = None         # head read, body still coming
        self.body_len = 0
        self.is_busy = False        # an answer is on its way
        self.transport = None
        self.peer = ""

    def connection_made(self, transport):
        self.transport = transport
        self.peer = transport.get_extra_info("peername")[0]

    def connection_lost(self, exc):
        self.transport = None
        self.buffer.clear()

    def data_received(self, data):
        self.buffer += data
        self.pump()

    def pump(self):
        try:
            while self.transport and not self.is_busy and self.read_request():
                request, self.request = self.request, None
                self.answer(request, self.handle(request))
        except Refused as refused:
            self.refuse(refused.status)

    def refuse(self, status):
        self.buffer.clear()
        self.is_busy = True
        self.transport.write(self.head(Answer(status), False))
        self.transport.close()

    def read_request(self):
        """True when self.request is whole."""
        if self.request is None and not self.read_head():
            return False
        if len(self.buffer) < self.body_len:
            return False
        self.request.body = bytes(memoryview(self.buffer)[:self.body_len])
        del self.buffer[:self.body_len]
        return True

    def read_head(self):
        end = self.buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self.buffer) >= MAX_HEAD:
                raise Refused(400)
            return False
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        del self.buffer[:end + 4]
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Refused(400)
            headers[name.lower()] = value.strip()
        self.start(lines[0].split(" "), headers)
        return True

    def start(self, line, headers):
        if len(line) != 3 or not line[2].startswith("HTTP/1."):
            raise Refused(400)
        if "transfer-encoding" in headers:
            raise Refused(411)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 12:
            raise Refused(400)
        self.body_len = int(length)
        if self.body_len > self.max_body:
            raise Refused(413)
        wish = headers.get("connection", "").lower()
        keep = wish != "close" if line[2] == "HTTP/1.1" else \
            wish == "keep-alive"
        self.request = Request(line[0], line[1], headers, self.peer, keep)
        if headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # --- answers ---

    def answer(self, request, answer):
        if answer.manner == "plain" and not answer.delay_ms:
            self.send_plain(request, answer)
            return
        self.is_busy = True
        send = getattr(self, "send_" + answer.manner.replace("-", "_"))
        asyncio.get_running_loop().call_later(
            answer.delay_ms / 1000, self.send_late, send, request, answer)

    def send_late(self, send, request, answer):
        if self.transport is None:
            return
        send(request, answer)

    def finish(self, request):
        self.is_busy = False
        if self.transport is None:
            return
        if request.keep_alive:
            self.pump()
        else:
            self.transport.close()

    @staticmethod
    def head(answer, keep_alive, length=None):
        length = len(answer.body) if length is None else length
        size = "Transfer-Encoding: chunked" if length < 0 \
            else f"Content-Length: {length}"
        return (f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}"
                f"\r\nContent-Type: {answer.content_type}\r\n{size}\r\n"
                f"Connection: {'keep-alive' if keep_alive else 'close'}"
                "\r\n\r\n").encode("latin-1")

    def send_plain(self, request, answer):
        was_busy = self.is_busy
        self.transport.write(
            self.head(answer, request.keep_alive) + answer.body)
        if was_busy:
            self.finish(request)
        elif not request.keep_alive:
            self.transport.close()

    def send_chunked(self, request, answer):
        parts = [self.head(answer, request.keep_alive, -1)]
        for i in range(0, len(answer.body), 7):
            part = answer.body[i:i + 7]
            parts.append(b"%x\r\n%b\r\n" % (len(part), part))
        parts.append(b"0\r\n\r\n")
        self.transport.write(b"".join(parts))
        self.finish(request)

    def send_half(self, request, answer):
        self.transport.write(self.head(answer, request.keep_alive)
                             + answer.body[:len(answer.body) // 2])
        self.transport.close()

    def send_drip(self, request, answer):
        asyncio.get_running_loop().create_task(self.drip(request, answer))

    async def drip(self, request, answer):
        everything = self.head(answer, request.keep_alive) + answer.body
        for i in range(len(everything)):
            if self.transport is None:
                return
            self.transport.write(everything[i:i + 1])
            await asyncio.sleep(max(answer.delay_ms, 1) / 1000)
        self.finish(request)

    def send_hang(self, request, answer):
        pass                        # until the client has enough

    def send_close(self, request, answer):
        self.transport.close()

    def send_reset(self, request, answer):
        half = self.head(answer, True) + answer.body
        self.transport.write(half[:len(half) // 2])
        self.send_reset_silent(request, answer)

    def send_reset_silent(self, request, answer):
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.transport.abort()


def write_port(path, port):
    """Readers see the whole number or no file."""
    with open(path + ".tmp", "w", encoding="ascii") as file:
        file.write(f"{port}\n")
    os.rename(path + ".tmp", path)


def listen_socket(host, port):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


async def serve(listeners):
    """listeners: dicts of host, port, port_file, tls, handle, max_body.
    Returns after SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    for one in listeners:
        sock = listen_socket(one["host"], one["port"])
        await loop.create_server(
            lambda one=one: Connection(one["handle"], one["max_body"]),
            sock=sock, ssl=one["tls"], backlog=BACKLOG)
        if one["port_file"]:
            write_port(one["port_file"], sock.getsockname()[1])
    await stop.wait()


def run(listeners):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        asyncio.run(serve(listeners))
    except OSError as error:
        sys.exit(f"simulator: {errno.errorcode.get(error.errno, '?')}: "
                 f"{error.strerror}")
