"""From a test and a candidate's answers to a status: the only place where verdicts are made.

passed              the test came to its end
wrong_answer        an assertion of the test failed, or an example or an output differs
error               the program raised, exited, or returned what the test cannot use
crashed             it was ended by a signal, which `detail` names
protocol_violation  it sent what is not an answer
timeout             CPU time, or wall time twice
out_of_memory, output_limit, compile_error, no_code, missing_tool: as named
harness_error       the dataset's own code, or ours; never counted as a wrong answer
"""

import os
import random
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from overproof.sandbox import codec
from overproof.sandbox.examples import literal_call, read_literal, same
from overproof.sandbox.jobs import MAX_PROGRAM_CHARACTERS
from overproof.sandbox.proxy import Proxy
from overproof.sandbox.recording import LiveObjectError, ProblemError

_LOADING = {"compile_error", "error", "no_code", "out_of_memory"}
_INSIDE = _LOADING | {"passed", "wrong_answer"}


@dataclass(frozen=True)
class Finding:
    """A status and one line about it."""

    status: str
    detail: str = ""
    again: bool = False
    """Whether a busy machine may be to blame, so that it is reached once more, alone."""


def refuse(program: str) -> Finding | None:
    """Return the finding on a program that need not be run, else None."""
    if not program.strip():
        return Finding("no_code", "the program is empty")
    if len(program) > MAX_PROGRAM_CHARACTERS:
        return Finding("compile_error", f"more than {MAX_PROGRAM_CHARACTERS} characters")
    return None


def run_check(proxy: Proxy, check: Callable[[Any], Any], test: str) -> Finding:
    """Run the dataset's `check(candidate)`, unchanged, against the proxy.

    Raises: LiveObjectError if it passes something that is not plain data.
    """
    random.seed(0)
    try:
        check(proxy)
    except LiveObjectError:
        raise
    except ProblemError as error:
        return Finding("harness_error", str(error))
    except AssertionError as error:
        if error is proxy.raised:
            return Finding("error", proxy.raised_detail)
        note = f" (the result was {proxy.last_result!r})" if _is_opaque(proxy.last_result) else ""
        return Finding("wrong_answer", f"{_failing_line(error, test)}{note}")
    except Exception as error:
        if error is proxy.raised:
            return raised(proxy)
        return Finding("error", f"the test could not use the result: {_describe(error)}")
    if proxy.gone:  # a bare `except:` in the test swallowed it
        return Finding("error", proxy.gone)
    if proxy.calls == 0:
        return Finding("harness_error", "the test never called the candidate")
    return Finding("passed")


def run_examples(proxy: Proxy, examples: list[list[str]], entry_point: str) -> Finding:
    """Call the candidate as each worked example does, and compare the plain results."""
    for number, (source, want) in enumerate(examples, start=1):
        where = f"example {number} of {len(examples)}, {source}"
        call = literal_call(source, entry_point)
        try:
            expected = read_literal(want)
        except (ValueError, SyntaxError, TypeError):
            call = None
        if call is None:
            return Finding("harness_error", f"{where}: not a call with literals")
        try:
            value = proxy(*call[0], **call[1])
        except Exception:
            found = raised(proxy)
            return Finding(found.status, f"{where}: {found.detail}")
        if not same(value, expected):
            detail = f"{where}: expected {want[:60]}, got {_show(value)}"
            return Finding("wrong_answer", detail)
    return Finding("passed", f"{len(examples)} of {len(examples)} examples passed")


def judge(
    finding: Finding, proxy: Proxy | None, report: dict[str, Any], limits: dict[str, Any]
) -> Finding:
    """Combine what the test found with how the candidate's process ended."""
    if finding.status == "harness_error":
        return finding
    if overstepped := limit_hit(report, limits["cpu_seconds"], limits):
        return overstepped
    if proxy is not None and proxy.broke_protocol:
        return Finding("protocol_violation", finding.detail)
    if proxy is not None and proxy.gone == "the process ended":
        if report["reason"] != "exited":
            return Finding("protocol_violation", "it closed its channel and went on")
        return ended(report["status"])
    return finding


def limit_hit(report: dict[str, Any], cpu_seconds: float, limits: dict[str, Any]) -> Finding | None:
    """Return the finding on a program that was ended by a limit, else None."""
    reason = report["reason"]
    if reason == "wall":
        return Finding("timeout", f"wall time limit of {limits['wall_seconds']:g} s")
    if reason == "cpu" or report["cpu"] > cpu_seconds:
        return Finding("timeout", f"CPU time limit of {cpu_seconds:g} s")
    if reason == "memory":
        return Finding("out_of_memory", f"more than {limits['memory_mib']} MiB resident")
    if reason == "processes":
        return Finding("error", f"more than {limits['max_processes']} processes")
    return None


def ended(wait_status: int) -> Finding:
    """Return the finding on a process that ended before it had answered."""
    code = os.waitstatus_to_exitcode(wait_status)
    if code >= 0:
        return Finding("error", f"the process ended with exit status {code}")
    # SIGKILL may have come from outside, from the kernel short of memory say: once more, alone
    killed = code == -signal.SIGKILL
    return Finding("crashed", f"the process ended by {_signal_name(-code)}", again=killed)


def refused_load(reply: dict[str, Any]) -> Finding:
    """Return the finding on a program that could not be loaded."""
    return _reported(reply, "failed", _LOADING)


def judged_inside(reply: dict[str, Any]) -> Finding:
    """Return the finding that a candidate made about itself."""
    return _reported(reply, "status", _INSIDE)


def raised(proxy: Proxy) -> Finding:
    """Return the finding on a call that raised."""
    status = {"MemoryError": "out_of_memory", "OutputLimit": "output_limit"}
    return Finding(status.get(proxy.raised_kind, "error"), proxy.raised_detail)


def one_line(text: str) -> str:
    """Return the text as one line of at most 200 characters that steers no terminal."""
    words = text[:800].encode(errors="replace").decode().split()
    return "".join(c if c.isprintable() else "?" for c in " ".join(words))[:200]


def _reported(reply: dict[str, Any], key: str, allowed: set[str]) -> Finding:
    status, detail = reply.get(key), reply.get("detail")
    if type(status) is str and status in allowed and type(detail) is str:
        return Finding(status, detail)
    return Finding("protocol_violation", "broke the protocol: no report")


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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _is_opaque(value: Any) -> bool:
    return type(value) is codec.Opaque
