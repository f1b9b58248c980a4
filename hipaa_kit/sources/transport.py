"""Requests to an API server: read-only, patient, bounded in time, and never shorter than what was sent.

The official client gives configuration and authentication; the requests themselves are plain ones on
its connection pool, because its typed models drop unknown fields, rewrite times and lose a whole list
over one bad object, and because its own request methods changed between versions 35 and 37.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import urllib3

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.documents.fitness import finite, whole

ATTEMPTS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 60.0
"""A server that asks to be left alone for longer is not asked again."""

LARGEST_BODY_BYTES: Final = 2**30
CHUNK_BYTES: Final = 2**18
WORDS: Final = 1000
"""Characters that are kept of what a server says of an error."""

BUSY: Final = frozenset([0, 429, 500, 502, 503, 504])
"""Answers after which asking again may help; 0 stands for no whole answer."""

JSON: Final = "application/json"
SLOW: Final = "no answer in time"


class CollectError(InputError):
    """A cluster cannot be read at all: configuration, connection or credentials."""


@dataclass(frozen=True)
class Reply:
    """What came back for one request.

    `status` is the HTTP status, 0 where no whole answer came; `content` is the decoded body of a
    success; `words` say what went wrong, in the server's own words where it had any; `token` is what the
    server offers to continue a list that expired; `wait` the seconds it asks to be left alone; `date`
    its clock.
    """

    status: int
    content: Any = None
    words: str = ""
    token: str = ""
    wait: float | None = None
    date: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the request was answered in full."""
        return self.status in (200, 201)


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Server:
    """One API server, as a kubeconfig context or a pod's own token reaches it.

    Parameters
    ----------
    api_client
        The official client's `ApiClient`: where the server is, and who asks.
    timeout_seconds
        Limit of one request, its whole answer included.
    budget_seconds
        Limit of all requests together: after it nothing more is asked.
    sleep, jitter, clock
        Replaced in tests.
    renew
        Makes a client with credentials that are read anew.
    """

    api_client: Any
    timeout_seconds: float = 60.0
    budget_seconds: float = 1800.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)
    clock: Callable[[], float] = time.monotonic
    renew: Callable[[], Any] | None = None

    def __post_init__(self) -> None:
        self._ends = self.clock() + self.budget_seconds
        self._renewed = False

    @property
    def host(self) -> str:
        """Address of the server."""
        return str(self.api_client.configuration.host).rstrip("/")

    def get(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        accept: str = JSON,
        read: Callable[[bytes], Any] | None = None,
    ) -> Reply:
        """Ask for a path until it is answered, or until asking again makes no sense.

        Busy servers and broken connections are asked again a few times, after the time they name;
        credentials that are no longer accepted are read anew once. `read` decodes a success, `json_content`
        by default; what that refuses it has to refuse too.
        """
        url = f"{path}?{urlencode(query)}" if query else path
        return self._patiently("GET", url, accept, None, read)

    def ahead(self, *what: Any) -> Callable[[], Reply]:
        """Ask as `get` does while the caller goes on; return what waits for the reply.

        Nothing else may be asked in between: requests are made one after another, as without it.
        """
        coming: Future[Reply] = Future()

        def run() -> None:
            try:
                coming.set_result(self.get(*what))
            except Exception as error:  # noqa: BLE001 - raised again where the reply is waited for
                coming.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return coming.result

    def review(self, path: str, question: Mapping[str, Any]) -> Reply:
        """Put a question about one's own rights: a POST that stores nothing.

        Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
        """
        return self._patiently("POST", path, JSON, json.dumps(question).encode())

    def _patiently(
        self, method: str, url: str, accept: str, body: bytes | None, read: Callable[[bytes], Any] | None = None
    ) -> Reply:
        reply = Reply(0, words=f"the time for the whole collection is used up: {self.budget_seconds:g} seconds")
        for attempt in range(ATTEMPTS):
            left = self._ends - self.clock()
            if left <= 0:
                break
            reply = self._once(method, url, accept, body, min(self.timeout_seconds, left), read or json_content)
            if reply.status == 401 and self._renew():
                continue
            self._renewed = self._renewed and reply.status in (0, 401)
            pause = self._pause(attempt, reply.wait)
            if reply.status not in BUSY or attempt == ATTEMPTS - 1 or pause > min(LONGEST_PAUSE_SECONDS, left):
                break
            self.sleep(pause)
        return reply

    def _once(
        self, method: str, url: str, accept: str, body: bytes | None, seconds: float, read: Callable[[bytes], Any]
    ) -> Reply:
        try:
            headers = {"Accept": accept, **({"Content-Type": JSON} if body else {}), **self._credentials()}
            pool, whole = self.api_client.rest_client.pool_manager, f"{self.host}{url}"
            answer = _within(seconds, lambda: _exchange(pool, method, whole, headers, body, seconds))
        except CollectError as error:
            return Reply(0, words=error.what)
        except urllib3.exceptions.HTTPError as error:
            return Reply(0, words=_transport_words(error))
        return _reply(answer, read) if answer else Reply(0, words=SLOW)

    def _credentials(self) -> dict[str, str]:
        """Return the authentication headers; tokens that are read from files are read again here."""
        from kubernetes.config import ConfigException

        try:
            settings = self.api_client.configuration.auth_settings().values()
        except (ConfigException, OSError) as error:
            raise CollectError(f"the credentials cannot be read: {type(error).__name__}") from None
        held = {str(each["key"]): str(each["value"] or "").strip() for each in settings if each["in"] == "header"}
        if not all(value.isprintable() and value.isascii() for value in held.values()):
            raise CollectError("the credentials hold characters that cannot be sent")
        return {name: value for name, value in held.items() if value}

    def _renew(self) -> bool:
        """Read the credentials anew, unless they were just now; tell whether they were."""
        if self.renew is None or self._renewed:
            return False
        try:
            self.api_client = self.renew()
        except CollectError:
            return False
        self._renewed = True
        return True

    def _pause(self, attempt: int, named: float | None) -> float:
        """Return the seconds before the next attempt: never less than the server names."""
        return float((0.25 * 2**attempt if named is None else named) + 0.25 * 2**attempt * self.jitter())


def _within(seconds: float, work: Callable[[], _Answer | None]) -> _Answer | None:
    """Return what some work gives, None when that takes longer.

    The limits of sockets hold for each read: a server that sends a byte now and then never reaches them.
    So the work has a thread of its own, which is left behind.
    """
    ended: queue.SimpleQueue[_Answer | urllib3.exceptions.HTTPError | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put(work())
        except urllib3.exceptions.HTTPError as error:
            ended.put(error)
        finally:
            ended.put(None)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = ended.get(timeout=seconds)
    except queue.Empty:
        return None
    if isinstance(answer, urllib3.exceptions.HTTPError):
        raise answer
    return answer


def _exchange(
    pool: Any, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
) -> _Answer | None:
    """Send one request and read its answer to the end; None where that takes too long.

    The pool itself raises where fewer bytes come than were announced.
    """
    ends = time.monotonic() + seconds
    response = pool.request(
        method,
        url,
        headers=headers,
        body=body,
        timeout=urllib3.Timeout(total=seconds),
        retries=False,
        redirect=False,
        preload_content=False,
        decode_content=False,
    )
    chunks: list[bytes] = []
    try:
        while chunk := response.read1(CHUNK_BYTES):
            chunks.append(chunk)
            if time.monotonic() > ends:
                return None
            if response.tell() > LARGEST_BODY_BYTES:
                raise urllib3.exceptions.ResponseError("it is too large")
        response.release_conn()
    finally:
        response.close()
    return _Answer(response.status, response.headers, b"".join(chunks))


def json_content(body: bytes) -> Any:
    """Return what JSON says; numbers that no API server takes are texts, as in files.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON, or nested too deeply.
    """
    with no_cyclic_collection():
        return json.loads(body, parse_float=finite, parse_int=whole, parse_constant=str)


def _reply(answer: _Answer, read: Callable[[bytes], Any]) -> Reply:
    status, date = answer.status, answer.headers.get("Date", "")
    try:
        content = (read if status in (200, 201) else json_content)(answer.body)
    except (ValueError, RecursionError):
        if status in (200, 201):
            return Reply(0, words=f"the answer is not JSON to its end ({len(answer.body)} bytes)")
        content = None
    if status in (200, 201):
        return Reply(status, content, date=date)
    said = content if isinstance(content, dict) else {}
    message, metadata = said.get("message"), said.get("metadata")
    token = metadata.get("continue") if isinstance(metadata, dict) else None
    words = " ".join(message.split())[:WORDS] if isinstance(message, str) else ""
    return Reply(
        status,
        words=words or f"HTTP status {status}",
        token=token if isinstance(token, str) else "",
        wait=_seconds(answer.headers.get("Retry-After")),
        date=date,
    )


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
        return max(moment.timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _transport_words(error: Exception) -> str:
    """Return what went wrong below HTTP, without addresses of objects in memory."""
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # a TimeoutError by inheritance
        return "the connection was refused or the server was not found"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return SLOW
    if isinstance(error, urllib3.exceptions.SSLError):
        return "the server's certificate was not accepted"
    if isinstance(error.__cause__ or error, http.client.IncompleteRead):
        return "the answer was cut off before its end"
    if isinstance(error, urllib3.exceptions.ResponseError):
        return f"the answer is larger than {LARGEST_BODY_BYTES} bytes: ask with a smaller --page-size"
    return f"the connection broke ({type(error).__name__})"
