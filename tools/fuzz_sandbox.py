"""Fuzz what the sandbox reads from hostile programs, for a bounded time (60 seconds by default).

    make fuzz                         about a minute, and half a minute once for atheris
    make fuzz SECONDS=600             longer
    python tools/fuzz_sandbox.py --seconds 10

Subjects: `codec.decode`, `wire.receive`, the oracle's side of a call (`proxy.Proxy`) and the
verdicts on it, each with a fake program that sends the fuzzer's bytes; and that plain data comes
back as what it was. An exception that is not documented, a verdict `passed` for an answer that
nobody knew, a hang of 10 seconds, or 2 GiB of memory is a crash.
Not covered: the zygote, the kernel's features, the drivers of other languages.

Needs atheris, which `make fuzz` puts into `.venv-fuzz`. An input that crashes is kept in
build/fuzz with the log; what was learnt about the code is kept in build/fuzz/corpus.
Exit status: 0 without a crash, 1 with one, 2 if atheris is not there.
"""

import argparse
import hashlib
import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "build" / "fuzz"
_MISSING = "fuzz: atheris is not installed for this Python; run make fuzz"


def main() -> int:
    """Run the fuzzer in a process of its own, and say what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long, default 60")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print(_MISSING, file=sys.stderr)
        return 2
    corpus, log = FOLDER / "corpus", FOLDER / "log.txt"
    corpus.mkdir(parents=True, exist_ok=True)
    before = set(FOLDER.glob("*-*"))
    print(f"fuzz: {options.seconds} seconds")
    limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    flags = [f"-max_total_time={options.seconds}", f"-artifact_prefix={FOLDER}/", *limits]
    command = [sys.executable, __file__, "--inner", *flags, str(corpus)]
    with log.open("wb") as file:
        status = subprocess.run(command, stdout=file, stderr=file, check=False).returncode
    text = log.read_text(errors="replace")
    found = sorted(set(FOLDER.glob("*-*")) - before)
    if status or found:
        place = max(text.rfind(" === Uncaught Python exception"), 0)
        print("\n".join(text[place:].splitlines()[-40:]))
        print(f"fuzz: CRASH, exit status {status}; {', '.join(map(str, found))}; log in {log}")
        return 1
    done = re.search(r"Done (\d+) runs in (\d+) second", text)
    if done is None:
        print(f"fuzz: it did not run to its end; log in {log}", file=sys.stderr)
        return 1
    inputs = len(list(corpus.iterdir()))
    print(f"fuzz: no crash in {int(done[1]):,} runs, {done[2]} seconds; {inputs} inputs kept")
    return 0


def inner(arguments: list[str]) -> None:
    """Be the fuzzer; it ends this process."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["overproof.sandbox"]):
        targets = importlib.import_module("fuzz_targets")
    corpus = Path(arguments[-1])
    for content in targets.seeds():
        (corpus / hashlib.sha1(content).hexdigest()).write_bytes(content)
    atheris.Setup([sys.argv[0], *arguments], targets.run)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inner"]:
        inner(sys.argv[2:])
    sys.exit(main())
