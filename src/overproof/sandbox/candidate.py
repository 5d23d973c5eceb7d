"""What runs in the candidate's process: load the program, then answer calls until the end.

Nothing here is trusted once the program is loaded: the program may rewrite all of it, and gains
nothing, since the verdict is made elsewhere from the values that come back.

    {"kind": "calls", "program": …, "entry_point": …, "calls": […]}
                          ->  {"loaded": true} or {"failed": status, "detail": …}
    then for each call    ->  {"value": tree} or {"raised": type, "detail": …}
    […]                   more calls, as long as the oracle wants some
    {"kind": "main"}      run the program as a script on the three descriptors that came along
    {"kind": "inside"}    run the test here: {"status": …, "detail": …}, which can be forged
    {"kind": "build"}     run a compiler: {"status": …, "log": …} and descriptors of the results
    {"kind": "command"}   become another program, its files laid out in the folder
"""

import ast
import gc
import marshal
import os
import signal
import stat
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from overproof.sandbox import codec, wire

FILE = "candidate.py"
MODULE = "candidate"
SHARED = "shared"
"""The link to what all programs of a language share, in the working folder."""
_MAX_DESCRIPTORS = 4
_DRIVER_CHANNEL = 3
_LOG_BYTES = 1 << 20


def serve(channel: int, with_descriptors: bool) -> None:
    """Receive one job over a descriptor and do it; returns or ends the process."""
    if with_descriptors:
        job, descriptors = wire.receive_job_with(channel, _MAX_DESCRIPTORS)
    else:
        job, descriptors = wire.receive_job(channel), []
    gc.enable()
    _KINDS[job["kind"]](channel, job, descriptors)


def serve_calls(channel: int, job: dict[str, Any], _: Sequence[int]) -> None:
    """Load the program as a module and answer calls, in order, one message each."""
    function, failure = load(job["program"], job["entry_point"])
    wire.reply(channel, failure or {"loaded": True})
    calls = job["calls"]
    while function is not None:
        for call in calls:
            try:
                wire.reply(channel, answer(function, call))
            except wire.TooLargeError as error:
                wire.reply(channel, {"raised": "OutputLimit", "detail": f"the result: {error}"})
            except MemoryError:
                wire.reply(channel, {"raised": "MemoryError", "detail": "MemoryError"})
        try:
            calls = wire.receive_job(channel)
        except wire.ClosedError:
            return


def load(program: str, entry_point: str) -> tuple[Callable[..., Any] | None, dict[str, str]]:
    """Execute the program as a module; return its entry point, or what is wrong.

    It is executed as `__main__` if its functions need what only a main guard binds. A program
    that exits after it has defined its entry point has done its part.
    """
    source = program.removeprefix("\ufeff")
    try:
        guarded = "__main__" in source and needs_main(source, entry_point)
        code = compile(source, FILE, "exec", dont_inherit=True)
    except BaseException as error:
        return None, {"failed": "compile_error", "detail": describe(error)}
    write_file(FILE, source)  # for inspect, pickle and multiprocessing, which look for it
    module = types.ModuleType("__main__" if guarded else MODULE)
    module.__file__ = FILE
    sys.modules[module.__name__] = module
    failure = {}
    try:
        exec(code, module.__dict__)
    except MemoryError:
        failure = {"failed": "out_of_memory", "detail": "MemoryError while loading"}
    except BaseException as error:
        if not (guarded or isinstance(error, SystemExit)) or entry_point not in module.__dict__:
            failure = {"failed": "error", "detail": f"while loading: {describe(error)}"}
    if failure:
        return None, failure
    function = module.__dict__.get(entry_point)
    if not callable(function):
        return None, {"failed": "no_code", "detail": f"{entry_point} is not defined"}
    return function, {}


def needs_main(source: str, entry_point: str) -> bool:
    r"""Return whether the program works only as `__main__`.

    That is so if the entry point, or a global that a function reads, is bound nowhere but
    under `if __name__ == "__main__":`.

    >>> needs_main("if __name__ == '__main__':\n    def f(): return 1\n", "f")
    True
    >>> needs_main("def f(): return 1\nif __name__ == '__main__':\n    x = f()\n", "f")
    False
    """
    import symtable  # only where there is a main guard

    body = ast.parse(source).body
    guards = [node for node in body if isinstance(node, ast.If) and _is_main_guard(node.test)]
    inside = {name for node in guards for name in _bound(node)}
    outside = {name for node in body if node not in guards for name in _bound(node)}
    only = inside - outside
    if not only or entry_point in only:
        return bool(only)
    return any(name in only for name in _globals_read(symtable.symtable(source, FILE, "exec")))


def _is_main_guard(test: ast.expr) -> bool:
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    texts = {node.value for node in ast.walk(test) if isinstance(node, ast.Constant)}
    return "__name__" in names and "__main__" in texts


def _bound(root: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope."""
    stack: list[ast.AST] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        if not isinstance(node, ast.Lambda):
            stack += ast.iter_child_nodes(node)


def _globals_read(table: Any) -> Iterator[str]:
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_global():
                yield symbol.get_name()
        yield from _globals_read(child)


def answer(function: Callable[..., Any], call: bytes | dict[str, Any]) -> dict[str, Any]:
    """Return what the function returned or raised.

    A call is marshalled (args, kwargs), or encoded trees where that cannot hold an argument.
    """
    try:
        if isinstance(call, bytes):
            args, kwargs = marshal.loads(call)
        else:
            args = [codec.decode(tree) for tree in call["args"]]
            kwargs = {name: codec.decode(tree) for name, tree in call.get("kwargs", {}).items()}
        return {"value": codec.encode(function(*args, **kwargs))}
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
        return str(kind.__name__)[:60]
    try:
        message = " ".join(str(error)[:300].split())
    except Exception:
        message = ""
    return f"{kind.__name__}: {message}"[:180] if message else kind.__name__


def judge_inside(channel: int, job: dict[str, Any], _: Sequence[int]) -> None:
    """Run the test in this process, for tests whose arguments or results are live objects."""
    function, failure = load(job["program"], job["entry_point"])
    if function is None:
        wire.reply(channel, {"status": failure["failed"], "detail": failure["detail"]})
        return
    namespace: dict[str, Any] = {"__name__": "test"}
    status, detail = "passed", ""
    try:
        exec(compile(job["prompt"] + job["reference"], "<prompt>", "exec"), namespace)
        exec(compile(job["test"], "<test>", "exec"), namespace)
        namespace["check"](function)
    except MemoryError:
        status, detail = "out_of_memory", "MemoryError"
    except AssertionError as error:
        status, detail = "wrong_answer", describe(error)
    except BaseException as error:
        status, detail = "error", describe(error)
    wire.reply(channel, {"status": status, "detail": detail})


def run_main(channel: int, job: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Run the program as a script, on real descriptors; never returns."""
    import atexit
    import io
    import threading
    import traceback

    os.close(channel)
    _take_descriptors(descriptors)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8")
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace"
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv = [FILE]
    source = job["program"].removeprefix("\ufeff")
    module = types.ModuleType("__main__")
    module.__file__ = FILE
    sys.modules["__main__"] = module
    status = 0
    try:
        write_file(FILE, source)
        exec(compile(source, FILE, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if status and not isinstance(error.code, int):
            sys.stderr.write(f"{error.code}\n")
    except BaseException:
        traceback.print_exc()
        status = 1
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException:
        status = status or 1
    os._exit(status & 255)


def run_build(channel: int, job: dict[str, Any], _: Sequence[int]) -> None:
    """Lay out the files and run a compiler on them; send its log, and its results if any.

    Descriptors go out for those of `results` that are there, `found` says for which; of `folders`
    an archive is sent. A compiler that failed leaves results only if they may be `partial`.
    """
    import subprocess

    lay_out(job)
    here = os.getcwd()
    try:
        with open("build.log", "w+b") as log:
            done = subprocess.run(
                job["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": job["path"], "HOME": here, "TMPDIR": here},
                check=False,
            )
            log.seek(0)
            text = log.read(_LOG_BYTES).decode(errors="replace")
    except FileNotFoundError:
        tool = job["command"][0]
        missing = {"status": 0, "missing": True, "log": tool, "found": [], "folders": []}
        wire.reply(channel, missing)
        return
    found: dict[int, int] = {}
    folders = [number for number, name in enumerate(job["results"]) if os.path.isdir(name)]
    if done.returncode == 0 or (job["partial"] and done.returncode > 0):
        for number, name in enumerate(job["results"]):
            if (descriptor := _open_result(name, f"result-{number}")) >= 0:
                found[number] = descriptor
    reply = {"status": done.returncode, "missing": False, "log": text, "found": list(found)}
    wire.reply_with(channel, reply | {"folders": folders}, list(found.values()))


def _open_result(name: str, archive: str) -> int:
    """Open what a compiler has left under a name, a folder as an archive; -1 if nothing usable."""
    try:
        mode = os.lstat(name).st_mode
    except OSError:
        return -1
    if stat.S_ISREG(mode):
        return os.open(name, os.O_RDONLY)
    if not stat.S_ISDIR(mode):
        return -1
    import zipfile

    with zipfile.ZipFile(archive, "w") as target:
        for top, folders, names in os.walk(name):
            folders.sort()
            for path in (os.path.join(top, inner) for inner in sorted(names)):
                mode = os.lstat(path).st_mode
                if stat.S_ISREG(mode):
                    entry = zipfile.ZipInfo(os.path.relpath(path, name))
                    entry.external_attr = mode << 16
                    with open(path, "rb") as file, target.open(entry, "w") as copy:
                        while part := file.read(1 << 20):
                            copy.write(part)
    return os.open(archive, os.O_RDONLY)


def run_command(channel: int, job: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Lay out the files and become the program; never returns.

    The first descriptor is the built file, if there is one; the others are its standard
    streams. Without those, its calls come over descriptor 3.
    """
    lay_out(job)
    streams = list(descriptors)
    if job["built"]:
        _copy_file(streams.pop(0), job["built"])
    if streams:
        os.close(channel)
        _take_descriptors(streams)
    elif channel != _DRIVER_CHANNEL:
        os.dup2(channel, _DRIVER_CHANNEL)
        os.close(channel)  # or a program whose driver keeps the channel to itself has it as well
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it: pipelines would never end
    command = job["command"]
    os.execvpe(command[0], command, {**os.environ, "PATH": job["path"]})


def lay_out(job: dict[str, Any]) -> None:
    """Write the files of a job, and link to what its language shares."""
    for name, content in job["files"].items():
        if "/" in name:
            os.makedirs(os.path.dirname(name), exist_ok=True)
        write_file(name, content)
    if job["shared"]:
        os.symlink(job["shared"], SHARED)


def write_file(name: str, text: str) -> None:
    """Write a text file of the working folder, line ends as they are; lone surrogates too."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    content = memoryview(text.encode("utf-8", "surrogatepass"))
    while content:
        content = content[os.write(descriptor, content) :]
    os.close(descriptor)


def _copy_file(source: int, name: str) -> None:
    size = os.fstat(source).st_size
    target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRWXU)
    offset = 0
    while offset < size and (sent := os.sendfile(target, source, offset, size - offset)):
        offset += sent
    os.close(target)
    os.close(source)


def _take_descriptors(descriptors: Sequence[int]) -> None:
    """Make these the standard streams."""
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
    for descriptor in descriptors:
        os.close(descriptor)


_KINDS: dict[str, Callable[[int, dict[str, Any], Sequence[int]], None]] = {
    "calls": serve_calls,
    "main": run_main,
    "inside": judge_inside,
    "build": run_build,
    "command": run_command,
}
