"""What goes out beside the weights: safetensors, Modelfile, card, upload; and serving a model."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from click.testing import CliRunner

from overproof.cli import main
from overproof.engines import load_engine
from overproof.engines.protocol import Request
from overproof.errors import DataError, FetchError, UnknownNameError, UsageError
from overproof.models import resolve_model
from overproof.ship import hub
from overproof.ship.export import Wanted, Written, check_wanted, export
from overproof.ship.ollama import FAMILIES, default_system, family_of, modelfile
from overproof.ship.origin import find_base, read_origin
from overproof.ship.release import run_rows, write_release_card
from overproof.ship.serving import Served
from overproof.ship.side_by_side import answer_both
from overproof.ship.tensors import write_safetensors

Make = Callable[..., Path]
LLAMA_3 = (
    "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}"
    "<|eot_id|>{% endfor %}{% if add_generation_prompt %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
WITH_SYSTEM = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def exported(tmp_path: Path, checkpoint: Make) -> tuple[Path, Path]:
    """The checkpoint, and a folder with its f16 file."""
    folder, out = checkpoint(tmp_path / "tiny"), tmp_path / "out"
    list(export(resolve_model(str(folder)), Wanted(out=out, prompts=0)))
    return folder, out


def test_safetensors_are_copied_or_rounded(tmp_path: Path, checkpoint: Make) -> None:
    import torch
    from safetensors.torch import load_file

    folder = checkpoint(tmp_path / "tiny")
    assert write_safetensors(folder, tmp_path / "half", "f16") == {"exact": True, "changed": 0.0}
    rounded = write_safetensors(folder, tmp_path / "brain", "bf16")
    assert not rounded["exact"]
    assert 0.3 < rounded["changed"] < 1
    found = load_file(tmp_path / "brain" / "model.safetensors")
    assert {tensor.dtype for tensor in found.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "brain" / "config.json").read_text())["dtype"] == "bfloat16"
    assert (tmp_path / "brain" / "tokenizer.json").is_file()


def test_safetensors_write_the_same_answers(tmp_path: Path, checkpoint: Make) -> None:
    folder = checkpoint(tmp_path / "tiny")
    wanted = Wanted(
        to="safetensors",
        quantisations=("f16",),
        out=tmp_path / "out",
        own_prompts=("def f(x):\n", "def g(y):\n"),
        threads=1,
    )
    news = list(export(resolve_model(str(folder)), wanted))
    record = next(one.record for one in news if isinstance(one, Written))
    assert record["answers"]["same_answers"] == 2
    assert record["answers"]["kl"] == pytest.approx(0, abs=1e-6)


def test_formats_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gguf is not written in bf16"):
        check_wanted(Wanted(out=tmp_path, quantisations=("bf16",)))
    with pytest.raises(UsageError, match="no ONNX") as error:
        check_wanted(Wanted(out=tmp_path, to="onnx"))
    assert "optimum-cli" in error.value.hint
    source = resolve_model("http://127.0.0.1:1/v1#a")
    with pytest.raises(UsageError, match="no checkpoint folder"):
        list(export(source, Wanted(out=tmp_path)))


def test_the_chat_template_is_told_to_ollama_in_go() -> None:
    chatml, llama = FAMILIES
    assert family_of(WITH_SYSTEM) == chatml
    assert family_of(LLAMA_3) == llama
    assert family_of("{% for m in messages %}{{ m.content }}{% endfor %}") is None
    assert default_system(WITH_SYSTEM, chatml) == "Be kind."
    assert default_system(LLAMA_3, llama) == ""
    text = modelfile("coder.gguf", WITH_SYSTEM, "mit")
    assert text.startswith("FROM ./coder.gguf\n")
    assert 'SYSTEM """Be kind."""' in text
    assert 'PARAMETER stop "<|im_end|>"' in text
    assert "<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>" in text
    assert "# TEMPLATE: not known here" in modelfile("a.gguf", "{{ messages[0].content }}")
    assert "{{ .Prompt }}" in modelfile("base.gguf", "")


def test_the_base_is_what_the_card_says_or_the_user(
    exported: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, out = exported
    origin = read_origin(folder)
    assert (origin.base, origin.licence, origin.training["steps"]) == ("tiny", "apache-2.0", 7)
    assert find_base("", origin) is None
    file = out / "tiny-f16.gguf"
    assert find_base(str(file), origin) == file
    with pytest.raises(UsageError, match="no GGUF file"):
        find_base("nowhere.gguf", origin)
    (folder / "README.md").write_text("---\nlicense: [\n---\n")
    with pytest.raises(DataError):
        read_origin(folder)


def test_the_card_has_results_files_and_provenance(
    exported: tuple[Path, Path], tmp_path: Path, write_run: Callable[..., Path]
) -> None:
    folder, out = exported
    run = write_run(
        tmp_path / "run",
        lambda model, operator, task, seed, index: "passed" if task % 2 else "wrong_answer",
        models=("teacher", "distilled"),
    )
    rows = run_rows(run, "")
    assert {row["model"] for row in rows} == {"distilled"}
    text = write_release_card(out, read_origin(folder), run).read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    metric = front["model-index"][0]["results"][0]["metrics"][0]
    assert (metric["type"], metric["value"]) == ("pass@1", 0.5)
    low, high = metric["confidence_interval"]
    assert low < 0.5 < high
    assert (front["license"], front["base_model"]) == ("apache-2.0", "tiny")
    assert "| pass@1 | nominal | 50.0% |" in text
    assert "`tiny-f16.gguf`" in text
    assert "7 steps on 900 target tokens" in text
    from huggingface_hub import ModelCard

    assert ModelCard(text).data.eval_results[0].metric_value == 0.5
    with pytest.raises(UnknownNameError, match="model of the run"):
        run_rows(run, "nobody")
    with pytest.raises(DataError, match="no results there"):
        run_rows(tmp_path, "")


def test_a_dry_run_names_what_would_be_sent(exported: tuple[Path, Path]) -> None:
    _, out = exported
    (out / "secret.env").write_text("KEY=1")
    news = list(hub.push(out, "me/tiny", dry_run=True))
    assert any("tiny-f16.gguf" in line for line in news)
    assert any("Modelfile" in line for line in news)
    assert not any("secret" in line for line in news)
    assert news[-1].endswith("to me/tiny")
    with pytest.raises(UsageError, match="not the name of a repository"):
        list(hub.push(out, "tiny", dry_run=True))


class Hub(BaseHTTPRequestHandler):
    """A hub on this machine: notes what it is asked; takes everything, or lets nobody in."""

    asked: ClassVar[list[tuple[str, bytes]]] = []
    open = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.path, body))
        if not self.open:
            self._answer(401, {"error": "Invalid credentials"})
        elif self.path.endswith("/repos/create"):
            self._answer(200, {"url": f"http://{self.headers['Host']}/me/tiny"})
        elif "/preupload/" in self.path:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})
        else:
            self._answer(200, {"commitOid": "0" * 40, "commitUrl": "/me/tiny/commit/0"})

    def do_GET(self) -> None:
        self.asked.append((self.path, b""))
        self._answer(200, {"id": "me/tiny", "sha": "0" * 40, "siblings": []})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def local_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setattr(Hub, "asked", [])
    yield Hub
    server.shutdown()
    server.server_close()


def test_the_folder_goes_to_a_hub_in_one_commit(
    exported: tuple[Path, Path], local_hub: type[Hub]
) -> None:
    (exported[1] / "secret.env").write_text("KEY=1")
    news = list(hub.push(exported[1], "me/tiny", private=True))
    assert news[-1] == "sent: /me/tiny/commit/0"
    created = next(json.loads(body) for path, body in local_hub.asked if "create" in path)
    assert created["name"] == "tiny"
    assert created.get("private") or created.get("visibility") == "private"  # by its version
    commits = [body for path, body in local_hub.asked if "/commit/" in path]
    assert len(commits) == 1
    rows = [json.loads(line) for line in commits[0].splitlines()]
    sent = {row["value"]["path"] for row in rows if row["key"] == "file"}
    assert sent == {"tiny-f16.gguf", "Modelfile", "export.json"}


def test_a_hub_that_refuses_is_an_error_with_a_hint(
    exported: tuple[Path, Path], local_hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_hub, "open", False)
    with pytest.raises(FetchError, match="did not take it") as error:
        list(hub.push(exported[1], "me/tiny"))
    assert "hf auth login" in error.value.hint


def test_a_served_model_answers_the_server_engine(exported: tuple[Path, Path]) -> None:
    file = exported[1] / "tiny-f16.gguf"
    request = Request(prompt="def f(x):\n", stop=(), max_new_tokens=6)
    with Served(resolve_model(str(file)), slots=1, context=512, threads=1) as served:
        engine = load_engine(resolve_model(f"{served.url}#{served.alias}"), "server")
        over_http = engine.generate([request])[0]
        engine.close()
        assert served.tokens("def<|im_end|>") == [260, 2]
    here = load_engine(resolve_model(str(file)), "xllamacpp", threads=1)
    assert over_http.text == here.generate([request])[0].text
    assert over_http.completion_tokens == 6
    here.close()


def test_the_serve_command_serves_until_it_is_interrupted(exported: tuple[Path, Path]) -> None:
    file = exported[1] / "tiny-f16.gguf"
    command = [sys.executable, "-m", "overproof", "serve", str(file), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--threads", "1", "--slots", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3)]
        assert told[1].startswith("curl http://127.0.0.1:")
        source = resolve_model(told[2].split("'")[1])
        engine = load_engine(source, "server")
        request = Request(prompt="Hi", stop=(), max_new_tokens=3, chat=True)
        assert engine.generate([request])[0].completion_tokens == 3
        engine.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_two_models_answer_side_by_side(exported: tuple[Path, Path]) -> None:
    folder, out = exported
    pieces: list[tuple[int, str]] = []
    answers = answer_both(
        [str(out / "tiny-f16.gguf"), str(folder)],
        "Hi",
        max_new_tokens=5,
        threads=1,
        on_piece=lambda column, piece: pieces.append((column, piece)),
    )
    assert answers[0].text == answers[1].text  # the folder is exported to the same file
    assert [one.tokens for one in answers] == [5, 5]
    for column in (0, 1):
        assert "".join(text for at, text in pieces if at == column) == answers[column].text


def test_export_from_the_command_line(tmp_path: Path, checkpoint: Make) -> None:
    folder, out = checkpoint(tmp_path / "tiny", "qwen2"), tmp_path / "out"
    command = ["export", str(folder), "--quantise", "q8_0", "--quantise", "q4_k_m", "--prompts"]
    more = ["0", "--out", str(out), "--push", "me/tiny", "--dry-run"]
    done = CliRunner().invoke(main, [*command, *more])
    assert done.exit_code == 0, done.output
    assert {"tiny-q8_0.gguf", "tiny-q4_k_m.gguf", "Modelfile", "README.md", "export.json"} <= {
        path.name for path in out.iterdir()
    }
    assert "would send" in done.output
    refused = CliRunner().invoke(main, ["export", str(folder), "--to", "onnx", "--out", str(out)])
    assert refused.exit_code == 2
    assert "optimum-cli" in refused.output
