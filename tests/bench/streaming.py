"""A local server that streams answers by a script, with a given number of workers and a queue."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Script:
    """What one answer looks like: pieces after pauses, and what else is sent."""

    pieces: list[tuple[float, str]] = field(default_factory=list)
    """(pause in seconds before it, text)."""
    usage: int | None = None
    """Tokens that the server says it wrote; None: it says nothing."""
    role_after_s: float | None = None
    """When a chunk with a role and no text comes; None: none."""
    empty_between: bool = False
    """Whether an empty chunk follows every piece, half a gap later."""
    finish_after_s: float = 0.0
    """Pause before the chunk that says that it is over."""
    status: int = 200


def steady(ttft_s: float, gap_s: float, tokens: int, **more: Any) -> Script:
    gaps = [ttft_s] + [gap_s] * (tokens - 1)
    pieces = [(gap, f" w{number}") for number, gap in enumerate(gaps)]
    return Script(pieces=pieces, usage=tokens, **more)


class Streaming:
    """Answers every request with `script(body)`; at most `workers` at once, the rest queue."""

    def __init__(self, script: Callable[[dict[str, Any]], Script], workers: int = 64) -> None:
        self.script = script
        self.seen: list[dict[str, Any]] = []
        self.sent_ms: list[list[float]] = []
        """When each answer's pieces really left, since the request was read."""
        self.lock = threading.Lock()
        self.slots = threading.Semaphore(workers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.seen.append(body)
                with outer.slots:
                    outer.answer(self, body)

            def do_GET(self) -> None:
                reply = json.dumps({"object": "list", "data": [{"id": "coder"}]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing when a client hangs up."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        script = self.script(body)
        if script.status != 200:
            content = json.dumps({"error": {"message": "overloaded on purpose"}}).encode()
            handler.send_response(script.status)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        chat = "messages" in body
        now = received = time.perf_counter()
        left: list[float] = []
        self.sent_ms.append(left)
        if script.role_after_s is not None:
            _wait(now + script.role_after_s)
            self._send(handler, chat, "", role=True)
        for number, (pause_s, text) in enumerate(script.pieces):
            now += pause_s
            _wait(now)
            left.append(1000 * (time.perf_counter() - received))
            self._send(handler, chat, text)
            if script.empty_between and number + 1 < len(script.pieces):
                _wait(now + script.pieces[number + 1][0] / 2)
                self._send(handler, chat, "")
        _wait(now + script.finish_after_s)
        self._send(handler, chat, "", finish="stop")
        if script.usage is not None:
            usage = {"prompt_tokens": 9, "completion_tokens": script.usage}
            _chunk(handler, {**_head(chat), "choices": [], "usage": usage})
        _raw(handler, b"data: [DONE]\n\n")
        handler.wfile.write(b"0\r\n\r\n")
        handler.wfile.flush()

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        chat: bool,
        text: str,
        *,
        role: bool = False,
        finish: str | None = None,
    ) -> None:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if chat:
            choice["delta"] = {"content": text, **({"role": "assistant"} if role else {})}
        else:
            choice["text"] = text
        _chunk(handler, {**_head(chat), "choices": [choice]})

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _head(chat: bool) -> dict[str, Any]:
    kind = "chat.completion.chunk" if chat else "text_completion"
    return {"id": "x", "object": kind, "created": 1, "model": "coder"}


def _chunk(handler: BaseHTTPRequestHandler, content: dict[str, Any]) -> None:
    _raw(handler, b"data: " + json.dumps(content).encode() + b"\n\n")


def _raw(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    handler.wfile.flush()


def _wait(until: float) -> None:
    """Sleep until a time, so that what sending takes does not add up."""
    pause = until - time.perf_counter()
    if pause > 0:
        time.sleep(pause)
