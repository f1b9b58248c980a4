"""Requests to an API server: read-only, patient, and never shorter than what was sent.

The official client gives configuration and authentication; the requests themselves are plain ones on
its connection pool, because its typed models drop unknown fields, rewrite times and lose a whole list
over one bad object, and because its own request methods changed between versions 35 and 37.
"""

from __future__ import annotations

import email.utils
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import urllib3

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import no_cyclic_collection

ATTEMPTS: Final = 5
LONGEST_WAIT_SECONDS: Final = 30.0
BUSY: Final = frozenset([429, 500, 502, 503, 504])
"""Answers after which asking again may help."""

JSON: Final = "application/json"


class CollectError(InputError):
    """A cluster cannot be read at all: configuration, connection or credentials."""


@dataclass(frozen=True)
class Reply:
    """What came back for one request.

    `status` is the HTTP status, 0 where no whole answer came; `content` is the decoded body of a
    success; `words` say what went wrong, in the server's own words where it had any.
    """

    status: int
    content: Any = None
    words: str = ""
    token: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the request was answered in full."""
        return self.status == 200


@dataclass
class Server:
    """One API server, as a kubeconfig context or a pod's own token reaches it.

    Parameters
    ----------
    api_client
        The official client's `ApiClient`: where the server is, and who asks.
    timeout_seconds
        Limit of one request.
    sleep, jitter
        Replaced in tests.
    """

    api_client: Any
    timeout_seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)

    def get(self, path: str, query: Mapping[str, Any] | None = None, accept: str = JSON) -> Reply:
        """Ask for a path until it is answered, or until asking again makes no sense.

        Busy servers and broken connections are asked again a few times, after the time they name;
        a refused credential once, because tokens are renewed in between.
        """
        reply = Reply(0, words="was not asked")
        for attempt in range(ATTEMPTS):
            reply, wait = self._once(path, query or {}, accept)
            again = reply.status in BUSY or reply.status == 0 or (reply.status == 401 and attempt == 0)
            if not again or attempt == ATTEMPTS - 1:
                break
            self.sleep(self._pause(attempt, wait))
        return reply

    def _once(self, path: str, query: Mapping[str, Any], accept: str) -> tuple[Reply, float | None]:
        """Ask once; return the reply and the seconds to wait that the server names."""
        url = f"{self.api_client.configuration.host.rstrip('/')}{path}"
        url += f"?{urlencode(query)}" if query else ""
        try:
            response = self.api_client.rest_client.pool_manager.request(
                "GET",
                url,
                headers={"Accept": accept, **self._credentials()},
                timeout=urllib3.Timeout(total=self.timeout_seconds),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return Reply(0, words=_transport_words(error)), None
        named = _seconds(response.headers.get("Retry-After"))
        return _reply(response.status, response.data, response.headers.get("Content-Length")), named

    def _credentials(self) -> dict[str, str]:
        """Return the authentication headers; tokens that are read from files are read again here."""
        settings = self.api_client.configuration.auth_settings().values()
        return {str(each["key"]): str(each["value"]) for each in settings if each["in"] == "header" and each["value"]}

    def _pause(self, attempt: int, named: float | None) -> float:
        if named is not None:
            return min(named, LONGEST_WAIT_SECONDS)
        return float(min(0.25 * 2**attempt * (1 + self.jitter()), LONGEST_WAIT_SECONDS))


def _reply(status: int, body: bytes, length: str | None) -> Reply:
    if length is not None and length.isdecimal() and int(length) != len(body):
        return Reply(0, words=f"the answer was cut off after {len(body)} of {length} bytes")
    try:
        with no_cyclic_collection():
            content = json.loads(body)
    except (ValueError, RecursionError):
        if status == 200:
            return Reply(0, words=f"the answer is not JSON to its end ({len(body)} bytes)")
        return Reply(status, words=f"HTTP status {status}")
    if status == 200:
        return Reply(status, content)
    said = content if isinstance(content, dict) else {}
    metadata = said.get("metadata")
    token = metadata.get("continue") if isinstance(metadata, dict) else None
    return Reply(status, words=str(said.get("message") or f"HTTP status {status}"), token=str(token or ""))


def _seconds(header: str | None) -> float | None:
    """Return the seconds that `Retry-After` names, as a number or as a date.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(moment.timestamp() - time.time(), 0.0)


def _transport_words(error: Exception) -> str:
    """Return what went wrong below HTTP, without addresses of objects in memory."""
    name = type(error).__name__
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "the server's certificate was not accepted"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "the connection was refused or the server was not found"
    return f"the connection broke ({name})"
