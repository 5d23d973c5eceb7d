"""No more requests and tokens a minute than a provider allows: two buckets that fill by the second.

    >>> rates = Rates(requests_per_minute=60, tokens_per_minute=0)
    >>> rates.take(tokens=100), rates.give_back(40)
    (0.0, None)

A request waits until there is room for one more and for all tokens that it may cost; what it did
not use is given back. At most ten seconds' worth comes at once, so that a minute of the provider's
never holds more than its limit and that. Safe to use from several threads.

Not covered: the limits of other processes, which have to be divided beforehand.
"""

import threading
import time
from collections.abc import Callable

BURST_SECONDS = 10.0


class _Bucket:
    """Something that fills at a rate; what it is asked for may leave it in debt."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.rate = per_minute / 60
        self.most = max(1.0, self.rate * BURST_SECONDS)
        self.level, self.since = self.most, now

    def fill(self, now: float) -> None:
        self.level = min(self.most, self.level + (now - self.since) * self.rate)
        self.since = now

    def wait_s(self, amount: float) -> float:
        """Return how long until so much is there, or the bucket full if it never holds so much."""
        return max(0.0, (min(amount, self.most) - self.level) / self.rate)


class Rates:
    """Limits of requests and tokens a minute; 0 is no limit."""

    def __init__(
        self,
        requests_per_minute: int = 0,
        tokens_per_minute: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin with full buckets; a test brings its own clock."""
        now = clock()
        self._clock, self._sleep = clock, sleep
        self._requests = _Bucket(requests_per_minute, now) if requests_per_minute else None
        self._tokens = _Bucket(tokens_per_minute, now) if tokens_per_minute else None
        self._lock = threading.Lock()

    def take(self, tokens: int = 0) -> float:
        """Wait until one more request of so many tokens is allowed; return the seconds waited."""
        waited = 0.0
        while (pause := self._try(tokens)) > 0:
            self._sleep(pause)
            waited += pause
        return waited

    def give_back(self, tokens: int) -> None:
        """Return tokens that a request did not use; a negative number are more that it did."""
        if self._tokens is not None:
            with self._lock:
                self._tokens.fill(self._clock())
                self._tokens.level = min(self._tokens.most, self._tokens.level + tokens)

    def _try(self, tokens: int) -> float:
        """Take what is asked if it is there, and return 0; else how long to wait."""
        wanted = [(self._requests, 1.0), (self._tokens, float(tokens))]
        with self._lock:
            now = self._clock()
            limits = [(bucket, amount) for bucket, amount in wanted if bucket is not None]
            for bucket, _ in limits:
                bucket.fill(now)
            pause = max((bucket.wait_s(amount) for bucket, amount in limits), default=0.0)
            if pause <= 1e-9:
                for bucket, amount in limits:
                    bucket.level -= amount
                return 0.0
            return pause
