"""One model on any number of servers, asked as one: bounded, paced, and around those that fail.

    addresses = Addresses(resolve_model("http://a/v1,http://b/v1#coder"), ServerConfig())
    addresses.ask("/completions", {"prompt": "def add(a, b):", "max_tokens": 8})

A request goes to the address with the fewest in flight. One that fails for a reason that may pass
takes its address out for a while (the pause it names, else one that doubles with every outage) and
is sent again, to another address if there is one. An address comes back on probation: one request,
and all again once that is answered. With a single address, an answer that does not come in time, is
not JSON, or a server that was never there ends the run at once; with several, only if all do.

Covered: any number of threads; two limits a minute (`server_rates`). Not covered: addresses that
serve different weights under one name; a server's own queue, which may be longer than ours.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from overproof.catalog import ModelSource
from overproof.engines.api import (
    FIRST_PAUSE_S,
    MAX_PAUSE_S,
    AddressError,
    Api,
    StampedChunk,
    TryAgainError,
)
from overproof.engines.server_config import ServerConfig
from overproof.engines.server_rates import Rates
from overproof.engines.server_usage import reserve, used
from overproof.errors import EngineError
from overproof.progress import say

Result = TypeVar("Result")


class _Address:
    """One server, and how it fares; guarded by the lock of `Addresses`."""

    def __init__(self, api: Api, slots: int) -> None:
        self.api, self.slots = api, slots
        self.in_flight = 0
        self.out_until = 0.0
        """In `time.monotonic` seconds."""
        self.outages = 0
        """In a row: since its last answer."""
        self.answers = self.faults = 0
        self.seconds_out = 0.0

    def is_free(self, now: float) -> bool:
        """Whether it takes a request now: on probation, one."""
        return now >= self.out_until and self.in_flight < (1 if self.outages else self.slots)

    def take_out(self, now: float, pause_s: float, streak: bool) -> None:
        """Send it nothing for a while; requests that fail together are one outage."""
        if streak and now >= self.out_until:
            self.outages += 1
        until = max(self.out_until, now + pause_s)
        self.seconds_out += until - max(self.out_until, now)
        self.out_until = until


class Addresses:
    """One model on one server or several; safe to use from several threads."""

    def __init__(
        self,
        source: ModelSource,
        config: ServerConfig,
        *,
        connections: int = 0,
        first_pause_s: float = FIRST_PAUSE_S,
        rates: Rates | None = None,
    ) -> None:
        """Prepare the connections, `connections` per address; nothing is sent yet.

        Raises: EngineError if the key cannot be sent in a header.
        """
        assert source.url is not None
        self.where = f"{source.url}#{source.model_id}"
        self._retries, self._first_pause_s = config.retries, first_pause_s
        self._rates = rates or Rates(config.requests_per_minute, config.tokens_per_minute)
        slots = connections or config.in_flight
        self._all = [
            _Address(
                Api(
                    dataclasses.replace(source, url=url),
                    connections=slots,
                    read_timeout_s=config.read_timeout_s,
                ),
                slots,
            )
            for url in source.url.split(",")
        ]
        self.slots = slots * len(self._all)
        """Requests in flight at most, over all addresses."""
        self._changed = threading.Condition()

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return an answer to one request.

        Raises: EngineError, saying what went wrong and how to mend it.
        """
        reserved = reserve(body)

        def attempt(api: Api) -> dict[str, Any]:
            self._rates.take(reserved)
            reply = api.ask_once(path, body)
            if (cost := used(reply)) is not None:
                self._rates.give_back(reserved - min(cost, 2 * reserved))  # it may say anything
            return reply

        return self._persist(attempt)

    def stream(
        self,
        path: str,
        body: dict[str, Any],
        read: Callable[[int, Iterator[StampedChunk]], Result],
    ) -> Result:
        """Return what `read` makes of one answer's chunks; as `Api.stream`."""

        def attempt(api: Api) -> Result:
            self._rates.take(reserve(body))
            return api.stream_once(path, body, read)

        return self._persist(attempt)

    def broken(self, what: str) -> EngineError:
        """Return the error for an answer that is not of the API's form."""
        error = self._all[0].api.broken(what)
        return EngineError(f"{self.where}: {what}", hint=error.hint)

    def close(self) -> None:
        """Close the connections, and say which addresses failed on the way."""
        for address in self._all:
            address.api.close()
            if address.faults and len(self._all) > 1:
                say(
                    f"{address.api.where}: {address.answers} answers, {address.faults} faults, "
                    f"out for {address.seconds_out:.0f} s"
                )

    def _persist(self, attempt: Callable[[Api], Result]) -> Result:
        """Call until it succeeds, fails for good, or has failed too often."""
        tries = 0
        while True:
            address = self._take()
            fault: EngineError
            pause_s: float | None = None
            try:
                result = attempt(address.api)
            except TryAgainError as passing:
                fault, pause_s = passing.error, passing.pause_s
            except AddressError as gone:
                if len(self._all) == 1:
                    self._give(address)
                    raise
                fault = gone
            except BaseException:
                self._give(address)
                raise
            else:
                self._give(address, answered=True)
                return result
            tries += 1
            doubled = min(MAX_PAUSE_S, self._first_pause_s * 2 ** (tries - 1))
            last = tries > self._retries
            rest_s = 0.0 if last else min(MAX_PAUSE_S, doubled if pause_s is None else pause_s)
            self._give(address, rest_s=rest_s, streak=pause_s is None)
            if last:
                raise EngineError(f"{fault.message} ({tries} times)", hint=fault.hint)

    def _take(self) -> _Address:
        """Wait for an address that takes a request, the least busy first."""
        with self._changed:
            while True:
                now = time.monotonic()
                free = [one for one in self._all if one.is_free(now)]
                if free:
                    chosen = min(free, key=lambda one: one.in_flight)
                    chosen.in_flight += 1
                    return chosen
                ends = [one.out_until - now for one in self._all if one.out_until > now]
                self._changed.wait(min(ends) if ends else None)

    def _give(
        self,
        address: _Address,
        *,
        answered: bool = False,
        rest_s: float | None = None,
        streak: bool = False,
    ) -> None:
        """Let an address go, and note how it fared: `rest_s` if the request failed."""
        with self._changed:
            address.in_flight -= 1
            if answered:
                address.answers += 1
                address.outages = 0
            elif rest_s is not None:
                address.faults += 1
                now = time.monotonic()
                # an address of several rests longer with every outage, whoever was the one to fail
                many = len(self._all) > 1 and streak
                more = min(MAX_PAUSE_S, self._first_pause_s * 2**address.outages) if many else 0.0
                address.take_out(now, max(rest_s, more), streak=many)
            self._changed.notify_all()
