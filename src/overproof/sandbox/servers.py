"""Servers for attacks to reach: on loopback, under abstract names, in folders, and a named pipe.

They answer nothing; what they hear is noted in a thread.

    with Servers("0123abcd", [Path("/tmp/some")]) as servers: print(servers.addresses)
"""

import contextlib
import os
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Servers:
    """Listening sockets of every kind that a program could reach, as a context."""

    def __init__(self, token: str, folders: Sequence[Path]) -> None:
        """Prepare; `token` goes into abstract names, the folders get a socket each."""
        self.token = token
        self.folders = folders
        self.addresses: dict[str, Any] = {}
        """What an attack needs to reach each kind; 0 for one that this machine lacks."""
        self.heard: list[tuple[str, bytes]] = []
        """Kind and content of all that arrived; empty content for a connection."""
        self.open: list[socket.socket] = []
        self.selector = selectors.DefaultSelector()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.hear, daemon=True)
        self.pipe = -1

    def __enter__(self) -> Self:
        """Start to listen."""
        first = self.folders[0]
        paths = [str(folder / "service") for folder in self.folders]
        servers: tuple[tuple[str, int, int, Any], ...] = (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("udp6", socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 0)),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0op{self.token}"),
            ("abstract_datagram", socket.AF_UNIX, socket.SOCK_DGRAM, f"\0op{self.token}d"),
            ("datagrams", socket.AF_UNIX, socket.SOCK_DGRAM, str(first / "datagrams")),
            *(("sockets", socket.AF_UNIX, socket.SOCK_STREAM, path) for path in paths),
        )
        for name, family, kind, address in servers:
            try:
                self.listen(name, family, kind, address)
            except OSError:  # no IPv6 here, or no abstract names
                self.addresses.setdefault(name, 0)
        self.addresses["pipe"] = str(first / "pipe")
        os.mkfifo(first / "pipe")
        (first / "pipe").chmod(0o666)
        self.pipe = os.open(first / "pipe", os.O_RDWR | os.O_NONBLOCK)
        self.selector.register(self.pipe, selectors.EVENT_READ, "pipe")
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self.done.set()
        self.thread.join()
        self.selector.close()
        os.close(self.pipe)
        for line in self.open:
            line.close()

    def listen(self, name: str, family: int, kind: int, address: Any) -> None:
        """Open one server. Raises: OSError."""
        server = socket.socket(family, kind)
        self.open.append(server)
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen(64)
        server.setblocking(False)
        if family != socket.AF_UNIX:
            self.addresses[name] = server.getsockname()[1]
        elif name == "sockets":
            self.addresses[name] = [*(self.addresses.get(name) or []), address]
        else:
            self.addresses[name] = address.removeprefix("\0")
        if str(address).startswith("/"):
            Path(address).chmod(0o777)
        self.selector.register(server, selectors.EVENT_READ, name)

    def hear(self) -> None:
        """Note whatever arrives, until all is over."""
        while not self.done.is_set():
            for key, _ in self.selector.select(0.05):
                with contextlib.suppress(OSError):
                    self.hear_one(key)

    def wait_until_quiet(self) -> None:
        """Wait until nothing new has arrived for a moment."""
        before = -1
        while before != len(self.heard):
            before = len(self.heard)
            time.sleep(0.1)

    def hear_one(self, key: selectors.SelectorKey) -> None:
        """Accept a connection, or note what came in."""
        name, file = str(key.data), key.fileobj
        if isinstance(file, int):
            self.heard.append((name, os.read(file, 4096)))
            return
        assert isinstance(file, socket.socket)
        if file.type == socket.SOCK_STREAM and name in self.addresses:
            line, _ = file.accept()
            line.setblocking(False)
            self.open.append(line)
            self.selector.register(line, selectors.EVENT_READ, f"{name} line")
            self.heard.append((name, b""))
            return
        text = file.recv(4096)
        self.heard.append((name.removesuffix(" line"), text))
        if not text:
            self.selector.unregister(file)
