"""Servers that are started for a model: healthy, asked, stopped, whatever ends this process."""

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from overproof.catalog import ModelSource
from overproof.engines import load_engine
from overproof.engines.protocol import Request
from overproof.engines.server_config import ServerConfig
from overproof.engines.server_launch import Launched, command_of
from overproof.errors import EngineError, UsageError
from overproof.models import resolve_model
from overproof.recipe import load_recipe

FAKE = '''
"""What stands for vLLM: says its process id, then serves as it was told by its arguments."""
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

arguments = dict(zip(sys.argv[1::1], sys.argv[2::1]))
port, name = int(arguments["--port"]), arguments["--served-model-name"]
open(os.environ["FAKE_PID"], "w").write(str(os.getpid()))
print("loading weights", flush=True)
mode = os.environ["FAKE_MODE"]
if mode == "fails":
    sys.exit("torch.OutOfMemoryError: 96 GiB asked")
ready = time.monotonic() + (1e9 if mode == "never" else 0.5)

class Answer(BaseHTTPRequestHandler):
    def reply(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        if time.monotonic() < ready:
            self.reply(503, {})
        else:
            self.reply(200, {"data": [{"id": name}]} if "models" in self.path else {})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        choice = {"text": json.dumps(body["prompt"]), "finish_reason": "stop"}
        self.reply(200, {"choices": [choice]})
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
'''

Fake = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts a `vllm` on the path, and returns the file that will hold its process id."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "fake.py").write_text(FAKE)
    program = programs / "vllm"
    python = shlex.quote(sys.executable)
    program.write_text(f'#!/bin/sh\nexec {python} -I {tmp_path}/fake.py "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path / "home"))

    def prepare(mode: str) -> Path:
        monkeypatch.setenv("FAKE_MODE", mode)
        monkeypatch.setenv("FAKE_PID", str(tmp_path / "pid"))
        return tmp_path / "pid"

    return prepare


def launch(tmp_path: Path, timeout_s: float = 60.0) -> Launched:
    source = ModelSource(name="coder", kind="folder", path=tmp_path, sha256="ab")
    command, port = command_of("vllm", source, 1, ServerConfig())
    return Launched(command, "vllm", port, "coder", timeout_s)


def is_gone(pid: int, patience_s: float = 30.0) -> bool:
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_it_is_waited_for_and_stopped(fake: Fake, tmp_path: Path) -> None:
    pid = fake("serves")
    launched = launch(tmp_path)
    assert launched.model_id == "coder"
    served = int(pid.read_text())
    os.kill(served, 0)
    launched.stop()
    assert is_gone(served)
    assert "loading weights" in launched.log.read_text()


def test_one_that_fails_says_why(fake: Fake, tmp_path: Path) -> None:
    fake("fails")
    with pytest.raises(EngineError) as caught:
        launch(tmp_path)
    assert "ended with code 1 before it was ready: torch.OutOfMemoryError" in caught.value.message
    assert "models.server.arguments" in caught.value.hint


def test_one_that_is_never_ready_is_given_up_and_stopped(fake: Fake, tmp_path: Path) -> None:
    pid = fake("never")
    with pytest.raises(EngineError, match="not ready after 8 s: "):
        launch(tmp_path, timeout_s=8)
    assert not pid.exists() or is_gone(int(pid.read_text()))


def test_it_ends_with_a_process_that_is_killed(fake: Fake, tmp_path: Path) -> None:
    pid = fake("serves")
    program = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from overproof.catalog import ModelSource
        from overproof.engines.server_config import ServerConfig
        from overproof.engines.server_launch import Launched, command_of

        source = ModelSource(name="coder", kind="folder", path=Path({str(tmp_path)!r}))
        command, port = command_of("vllm", source, 1, ServerConfig())
        Launched(command, "vllm", port, "coder", 60)
        print("ready", flush=True)
        time.sleep(600)
        """
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert is_gone(int(pid.read_text()))


def test_its_watcher_killed_it_ends_as_well(fake: Fake, tmp_path: Path) -> None:
    pid = fake("serves")
    launched = launch(tmp_path)
    launched.process.kill()
    assert is_gone(int(pid.read_text()))
    launched.stop()


def test_what_cannot_be_served_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = ModelSource(name="coder", kind="folder", path=tmp_path)
    gguf = ModelSource(name="coder", kind="gguf", path=tmp_path / "coder.gguf")
    cases = [
        ("vllm", folder, ServerConfig(), EngineError, "vllm is not installed"),
        ("sglang", folder, ServerConfig(), EngineError, "sglang is not installed"),
        ("vllm", gguf, ServerConfig(), EngineError, "this is a GGUF file"),
        ("llama-server", folder, ServerConfig(), EngineError, "serves GGUF files"),
        ("llama-server", gguf, ServerConfig(arguments='--a "b'), UsageError, "No closing"),
    ]
    for name, source, config, kind, message in cases:
        with pytest.raises(kind, match=message):
            command_of(name, source, 1, config)


def test_its_own_options_come_last(fake: Fake, tmp_path: Path) -> None:
    fake("serves")
    source = ModelSource(name="coder", kind="folder", path=tmp_path)
    config = ServerConfig(arguments="--tensor-parallel-size 2 --max-model-len '8192'")
    command, port = command_of("vllm", source, 1, config)
    assert command[1:5] == ["serve", str(tmp_path), "--served-model-name", "coder"]
    assert command[-4:] == ["--tensor-parallel-size", "2", "--max-model-len", "8192"]
    assert str(port) in command


def test_a_recipe_may_name_it() -> None:
    recipe = load_recipe("demo", ["models.engine=vllm", "models.precision=auto"])
    assert recipe.models.engine == "vllm"


@pytest.mark.models
def test_llama_server_answers_as_in_process(tmp_path: Path) -> None:
    source = resolve_model("smollm2-135m-instruct")
    request = Request(prompt="def add(a, b):\n    return", stop=("\n",), max_new_tokens=8)
    answers = []
    for name in ("llama-server", "xllamacpp"):
        engine = load_engine(source, name, threads=1)
        answers.append([one.text for one in engine.generate([request, request])])
        assert engine.name == name
        engine.close()
    assert answers[0] == answers[1]
    assert answers[0][0].strip()
