"""What runs in the candidate's process: load the program, then answer calls until the end.

Nothing here is trusted once the program is loaded: the program may rewrite all of it, and gains
nothing, since the verdict is made elsewhere from the values that come back.

    {"program": …, "entry_point": …}  ->  {"loaded": true} or {"failed": status, "detail": …}
    {"args": […], "kwargs": {…}}      ->  {"value": tree} or {"raised": type, "detail": …}
"""

import gc
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overproof.sandbox import codec, wire

_FILE = "candidate.py"
_MODULE = "candidate"


def serve(channel: socket.socket) -> None:
    """Say that the limits are in place, load the program, answer calls; returns at the end."""
    wire.send(channel, {"ready": True})
    job = wire.receive(channel, wire.MAX_JOB)
    gc.enable()
    function, failure = load(job["program"], job["entry_point"])
    wire.send(channel, failure or {"loaded": True})
    while function is not None:
        reply = answer(function, wire.receive(channel))
        try:
            wire.send(channel, reply)
        except wire.ClosedError:
            return
        except wire.WireError as error:
            wire.send(channel, {"raised": "CodecError", "detail": f"the result: {error}"})


def load(program: str, entry_point: str) -> tuple[Callable[..., Any] | None, dict[str, str]]:
    """Execute the program as a module; return its entry point, or what is wrong."""
    source = program.removeprefix("\ufeff")
    try:
        code = compile(source, _FILE, "exec", dont_inherit=True)
    except BaseException as error:
        return None, {"failed": "compile_error", "detail": describe(error)}
    # The file is there for inspect, pickle and multiprocessing, which look for it.
    Path(_FILE).write_text(source, encoding="utf-8", newline="")
    module = types.ModuleType(_MODULE)
    module.__file__ = _FILE
    sys.modules[_MODULE] = module
    try:
        exec(code, module.__dict__)
    except MemoryError:
        return None, {"failed": "out_of_memory", "detail": "MemoryError while loading"}
    except BaseException as error:
        return None, {"failed": "error", "detail": f"while loading: {describe(error)}"}
    function = module.__dict__.get(entry_point)
    if not callable(function):
        return None, {"failed": "no_code", "detail": f"{entry_point} is not defined"}
    return function, {}


def answer(function: Callable[..., Any], call: dict[str, Any]) -> dict[str, Any]:
    """Return what the function returned or raised."""
    try:
        kwargs = {name: codec.decode(tree) for name, tree in call["kwargs"].items()}
        value = function(*(codec.decode(tree) for tree in call["args"]), **kwargs)
        return {"value": codec.encode(value)}
    except MemoryError:
        return {"raised": "MemoryError", "detail": "MemoryError"}
    except codec.CodecError as error:
        return {"raised": "CodecError", "detail": f"the result cannot be sent: {error}"}
    except BaseException as error:
        return {"raised": type(error).__name__[:60], "detail": describe(error)}


def describe(error: BaseException) -> str:
    """Return type and message in one line; a message made by the program itself is left out."""
    kind = type(error)
    if kind.__module__ != "builtins":
        return kind.__name__[:60]
    try:
        message = " ".join(str(error)[:300].split())
    except Exception:
        message = ""
    return f"{kind.__name__}: {message}"[:180] if message else kind.__name__
