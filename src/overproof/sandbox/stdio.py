r"""Programs that read standard input and print: real descriptors, drained while they run.

Standard input is a file in memory, output and errors are pipes; what is printed is compared here,
outside, where the expected output is. Trailing white space of a line and empty lines at the end
do not count.

    >>> differs("1 2 \n3\n\n", "1 2\n3")
    ''
    >>> differs("1\n3", "1\n2")
    "line 2: expected '2', got '3'"
"""

import os
import select
from dataclasses import dataclass

_STDERR_KEPT = 4096
_CHUNK = 1 << 16


@dataclass
class Streams:
    """The three descriptors of one program, and what came out of them."""

    theirs: tuple[int, int, int]
    """Standard input, output and error, for the program."""
    output: int
    errors: int
    printed: bytes = b""
    complaints: bytes = b""
    flooded: bool = False
    """Whether it printed more than it may."""

    @staticmethod
    def open(text: str) -> "Streams":
        """Return streams with `text` as standard input."""
        stdin = _unnamed_file()
        content = memoryview(text.encode("utf-8", "surrogatepass"))
        while content:
            content = content[os.write(stdin, content) :]
        os.lseek(stdin, 0, os.SEEK_SET)
        output, theirs = os.pipe()
        errors, theirs_too = os.pipe()
        return Streams(theirs=(stdin, theirs, theirs_too), output=output, errors=errors)

    def handed_over(self) -> None:
        """Close the program's ends here, so that its end can be seen."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = (-1, -1, -1)

    def drain(self, limit_bytes: int) -> None:
        """Read until both streams are at their end, or more than the limit was printed."""
        parts: list[bytes] = []
        size = 0
        waiting = {self.output, self.errors}
        while waiting and not self.flooded:
            for descriptor in select.select(list(waiting), [], [])[0]:
                part = os.read(descriptor, _CHUNK)
                if not part:
                    waiting.discard(descriptor)
                elif descriptor == self.errors:
                    self.complaints = (self.complaints + part)[-_STDERR_KEPT:]
                else:
                    parts.append(part)
                    size += len(part)
                    self.flooded = size > limit_bytes
        self.printed = b"".join(parts)[:limit_bytes]

    def close(self) -> None:
        """Close all that is still open here."""
        for descriptor in (*self.theirs, self.output, self.errors):
            if descriptor >= 0:
                os.close(descriptor)
        self.theirs, self.output, self.errors = (-1, -1, -1), -1, -1

    def last_complaint(self) -> str:
        """Return the last line that went to standard error."""
        lines = self.complaints.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _unnamed_file() -> int:
    """Return a descriptor of a file that has no name, in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("stdin", os.MFD_CLOEXEC)
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def differs(printed: str, expected: str) -> str:
    """Return where two outputs differ, in one line; empty if they do not."""
    got, want = _lines(printed), _lines(expected)
    for number, (ours, theirs) in enumerate(zip(got, want, strict=False), start=1):
        if ours != theirs:
            return f"line {number}: expected {theirs[:60]!r}, got {ours[:60]!r}"
    if len(got) != len(want):
        return f"expected {len(want)} lines, got {len(got)}"
    return ""


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines
