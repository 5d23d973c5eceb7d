"""Talk to an OpenAI-compatible server: one address, one model, JSON in and JSON or a stream out.

Tried again, with pauses that double: 429, 5xx, a connection that breaks off, a stream that ends
half-way, and a connection refused by a server that answered before. `Retry-After` is honoured up to
a minute. Not tried again here, but at another address where there is one (`server_pool`): an answer
that does not come in time, or is not JSON; a server that was never there.

The key, from OVERPROOF_API_KEY or else OPENAI_API_KEY, is sent over https or to this machine
only. Redirects are not followed, and to this machine no proxy is used.

    api = Api(resolve_model("http://127.0.0.1:8000/v1#coder"), connections=16)
    api.ask("/completions", {"prompt": "def add(a, b):"})
"""

import ipaddress
import json
import os
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from overproof.catalog import ModelSource
from overproof.errors import EngineError

KEY_VARIABLES = ("OVERPROOF_API_KEY", "OPENAI_API_KEY")
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 600.0
"""Silence after which an answer is given up: it may wait in the server's queue before it starts."""
RETRIES = 4
FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 60.0
SHOWN_CHARS = 200
"""Of a server's own words in an error message."""

Result = TypeVar("Result")
StampedChunk = tuple[int, dict[str, Any]]
"""`time.perf_counter_ns` at its arrival, and one chunk of a stream."""


class TryAgainError(Exception):
    """A fault that may pass, the error it becomes if it does not, and the pause asked for."""

    def __init__(self, error: EngineError, pause_s: float | None = None) -> None:
        """Keep the error; no pause is one that doubles."""
        super().__init__(error.message)
        self.error = error
        self.pause_s = pause_s


class AddressError(EngineError):
    """A fault of this address, which another address of the same model may not have."""


class Api:
    """One model on one server; safe to use from several threads."""

    def __init__(
        self,
        source: ModelSource,
        *,
        connections: int,
        read_timeout_s: float = READ_TIMEOUT_S,
        first_pause_s: float = FIRST_PAUSE_S,
        retries: int = RETRIES,
    ) -> None:
        """Prepare the connection; nothing is sent yet.

        Raises: EngineError if the key cannot be sent in a header.
        """
        assert source.url is not None
        self.url, self.model_id = source.url.partition(",")[0], source.model_id
        self.where = f"{self.url}#{source.model_id}"
        self._read_timeout_s, self._first_pause_s = read_timeout_s, first_pause_s
        self._retries = retries
        self._reached = False
        address = httpx.URL(self.url)
        local = is_loopback(address.host)
        self._keyless_reason, headers = _authorization(self.url, local)
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            mounts={f"all://{address.netloc.decode()}": None} if local else None,
        )

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the server's answer to one request.

        Raises: EngineError, saying what went wrong and how to mend it.
        """
        return self._persist(lambda: self.ask_once(path, body))

    def ask_once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the same without a second try. Raises: TryAgainError, EngineError."""

        def attempt() -> dict[str, Any]:
            response = self._client.post(f"{self.url}{path}", json=self._with_model(body))
            self._check(response, path)
            return self._parse(response.text)

        return self._translated(attempt)

    def stream(
        self,
        path: str,
        body: dict[str, Any],
        read: Callable[[int, Iterator[StampedChunk]], Result],
    ) -> Result:
        """Return what `read` makes of the time of sending and of the chunks, one by one.

        After a fault that passes, `read` is called afresh.
        Raises: EngineError, as `ask`; also if the stream ends half-way.
        """
        return self._persist(lambda: self.stream_once(path, body, read))

    def stream_once(
        self,
        path: str,
        body: dict[str, Any],
        read: Callable[[int, Iterator[StampedChunk]], Result],
    ) -> Result:
        """Return the same without a second try. Raises: TryAgainError, EngineError."""

        def attempt() -> Result:
            sent_ns = time.perf_counter_ns()
            asked = {**self._with_model(body), "stream": True}
            with self._client.stream("POST", f"{self.url}{path}", json=asked) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                self._check(response, path)
                return read(sent_ns, self._chunks(response))

        return self._translated(attempt)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def broken(self, what: str) -> EngineError:
        """Return the error for an answer that is not of the API's form."""
        return EngineError(
            f"{self.where}: {what}",
            hint="is this the base URL of an OpenAI-compatible server? It usually ends in /v1",
        )

    def _garbled(self, what: str) -> AddressError:
        error = self.broken(what)
        return AddressError(error.message, hint=error.hint)

    def _with_model(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"model": self.model_id, **body}

    def _persist(self, attempt: Callable[[], Result]) -> Result:
        """Call until it succeeds, fails for good, or has failed too often."""
        tries = 0
        while True:
            try:
                return attempt()
            except TryAgainError as fault:
                tries += 1
                if tries > self._retries:
                    message = f"{fault.error.message} ({tries} times)"
                    raise EngineError(message, hint=fault.error.hint) from None
                pause_s = self._first_pause_s * 2 ** (tries - 1)
                time.sleep(min(MAX_PAUSE_S, pause_s if fault.pause_s is None else fault.pause_s))

    def _translated(self, attempt: Callable[[], Result]) -> Result:
        """Turn the client's errors into ours."""
        try:
            return attempt()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            unreachable = AddressError(
                f"{self.where}: no server answers there ({_line(str(error))})",
                hint="start it, wait until it has loaded the model, or correct host and port",
            )
            if self._reached:
                raise TryAgainError(unreachable) from None
            raise unreachable from None
        except httpx.TimeoutException:
            raise AddressError(
                f"{self.where}: nothing came for {self._read_timeout_s:g} s",
                hint="ask for less at once: sampling.batch_size=4, or sampling.max_new_tokens; "
                "finished batches are kept",
            ) from None
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise TryAgainError(
                EngineError(
                    f"{self.where}: the connection broke off ({_line(str(error))})",
                    hint="see the server's log; the same command goes on where it stopped",
                )
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EngineError(
                f"{self.where}: cannot be asked ({_line(str(error))})",
                hint="check the address, and HTTPS_PROXY if it is set",
            ) from None

    def _chunks(self, response: httpx.Response) -> Iterator[StampedChunk]:
        """Yield the chunks of a server-sent stream up to its end mark."""
        for line in response.iter_lines():
            arrived_ns = time.perf_counter_ns()
            if not line.startswith("data:"):
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                return
            chunk = self._parse(data)
            if chunk.get("error"):
                raise self.broken(f"the stream ended in an error: {_words(chunk)}")
            yield arrived_ns, chunk
        raise TryAgainError(
            EngineError(
                f"{self.where}: the stream ended half-way, without its end mark",
                hint="see the server's log: it may have run out of memory",
            )
        )

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            parsed = json.loads(text)
        except ValueError:
            raise self._garbled(f"not JSON: {_line(text)!r}") from None
        if not isinstance(parsed, dict):
            raise self._garbled(f"not a JSON object: {_line(text)!r}")
        return parsed

    def _check(self, response: httpx.Response, path: str) -> None:
        """Raise what a status other than 200 means."""
        self._reached = True
        status = response.status_code
        if status == httpx.codes.OK:
            return
        said = f"{self.where}: {status}, {_words(_json_or_text(response))}"
        if status == httpx.codes.TOO_MANY_REQUESTS or (status >= 500 and status != 501):
            raise TryAgainError(
                EngineError(
                    said,
                    hint="see the server's log; the same command goes on where it stopped"
                    if status >= 500
                    else "ask for less at once: sampling.batch_size=4",
                ),
                retry_after_s(response.headers.get("Retry-After", "")),
            )
        raise EngineError(said, hint=self._hint(status, path, response))

    def _hint(self, status: int, path: str, response: httpx.Response) -> str:
        if status in (401, 403):
            return self._keyless_reason or f"check the key in {' or '.join(KEY_VARIABLES)}"
        if status == 404:
            return self._not_found_hint(path)
        if response.is_redirect:
            return f"name the address it points to: {_line(response.headers.get('Location', ''))}"
        hint = "if the prompt is too long, serve the model with a longer context"
        if path == "/chat/completions":
            hint += "; if it has no chat template, use models.form=raw"
        return hint

    def _not_found_hint(self, path: str) -> str:
        """Say which of three it is: no such API, no such model, or no such endpoint."""
        try:
            listed = self._client.get(f"{self.url}/models", timeout=CONNECT_TIMEOUT_S).json()
            names = [str(entry["id"]) for entry in listed["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return "no model list there either: the base URL usually ends in /v1"
        if self.model_id not in names:
            return f"after the #, name one of its models: {_line(', '.join(names)) or 'none'}"
        form = "raw" if path == "/chat/completions" else "chat"
        return f"it has the model, but not {path}: use models.form={form}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "10.0.0.5", "gpu")]
    [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after_s(header: str) -> float | None:
    """Return the pause that a `Retry-After` header asks for, seconds or date, at most a minute.

    >>> retry_after_s("7"), retry_after_s("86400"), retry_after_s("soon"), retry_after_s("")
    (7.0, 60.0, None, None)
    """
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except ValueError:
            return None
    return min(MAX_PAUSE_S, max(0.0, seconds)) if seconds == seconds else None


def _authorization(url: str, local: bool) -> tuple[str, dict[str, str]]:
    """Return the reason why no key is sent, or "", and the header that carries it."""
    found = {name: key for name in KEY_VARIABLES if (key := os.environ.get(name, "").strip())}
    if not found:
        return f"set {KEY_VARIABLES[0]} to the server's key", {}
    name, key = next(iter(found.items()))
    if not (url.startswith("https://") or local):
        return f"{name} is sent over https or to this machine only: use https or a tunnel", {}
    if not (key.isascii() and key.isprintable()):
        raise EngineError(
            f"{name} holds characters that no key has", hint="set it again, without line breaks"
        )
    return "", {"Authorization": f"Bearer {key}"}


def _json_or_text(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _words(answer: Any) -> str:
    """Return what a server says in an error, from the shapes that servers have."""
    while isinstance(answer, dict):
        inner = (answer.get(name) for name in ("error", "message", "detail"))
        answer = next(filter(None, inner), json.dumps(answer))
    return _line(answer if isinstance(answer, str) else json.dumps(answer)) or "no message"


def _line(text: str) -> str:
    """Return text of a server in one short printable line."""
    line = " ".join(text.split())
    return "".join(char for char in line if char.isprintable())[:SHOWN_CHARS]
