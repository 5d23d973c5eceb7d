"""Languages made of what every machine has, to test what the sandbox does for real ones."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from overproof.languages.language import Language, Toolchain
from overproof.sandbox import Limits
from overproof.sandbox.builds import prepare
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.judge import Finding
from overproof.sandbox.stdio import Streams
from overproof.sandbox.warm import Zygote

SHELL = Toolchain(tool="sh", version=("echo", "sh 1"), packages=("dash",))
PYTHON = Toolchain(tool="true", version=("echo", "true 1"), packages=("python3",))

DRIVER = """
import json, struct, sys
namespace = {}
exec(open("program.py").read(), namespace)
function = namespace[sys.argv[1]]
channel = open(3, "r+b", 0)
def receive(size):
    content = b""
    while len(content) < size:
        part = channel.read(size - len(content))
        if not part: sys.exit(0)
        content += part
    return content
def send(message):
    content = json.dumps(message).encode()
    channel.write(struct.pack("<I", len(content)) + content)
def plain(tree):
    return [plain(item) for item in tree["tuple"]] if isinstance(tree, dict) else tree
send({"loaded": True})
def answer(calls):
    for call in calls:
        try: send({"value": function(*map(plain, call["args"]))})
        except Exception as error: send({"raised": type(error).__name__, "detail": str(error)})
"""
READING = """
while True: answer(json.loads(receive(struct.unpack("<I", receive(4))[0]))["calls"])
"""
BLIND = """
answer(json.load(open("calls.json")))
receive(1)
"""


def toy(toolchain: Toolchain = SHELL, **fields: Any) -> Language:
    """Return a language with these fields, and nothing to translate to."""
    names = {"name": "toy", "title": "Toy", "fence": "toy"}
    return Language(**names, toolchain=toolchain, translation=SimpleNamespace(), **fields)  # type: ignore[arg-type]


def script(**fields: Any) -> Language:
    """Return a language whose programs are shell scripts that read standard input."""
    settings = {
        "files": lambda program, name, calls: {"main.sh": program},
        "run": ("sh", "main.sh"),
    }
    return toy(**{**settings, **fields})


def untyped(**fields: Any) -> Language:
    """Return a language that knows lists only, and no difference between 3 and 3.0."""
    return toy(
        PYTHON,
        files=lambda program, name, calls: {
            "program.py": program,
            "main.py": DRIVER + READING,
            "run.sh": f'exec "{sys.executable}" -I main.py {name}',
        },
        run=("sh", "run.sh"),
        conflates=frozenset({"tuple_list", "int_float"}),
        **fields,
    )


@contextlib.contextmanager
def zygote(**limits: Any) -> Iterator[Zygote]:
    """Yield a zygote in a folder of its own."""
    base = Path(tempfile.mkdtemp(prefix="overproof-sandbox-"))
    base.chmod(0o711)
    started = Zygote(asdict(Limits(**limits)), str(base))
    try:
        yield started
    finally:
        started.close()
        remove_tree(base)


def run(
    worker: Zygote, language: Language, program: str, cache: Path, **limits: Any
) -> tuple[str, Finding | None]:
    """Run a whole program; return what it printed to both streams, or why it could not start."""
    files = language.files(program, "", [])
    launch = prepare(worker, language, files, asdict(Limits(**limits)), cache)
    if isinstance(launch, Finding):
        return "", launch
    streams = Streams.open("")
    built = launch.descriptors()
    try:
        with worker.start(launch.letter, launch.job, [*built, *streams.theirs]):
            streams.handed_over()
            streams.drain(1 << 20)
            worker.finish(b"w")
        return (streams.printed + streams.complaints).decode(), None
    finally:
        streams.close()
        for descriptor in built:
            os.close(descriptor)
