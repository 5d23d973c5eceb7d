"""Servers that are started for a model and stopped after it: vLLM, SGLang, llama.cpp's.

    overproof eval --model org/coder --serve vllm
    overproof run demo --serve llama-server

The server listens on this machine, on a free port. It is asked once it says that it is healthy and
has the model; what it prints goes to a file in the cache folder, and its last lines into the error
if it does not start. It is stopped when the model has answered, and when this process ends in any
way (see `server_watch`). vLLM and SGLang are given token ids, so that every engine reads the same.

Covered: one server per model at a time, as many GPUs as its own options use. Not covered: servers
on other machines (start them there, and name their addresses); Windows.
Needs: vLLM or SGLang installed in this environment; llama.cpp's comes with 'overproof[gguf]'.
"""

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import httpx

from overproof.catalog import ModelSource, cache_folder
from overproof.engines.prepare import load_tokenizer
from overproof.engines.protocol import Request, cpu_threads
from overproof.engines.server import ServerEngine
from overproof.engines.server_config import ServerConfig
from overproof.errors import EngineError, UsageError
from overproof.progress import say
from overproof.store import storage_errors

HOST = "127.0.0.1"
LOOK_SECONDS = 0.5
KEPT_LOGS = 20
STOP_SECONDS = 15.0
_WATCH = Path(__file__).with_name("server_watch.py")


class LaunchedEngine(ServerEngine):
    """A model in a server of its own."""

    def __init__(self, source: ModelSource, name: str, threads: int, config: ServerConfig) -> None:
        """Start the server and wait until it is healthy.

        Raises: EngineError if it is not installed, cannot serve this model, or does not start.
        """
        command, port = command_of(name, source, threads, config)
        self._launched = Launched(command, name, port, source.name, config.start_timeout_s)
        self.name, self.precision = name, "gguf" if name == "llama-server" else "auto"
        served = ModelSource(
            name=source.name,
            kind="server",
            url=f"http://{HOST}:{port}/v1",
            model_id=self._launched.model_id,
            sha256=source.sha256,
        )
        try:
            super().__init__(served, tokenizer=source, config=config)
            self._ids = load_tokenizer(source) if name != "llama-server" else None
        except BaseException:
            self._launched.stop()
            raise

    def close(self) -> None:
        """Close the connections and stop the server."""
        super().close()
        self._launched.stop()

    def _asked(self, request: Request) -> dict[str, Any]:
        asked = super()._asked(request)
        if self._ids is not None and "prompt" in asked:
            asked["prompt"] = self._ids.encode(asked["prompt"], add_special_tokens=False)
        return asked


class Launched:
    """A server's process, under its watcher."""

    def __init__(
        self, command: list[str], name: str, port: int, model: str, timeout_s: float
    ) -> None:
        """Start it and wait until it is healthy. Raises: EngineError, StorageError."""
        self.log = _log_file(name, port)
        with storage_errors(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            output: IO[bytes] = self.log.open("wb")
        with output:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(_WATCH), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is our business
            )
        say(f"{name}: starting for {model}; log: {self.log}")
        begun = time.monotonic()
        try:
            self.model_id = self._wait(name, f"http://{HOST}:{port}", model, timeout_s)
            """What the server calls the model."""
        except BaseException:
            self.stop()
            raise
        say(f"{name}: healthy after {time.monotonic() - begun:.1f} s")

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait(self, name: str, address: str, model: str, timeout_s: float) -> str:
        """Return the model's name once the server is healthy and has it. Raises: EngineError."""
        until = time.monotonic() + timeout_s
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            while time.monotonic() < until:
                if (code := self.process.poll()) is not None:
                    raise EngineError(
                        f"{name} ended with code {code} before it was ready: {self._last_line()}",
                        hint=f"see {self.log}; options for it go into models.server.arguments",
                    )
                with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
                    healthy = client.get(f"{address}/health").status_code == httpx.codes.OK
                    listed = client.get(f"{address}/v1/models").json()["data"] if healthy else []
                    names = [str(entry["id"]) for entry in listed]
                    if names:
                        return model if model in names else names[0]
                time.sleep(LOOK_SECONDS)
        raise EngineError(
            f"{name} was not ready after {timeout_s:g} s: {self._last_line()}",
            hint=f"see {self.log}; raise models.server.start_timeout_s for a large model",
        )

    def _last_line(self) -> str:
        """Return the last line of its log that says something."""
        with self.log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            lines = file.read().decode(errors="replace").splitlines()
        told = ["".join(char for char in line if char.isprintable()).strip() for line in lines]
        return next((line for line in reversed(told) if line), "it printed nothing")[:200]


def command_of(
    name: str, source: ModelSource, threads: int, config: ServerConfig
) -> tuple[list[str], int]:
    """Return the command that serves a model under its name, and the port it listens on.

    Raises: EngineError if the server is not installed or cannot serve this model; UsageError for
    arguments that are no command line.
    """
    try:
        more = shlex.split(config.arguments)
    except ValueError as error:
        raise UsageError(f"models.server.arguments: {error}", hint="close the quotes") from None
    port = _free_port()
    at = ["--host", HOST, "--port", str(port)]
    if name == "llama-server":
        if source.kind != "gguf":
            raise EngineError(
                f"{source.name}: llama-server serves GGUF files",
                hint="export it first: overproof export CHECKPOINT --to gguf --out DIR",
            )
        if find_spec("xllamacpp") is None:
            raise EngineError(
                "the package xllamacpp is not installed", hint="pip install 'overproof[gguf]'"
            )
        ours = [sys.executable, "-m", "overproof", "serve", str(source.path)]
        return [*ours, *at, "--threads", str(cpu_threads(threads)), *more], port
    if source.kind != "folder":
        raise EngineError(
            f"{source.name}: {name} serves folders and hub ids, and this is a GGUF file",
            hint="name a hub id or a checkpoint folder, or use --serve llama-server",
        )
    if name == "vllm":
        program = shutil.which("vllm")
        command = [program or "", "serve", str(source.path), "--served-model-name", source.name]
    else:
        program = sys.executable if find_spec("sglang") is not None else None
        module = ["-m", "sglang.launch_server", "--model-path", str(source.path)]
        command = [program or "", *module, "--served-model-name", source.name]
    if program is None:
        raise EngineError(
            f"{name} is not installed in this environment",
            hint=f"pip install {name} (it needs a GPU), or start it elsewhere and name its address",
        )
    return [*command, *at, *more], port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _log_file(name: str, port: int) -> Path:
    """Return a new log's place; the oldest of many are removed."""
    folder = cache_folder() / "logs"
    old = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    for path in old[:-KEPT_LOGS]:
        path.unlink(missing_ok=True)
    return folder / f"{name}-{os.getpid()}-{port}.log"
