"""Start one of our own modules in a fresh interpreter that inherits nothing.

Never a fork of the caller: that may be a large process with the threads of torch.
`-s -P` and an environment of four variables isolate as `-I` does, but let the hash seed be
fixed, so that the order of a set of strings, and with it a verdict, is the same in every run.
"""

import socket
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # or each thread reserves 64 MiB of address space
    "PYTHONHASHSEED": "0",
}
_ROOT = str(Path(__file__).parents[2])


def start(module: str, channel: socket.socket) -> subprocess.Popen[bytes]:
    """Run `overproof.sandbox.<module>.main(descriptor)`, with `channel` as its only open file."""
    descriptor = channel.fileno()
    code = (
        f"import sys; sys.path.insert(0, {_ROOT!r}); "
        f"from overproof.sandbox.{module} import main; del sys.path[0]; main({descriptor})"
    )
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
