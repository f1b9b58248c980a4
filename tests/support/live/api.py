"""Plain requests to an API server for tests: kept-alive connections, one per thread, as many at once as wanted."""

from __future__ import annotations

import copy
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

THREADS = 8
IDLE_SECONDS = 30.0
"""A kept connection that was idle for longer is not used again: the server closes it after 90 seconds."""


def until(holds: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait until something holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    """Status and decoded body of one answer."""

    status: int
    content: Any

    def expect(self, *statuses: int) -> Any:
        """Return the body; fail where the status is none of these."""
        assert self.status in statuses, f"{self.status}: {self.content}"
        return self.content


class Api:
    """An API server as one identity reaches it.

    Parameters
    ----------
    url
        Address of the server.
    authority
        Certificate that the server is verified with.
    client
        Certificate and key of the identity.
    """

    def __init__(self, url: str, authority: Path, client: tuple[Path, Path]) -> None:
        self._place = urlsplit(url)
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(*map(str, client))
        self._local = threading.local()
        self._headers: tuple[tuple[str, str], ...] = (("Accept", "application/json"),)

    def impersonating(self, user: str, groups: Iterable[str]) -> Api:
        """Return the same connections in the name of somebody else, for identities that may do so.

        Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
        """
        other = copy.copy(self)
        other._headers += (("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups))
        return other

    def request(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> Answer:
        """Send one request on this thread's connection; `kind` is the content type of its body."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = (*self._headers, ("Content-Type", kind), ("Content-Length", str(len(content))))
        try:
            status, received = self._send(method, path, headers, content)
        except (ssl.SSLEOFError, ConnectionError):
            # The server closes connections that were long idle; a new one is told apart by failing again.
            status, received = self._send(method, path, headers, content)
        try:
            return Answer(status, json.loads(received))
        except ValueError:
            return Answer(status, received.decode(errors="replace"))

    def _send(self, method: str, path: str, headers: Iterable[tuple[str, str]], content: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(content)
            reply = connection.getresponse()
            return reply.status, reply.read()
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            raise

    def many(self, requests: Iterable[tuple[str, str, Any]], *, kind: str = "application/json") -> list[Answer]:
        """Send (method, path, body) on several connections at once; answers come in the order of the requests."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda each: self.request(*each, kind=kind), requests))

    def get(self, path: str) -> Any:
        """Return what stands at a path."""
        return self.request("GET", path).expect(200)

    def create(self, path: str, obj: Mapping[str, Any]) -> Any:
        """Create an object in a list; return it as the server made it."""
        return self.request("POST", path, obj).expect(200, 201)

    def replace(self, path: str, obj: Mapping[str, Any]) -> Any:
        """Put an object in the place of what is there."""
        return self.request("PUT", path, obj).expect(200, 201)

    def merge(self, path: str, change: Mapping[str, Any]) -> Any:
        """Change an object by a merge patch."""
        return self.request("PATCH", path, change, kind="application/merge-patch+json").expect(200)

    def delete(self, path: str) -> Any:
        """Delete an object."""
        return self.request("DELETE", path).expect(200, 202)

    def _connection(self) -> http.client.HTTPSConnection:
        held: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if held is not None and time.monotonic() - self._local.used > IDLE_SECONDS:
            held.close()
            held = None
        if held is None:
            host, port = self._place.hostname or "", self._place.port
            held = http.client.HTTPSConnection(host, port, context=self._context, timeout=60)
            held.connect()
            held.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._local.connection = held
        self._local.used = time.monotonic()
        return held
