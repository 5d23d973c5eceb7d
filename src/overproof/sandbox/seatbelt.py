"""macOS: the kernel's Seatbelt, through `sandbox_init`.

Best effort: written from the manual page and the profiles that come with macOS, never tried there.

Covered, as far as the profile is honoured: files outside, network, signals to other processes.
Not covered: namespaces; memory, which macOS does not limit (a watchdog sums what is resident).

    >>> available() if sys.platform != "darwin" else False
    False
"""

import ctypes
import sys
from collections.abc import Iterable

_PROFILE = """(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow signal (target self))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read* {readable} (literal "/dev/null") (literal "/dev/urandom"))
(allow file-write* {writable})
"""


def available() -> bool:
    """Return whether this is a macOS that still has the call."""
    return sys.platform == "darwin" and hasattr(ctypes.CDLL(None), "sandbox_init")


def apply(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Confine this process for good. Raises: OSError if the profile is refused."""
    profile = _PROFILE.format(
        readable=_subpaths([*readable, "/System", *writable]), writable=_subpaths(writable)
    )
    library = ctypes.CDLL(None)
    message = ctypes.c_char_p()
    if library.sandbox_init(profile.encode(), ctypes.c_uint64(0), ctypes.byref(message)):
        raise OSError((message.value or b"sandbox_init failed").decode(errors="replace"))


def _subpaths(paths: Iterable[str]) -> str:
    quoted = (path.replace("\\", "\\\\").replace('"', '\\"') for path in paths)
    return " ".join(f'(subpath "{path}")' for path in quoted)
