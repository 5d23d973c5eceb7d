"""From a test and a candidate's answers to a status: the only place where verdicts are made.

passed          the test came to its end
wrong_answer    an assertion of the test failed, or a worked example differs
error           the program raised, ended, or returned what the test cannot use
timeout         CPU time, or wall time twice; out_of_memory, compile_error, no_code: as named
harness_error   the dataset's own code, or ours; never counted as a wrong answer
"""

import os
import random
import signal
import socket
import traceback
from dataclasses import dataclass
from typing import Any

from overproof.sandbox import codec
from overproof.sandbox.examples import literal_call, read_literal, same
from overproof.sandbox.proxy import CandidateGoneError, ProblemError, Proxy

_MAX_PROGRAM_CHARACTERS = 4 << 20


@dataclass(frozen=True)
class Finding:
    """A status and one line about it."""

    status: str
    detail: str = ""


def refuse(task: dict[str, Any]) -> Finding | None:
    """Return the finding on a program that need not be run, else None."""
    if not task["program"].strip():
        return Finding("no_code", "the program is empty")
    if len(task["program"]) > _MAX_PROGRAM_CHARACTERS:
        return Finding("compile_error", f"more than {_MAX_PROGRAM_CHARACTERS} characters")
    return None


def examine(channel: socket.socket, task: dict[str, Any]) -> tuple[Finding, str]:
    """Load the program and run its test; also return why the candidate is gone, if it is."""
    proxy = Proxy(channel)
    random.seed(0)
    try:
        program = {"program": task["program"], "entry_point": task["entry_point"]}
        loaded = proxy.exchange(program)
        if "loaded" not in loaded:
            return _refused_load(loaded), proxy.gone
        run = run_examples if "examples" in task else run_check
        finding = run(proxy, task)
    except CandidateGoneError as error:
        return Finding("error", str(error)), proxy.gone
    return finding, proxy.gone


def run_check(proxy: Proxy, task: dict[str, Any]) -> Finding:
    """Run the dataset's `check(candidate)`, unchanged, against the proxy."""
    namespace: dict[str, Any] = {"__name__": "oracle"}
    try:
        exec(compile(task["prompt"] + task["reference"], "<prompt>", "exec"), namespace)
        exec(compile(task["test"], "<test>", "exec"), namespace)
        check = namespace["check"]
    except Exception as error:
        return Finding("harness_error", f"the problem's own code: {_describe(error)}")
    try:
        check(proxy)
    except ProblemError as error:
        return Finding("harness_error", str(error))
    except AssertionError as error:
        if error is proxy.raised:
            return Finding("error", proxy.raised_detail)
        note = f" (the result was {proxy.last_result!r})" if _is_opaque(proxy.last_result) else ""
        return Finding("wrong_answer", f"{_failing_line(error, task['test'])}{note}")
    except Exception as error:
        if error is proxy.raised:
            return _raised(proxy)
        return Finding("error", f"the test could not use the result: {_describe(error)}")
    if proxy.gone:  # a bare `except:` in the test swallowed it
        return Finding("error", proxy.gone)
    if proxy.calls == 0:
        return Finding("harness_error", "the test never called the candidate")
    return Finding("passed")


def run_examples(proxy: Proxy, task: dict[str, Any]) -> Finding:
    """Call the candidate as each worked example does, and compare the plain results."""
    examples = task["examples"]
    for number, (source, want) in enumerate(examples, start=1):
        where = f"example {number} of {len(examples)}, {source}"
        call = literal_call(source, task["entry_point"])
        try:
            expected = read_literal(want)
        except (ValueError, SyntaxError, TypeError):
            call = None
        if call is None:
            return Finding("harness_error", f"{where}: not a call with literals")
        try:
            value = proxy(*call[0], **call[1])
        except Exception:
            raised = _raised(proxy)
            return Finding(raised.status, f"{where}: {raised.detail}")
        if not same(value, expected):
            detail = f"{where}: expected {want[:60]}, got {_show(value)}"
            return Finding("wrong_answer", detail)
    return Finding("passed", f"{len(examples)} of {len(examples)} examples passed")


def judge(finding: Finding, gone: str, report: dict[str, Any], limits: dict[str, Any]) -> Finding:
    """Combine what the test found with how the candidate's process ended."""
    allowed = limits["cpu_seconds"]
    if finding.status == "harness_error":
        return finding
    if report["reason"] == "wall":
        return Finding("timeout", f"wall time limit of {limits['wall_seconds']:g} s")
    if report["reason"] == "cpu" or report["cpu"] > allowed:
        return Finding("timeout", f"CPU time limit of {allowed:g} s")
    if report["reason"] == "processes":
        return Finding("error", f"more than {limits['max_processes']} processes")
    if gone == "the process ended":
        code = os.waitstatus_to_exitcode(report["status"])
        how = f"with exit status {code}" if code >= 0 else f"by {_signal_name(-code)}"
        return Finding("error", f"the process ended {how}")
    return finding


def _refused_load(reply: dict[str, Any]) -> Finding:
    status, detail = reply.get("failed"), reply.get("detail")
    if status in ("compile_error", "error", "no_code", "out_of_memory") and type(detail) is str:
        return Finding(str(status), str(detail))
    return Finding("error", "broke the protocol while loading")


def _raised(proxy: Proxy) -> Finding:
    memory = proxy.raised_kind == "MemoryError"
    return Finding("out_of_memory" if memory else "error", proxy.raised_detail)


def _failing_line(error: AssertionError, test: str) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<test>"
    ]
    source = test.splitlines()
    number = lines[-1] if lines else None
    return source[number - 1].strip() if number and number <= len(source) else "assertion failed"


def _describe(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {str(error)[:150]}"
    except ValueError:  # an int of more digits than Python is willing to print
        return type(error).__name__


def _show(value: Any) -> str:
    try:
        return repr(value)[:80]
    except ValueError:
        return f"a huge {type(value).__name__}"


def one_line(text: str) -> str:
    """Return the text as one line of at most 200 characters, without lone surrogates."""
    return " ".join(text[:800].encode(errors="replace").decode().split())[:200]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _is_opaque(value: Any) -> bool:
    return type(value) is codec.Opaque
