"""The filter of system calls: what it refuses, what it lets through, on both architectures."""

import ctypes
import os
import struct
from collections.abc import Callable

import pytest

from overproof.sandbox import kernel, seccomp

pytestmark = pytest.mark.skipif(not kernel.LINUX, reason="Linux only")

ALLOW, EPERM, ENOSYS, EAFNOSUPPORT, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x50061, 0x80000000
X86, ARM = 0xC000003E, 0xC00000B7


def decide(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """Interpret the filter as the kernel does; return its decision."""
    words = {0: number, 4: architecture}
    for place, argument in enumerate((*arguments, *[0] * 6)[:6]):
        words[16 + 8 * place] = argument & 0xFFFFFFFF
    counter, register = 0, 0
    code = [struct.unpack_from("<HBBI", program, offset) for offset in range(0, len(program), 8)]
    while True:
        operation, if_true, if_false, value = code[counter]
        counter += 1
        if operation == 0x20:
            register = words[value]
        elif operation == 0x06:
            return value
        else:
            holds = {0x15: register == value, 0x35: register >= value, 0x45: register & value}
            counter += if_true if holds[operation] else if_false


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = os.uname()
    fake = os.uname_result((*name[:4], request.param))
    monkeypatch.setattr(os, "uname", lambda: fake)
    return str(request.param)


def built(*families: str, signals_to: int = 0) -> bytes:
    program = seccomp.build(*families, signals_to=signals_to)
    assert program is not None
    return program


def test_decisions(machine: str) -> None:
    program = built("AF_UNIX", "AF_INET")
    arch, other, ptrace, sock, clone, prlimit, read = {
        "x86_64": (X86, ARM, 101, 41, 56, 302, 0),
        "aarch64": (ARM, X86, 117, 198, 220, 261, 63),
    }[machine]
    assert decide(program, arch, read) == ALLOW
    assert decide(program, other, read) == KILL
    assert decide(program, arch, ptrace) == EPERM
    assert decide(program, arch, 435) == ENOSYS
    assert decide(program, arch, sock, 1) == ALLOW
    assert decide(program, arch, sock, 2) == ALLOW
    assert decide(program, arch, sock, 16) == EAFNOSUPPORT
    assert decide(program, arch, clone, 17) == ALLOW
    assert decide(program, arch, clone, 0x10000000) == EPERM
    assert decide(program, arch, prlimit, 0) == ALLOW
    assert decide(program, arch, prlimit, 1) == EPERM
    if machine == "x86_64":
        assert decide(program, arch, 0x40000000 | 101) == ENOSYS


def test_signals_may_be_kept_inside(machine: str) -> None:
    kill = {"x86_64": 62, "aarch64": 129}[machine]
    arch = {"x86_64": X86, "aarch64": ARM}[machine]
    assert decide(built(), arch, kill, 4711) == ALLOW
    assert decide(built(signals_to=12), arch, kill, 12) == ALLOW
    assert decide(built(signals_to=12), arch, kill, 4711) == EPERM
    assert decide(built(signals_to=12), arch, 424) == EPERM
    assert decide(built(), arch, {"x86_64": 41, "aarch64": 198}[machine], 1) == EAFNOSUPPORT


def test_another_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = os.uname_result((*os.uname()[:4], "riscv64"))
    monkeypatch.setattr(os, "uname", lambda: fake)
    assert seccomp.build() is None


def in_child(action: Callable[[], int]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            seccomp.install(built("AF_UNIX"))
            code = action()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(seccomp.build() is None, reason="no table for this architecture")
def test_the_kernel_takes_it_and_obeys() -> None:
    def traced() -> int:
        library = ctypes.CDLL(None, use_errno=True)
        return ctypes.get_errno() if library.ptrace(0, 0, None, None) else 0

    assert in_child(traced) == 1
    assert in_child(lambda: int(os.system("exit 7") >> 8)) == 7
