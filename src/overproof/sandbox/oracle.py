"""The trusted process that runs the tests: it calls the candidate and judges what comes back.

It holds the dataset's test code and the expected values; the program's text passes through it
to the candidate and is never executed here. Helpers that a prompt defines (HumanEval/32, 38, 50)
come from the dataset's own prompt.

    channel, to the pool:  {"tier": …} once, then a verdict for each task, in order
    channel, from the pool:  {"folder": …, "cache": …, "limits": …} once, then tasks, or
                             {"language": …, "prepare": [[program, entry_point], …]}, programs to
                             build together, whose "verdict" is none
"""

import contextlib
import marshal
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overproof.sandbox import kernel, wire
from overproof.sandbox.examples import literal_call, read_literal
from overproof.sandbox.judge import (
    Finding,
    ended,
    judge,
    judged_inside,
    limit_hit,
    one_line,
    refuse,
    refused_load,
    run_check,
    run_examples,
)
from overproof.sandbox.launch import Launch
from overproof.sandbox.proxy import CandidateGoneError, DivergedError, Proxy
from overproof.sandbox.recording import (
    MAX_STARTS,
    THINKING_SECONDS,
    EnoughError,
    LiveObjectError,
    ProblemError,
    Recording,
    encode_call,
    limited_seconds,
    marshal_call,
    marshal_result,
)
from overproof.sandbox.stdio import Streams, differs
from overproof.sandbox.warm import Zygote, ZygoteError

if TYPE_CHECKING:  # what other languages need is loaded with the first task that has one
    from overproof.languages.language import Language
    from overproof.sandbox.answers import Answers

_MEMORY_BYTES = 4 << 30
_READING_SECONDS = 5.0
"""CPU time over the text of a program, before it is compiled or started."""
_MAX_PASSED_BACK = 4 << 20
"""Bytes of the calls that a program which cannot read is sent, where its answers are among them."""
_MIB = 1 << 20


class NotReadyError(Exception):
    """A candidate was not confined, and so never got a program."""


class Examination:
    """One task: the candidates that it takes, and what they used."""

    def __init__(
        self, zygote: Zygote, task: dict[str, Any], limits: dict[str, Any], cache: Path
    ) -> None:
        """Nothing is started yet."""
        self.zygote = zygote
        self.task = task
        self.limits = limits
        self.cache = cache
        self.language = other_language(task["language"])
        """None for Python."""
        self.answers: Answers | None = None
        self.cpu = 0.0
        self.resident = 0
        self.inside = False
        self.again = False
        self.started = False
        self.starts = 0

    def run(self) -> Finding:
        """Return the finding on the task. Raises: ZygoteError."""
        refused = refuse(self.task["program"])
        if refused is not None:
            return refused
        try:
            if "cases" in self.task:
                return self.run_cases()
            if "examples" in self.task:
                return self.run_examples()
            return self.run_check()
        except NotReadyError:
            return Finding("harness_error", "a candidate could not be confined")

    def run_check(self) -> Finding:
        """Judge by the dataset's test."""
        task = self.task
        reference_name = task["entry_point"]
        other = self.language is not None
        recording = Recording.of(
            task["prompt"], task["reference"], task["test"], reference_name, with_results=other
        )
        if recording.fault:
            return Finding("harness_error", recording.fault)
        if recording.inside:
            return self.run_inside()
        excluded = task.get("excluded", ())
        if excluded and not max(excluded) < len(recording.calls):
            return Finding("harness_error", f"excluded: the test makes no call {max(excluded)}")

        def run(proxy: Proxy) -> Finding:
            return run_check(proxy, recording.check(), task["test"])

        return self.run_calls(run, self.foresee(recording, excluded))

    def run_examples(self) -> Finding:
        """Judge by worked examples."""
        examples, entry_point = self.task["examples"], self.task["entry_point"]
        recording = Recording()
        for source, want in examples:
            call = literal_call(source, entry_point)
            if call is None:
                break
            recording.calls.append(marshal_call(tuple(call[0]), call[1]))
            result = b""
            with contextlib.suppress(ValueError, SyntaxError, TypeError):
                result = marshal_result(read_literal(want))
            recording.results.append(result)
        return self.run_calls(
            lambda proxy: run_examples(proxy, examples, entry_point), self.foresee(recording)
        )

    def foresee(self, recording: Recording, excluded: Sequence[int] = ()) -> list[bytes]:
        """Return the calls that can be sent ahead; note how answers are read."""
        if self.language is None:
            return recording.calls
        from overproof.sandbox.answers import Answers

        self.answers = Answers(self.language, recording, excluded)
        return self.answers.expressible()

    def run_calls(self, run: Callable[[Proxy], Finding], foreseen: list[bytes]) -> Finding:
        """Let `run` call the candidate; if its calls are not as foreseen, once more without.

        A program that cannot read is started with the calls that were made so far, one more each
        time.
        """
        launch = self.launch(foreseen)
        if isinstance(launch, Finding):
            return launch
        finding, live = Finding("error"), False
        self.starts += 1
        with self.candidate(launch, []) as channel:
            proxy = Proxy(channel, foreseen, self.answers)
            try:
                finding = self.call(proxy, run, foreseen)
            except CandidateGoneError as error:
                finding = Finding("error", str(error))
            except LiveObjectError:
                live = True
            except DivergedError:
                pass
            report = self.finish(b"e" if proxy.gone else b"k")
        if live:
            return self.run_inside()
        if proxy.diverged:
            return self.run_anew(run, proxy)
        return judge(finding, proxy, report, self.limits)

    def run_anew(self, run: Callable[[Proxy], Finding], proxy: Proxy) -> Finding:
        """Run a test anew that asked something else than was foreseen, since answers decide that.

        Wrong answers may lead it astray for ever, which is no excuse for them.
        """
        if self.language is None or self.language.reads_calls:
            return self.run_calls(run, [])
        if sum(map(len, proxy.made)) > _MAX_PASSED_BACK:
            return Finding("output_limit", "too much for the test to pass back to the program")
        if self.starts > MAX_STARTS:
            if self.answers is not None and self.answers.erred:
                return Finding("error", "its wrong answers lead the test to ever other calls")
            return Finding("harness_error", "the test's calls change from start to start")
        return self.run_calls(run, proxy.made)

    def call(self, proxy: Proxy, run: Callable[[Proxy], Finding], foreseen: list[bytes]) -> Finding:
        """Wait until the program is loaded, then run the test."""
        loaded = proxy.receive()
        if loaded.get("loaded") is not True:
            return refused_load(loaded)
        if self.language is not None and self.language.reads_calls and foreseen:
            proxy.ask(encoded(foreseen))
        return run(proxy)

    def run_inside(self) -> Finding:
        """Let the candidate judge itself: the verdict says so."""
        if self.language is not None:
            return Finding("harness_error", "tests with live objects are for Python only")
        self.inside = True
        names = ("program", "entry_point", "prompt", "reference", "test")
        job = {"kind": "inside"} | {name: self.task[name] for name in names}
        with self.candidate(Launch(b"f", job), []) as channel:
            proxy = Proxy(channel)
            try:
                finding = judged_inside(proxy.receive())
            except CandidateGoneError as error:
                finding = Finding("error", str(error))
            report = self.finish(b"e" if proxy.gone else b"k")
        return judge(finding, proxy, report, self.limits)

    def run_cases(self) -> Finding:
        """Run a whole program once per case, and compare what it prints."""
        launch = self.launch_script()
        if isinstance(launch, Finding):
            return launch
        cases = self.task["cases"]
        for number, (text, expected) in enumerate(cases, start=1):
            finding = self.run_case(launch, text, expected)
            if finding.status != "passed":
                where = f"case {number} of {len(cases)}: "
                return Finding(finding.status, where + finding.detail)
        return Finding("passed", f"{len(cases)} of {len(cases)} cases passed")

    def run_case(self, launch: Launch, text: str, expected: str) -> Finding:
        """Run the program on one input."""
        streams = Streams.open(text)
        try:
            with self.candidate(launch, streams.theirs):
                streams.handed_over()
                streams.drain(self.limits["output_mib"] * _MIB)
                report = self.finish(b"k" if streams.flooded else b"w")
            if hit := limit_hit(report, self.limits["cpu_seconds"], self.limits):
                return hit
            if streams.flooded:
                return Finding("output_limit", f"more than {self.limits['output_mib']} MiB printed")
            if report["status"]:
                complaint = streams.last_complaint()
                found = ended(report["status"])
                memory = complaint.startswith("MemoryError")
                status = "out_of_memory" if memory else found.status
                compiling = complaint.startswith(("SyntaxError", "IndentationError", "TabError"))
                status = "compile_error" if compiling and self.language is None else status
                return Finding(status, complaint or found.detail)
            difference = differs(streams.printed.decode(errors="replace"), expected)
            return Finding("wrong_answer", difference) if difference else Finding("passed")
        finally:
            streams.close()

    def launch(self, foreseen: list[bytes]) -> Launch | Finding:
        """Return how to start a candidate that answers calls."""
        program, entry_point = self.task["program"], self.task["entry_point"]
        if self.language is None:
            job = {"program": program, "entry_point": entry_point, "calls": foreseen}
            return Launch(b"f", {"kind": "calls"} | job)
        return self.prepare(self.language, entry_point, foreseen)

    def launch_script(self) -> Launch | Finding:
        """Return how to start a whole program."""
        if self.language is None:
            return Launch(b"s", {"kind": "main", "program": self.task["program"]})
        return self.prepare(self.language, "", [])

    def prepare(
        self, language: "Language", entry_point: str, foreseen: list[bytes]
    ) -> Launch | Finding:
        """Return how to start a program of another language, built if need be."""
        from overproof.sandbox.builds import prepare

        try:
            calls = [] if language.reads_calls else encoded(foreseen)
        except ProblemError as error:
            return Finding("harness_error", str(error))
        files = files_of(language, self.task["program"], entry_point, calls)
        if isinstance(files, Finding):
            return files
        return prepare(self.zygote, language, files, self.limits, self.cache)

    @contextlib.contextmanager
    def candidate(self, launch: Launch, streams: Sequence[int]) -> Iterator[socket.socket]:
        """Yield the channel to a candidate; `finish` must be called in the block.

        What we ourselves may compute meanwhile is limited: see `Worker.receive` of the pool.
        """
        built = launch.descriptors()
        signal.setitimer(signal.ITIMER_PROF, THINKING_SECONDS)
        try:
            with self.zygote.start(launch.letter, launch.job, [*built, *streams]) as channel:
                self.started = True
                yield channel
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            for descriptor in built:
                os.close(descriptor)

    def finish(self, wish: bytes = b"k") -> dict[str, Any]:
        """End the candidate; add up what it used. Raises: ZygoteError, NotReadyError."""
        report = self.zygote.finish(wish)
        self.cpu += report["cpu"]
        self.resident = max(self.resident, report["resident"])
        self.again = report["reason"] == "wall"
        if not report["ready"]:
            raise NotReadyError
        return report


def main(descriptor: int) -> None:
    """Serve tasks until the pool is gone."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    # The soft limit only: the zygote lowers the hard one for candidates.
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > _MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, hard))
    pool = socket.socket(fileno=descriptor)
    config = wire.receive(pool)
    limits, cache = config["limits"], Path(config["cache"])
    zygote: Zygote | None = None
    try:
        zygote = Zygote(limits, config["folder"])
        wire.send(pool, {"tier": zygote.tier})
        while True:
            task = wire.receive(pool, wire.MAX_JOB)
            zygote = zygote or Zygote(limits, config["folder"])
            work = build_together if "prepare" in task else run_task
            verdict, clean = work(zygote, task, limits, cache)
            if not clean:
                zygote.close()
                zygote = None
            wire.send(pool, verdict)
    except ZygoteError as error:
        wire.send(pool, {"failed": str(error), "hint": error.hint})
    except wire.ClosedError:
        pass
    if zygote is not None:
        zygote.close()
    os._exit(0)


def run_task(
    zygote: Zygote, task: dict[str, Any], limits: dict[str, Any], cache: Path
) -> tuple[dict[str, Any], bool]:
    """Return the verdict on a task, and whether the zygote may serve on."""
    examination = Examination(zygote, task, limits, cache)
    try:
        finding = examination.run()
    except ZygoteError as error:
        # With a program at work, the program is the suspect: it is run again, alone.
        status = "error" if examination.started else "harness_error"
        finding, zygote.clean, examination.again = Finding(status, str(error)), False, True
    verdict = {
        "status": finding.status,
        "detail": one_line(finding.detail),
        "cpu": examination.cpu,
        "memory": round(examination.resident / _MIB, 1),
        "tier": zygote.tier,
        "inside": examination.inside,
        "toolchain": label(examination.language),
        "again": examination.again or finding.again,
    }
    return verdict, zygote.clean


def build_together(
    zygote: Zygote, task: dict[str, Any], limits: dict[str, Any], cache: Path
) -> tuple[dict[str, Any], bool]:
    """Build programs ahead of their own tasks; return nothing, and whether the zygote may serve on.

    Whatever goes wrong here costs time only: each task builds what it lacks.
    """
    language = other_language(task["language"])
    if language is not None:
        from overproof.sandbox.builds import prepare_many

        programs = [files_of(language, program, name, []) for program, name in task["prepare"]]
        readable = [files for files in programs if not isinstance(files, Finding)]
        try:
            prepare_many(zygote, language, readable, limits, cache)
        except ZygoteError:
            zygote.clean = False
    return {"again": False}, zygote.clean


def files_of(
    language: "Language", program: str, entry_point: str, calls: list[dict[str, Any]]
) -> dict[str, str] | Finding:
    """Return the files of a program, or that its text is such that they cannot be made.

    Some languages look into the text, for what it imports: whatever it holds, that must not end us.
    """
    with contextlib.suppress(Exception, EnoughError), limited_seconds(_READING_SECONDS):
        return language.files(program, entry_point, calls)
    return Finding("compile_error", "a program that cannot be read")


def other_language(name: str) -> "Language | None":
    """Return the language of a task, loaded when it is first asked for; None for Python."""
    if name == "python":
        return None
    from overproof.languages import load_language

    return load_language(name)


def label(language: "Language | None") -> str:
    """Return a language's toolchain with its version; empty for Python, or if it is missing."""
    if language is None:
        return ""
    from overproof.sandbox.toolchains import toolchain

    return toolchain(language) or ""


def encoded(calls: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return marshalled calls as a driver is sent them. Raises: as `encode_call`."""
    return [encode_call(*marshal.loads(call)) for call in calls]
