"""A local HTTP server that answers from a list, and fails on purpose."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(text: str = " 2", finish_reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    return {"choices": [choice], "usage": usage, **more}


class Server(ThreadingHTTPServer):
    request_queue_size = 64


class Scripted:
    """A server that answers from a list, the last entry again and again.

    An entry is an object (200), a pair (status, object or text), a triple with headers too, or a
    function that is given the handler and the request's body.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = [completion()]
        self.seen: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        """Path, body and headers of every request."""
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self) -> None:
                outer.answer(self, b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        with self.lock:
            self.seen.append((handler.path, json.loads(body), dict(handler.headers)))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer(handler, json.loads(body))
        else:
            status, content, headers = (
                (200, answer, {}) if isinstance(answer, dict) else (*answer, {})[:3]
            )
            send(handler, status, content, headers)
        with self.lock:
            self.at_once -= 1

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def send(
    handler: BaseHTTPRequestHandler, status: int, content: Any, headers: dict[str, str]
) -> None:
    data = (content if isinstance(content, str) else json.dumps(content)).encode()
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(data))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)
