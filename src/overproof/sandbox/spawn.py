"""Start one of our own modules in a fresh interpreter that inherits nothing.

Never a fork of the caller: that may be a large process with the threads of torch.
`-s -P` and an environment of four variables isolate as `-I` does, but let the hash seed be
fixed, so that the order of a set of strings, and with it a verdict, is the same in every run.
"""

import socket
import subprocess
import sys
from pathlib import Path

from overproof.sandbox.environment import ENVIRONMENT

_ROOT = Path(__file__).parents[2]


def start(module: str, channel: socket.socket) -> subprocess.Popen[bytes]:
    """Run `overproof.sandbox.<module>.main(descriptor)`, with `channel` as its only open file."""
    descriptor = channel.fileno()
    # The package itself is replaced by an empty one: it would import the pool, whose threads and
    # digests make every fork of a zygote dearer and are not needed there.
    code = (
        f"import sys, types; sys.path.insert(0, {str(_ROOT)!r}); "
        f"package = types.ModuleType('overproof.sandbox'); "
        f"package.__path__ = [{str(_ROOT / 'overproof' / 'sandbox')!r}]; "
        f"sys.modules['overproof.sandbox'] = package; "
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
