"""The driver of C++ programs, alone: what goes in comes out, and no program or frame breaks it."""

import json
import math
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overproof.languages import load_language
from overproof.sandbox import wire
from overproof.sandbox.codec import Opaque, decode, encode
from overproof.sandbox.toolchains import toolchain

CPP = load_language("cpp")
pytestmark = pytest.mark.skipif(
    toolchain(CPP) is None, reason=f"no {CPP.toolchain.tool}: {CPP.toolchain.install}"
)

# Undefined behaviour in the driver kills the process, without a library of its own.
TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
Reply = dict[str, Any]


class Driver:
    """A running program, called over descriptor 3."""

    def __init__(self, folder: Path) -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(20)
        self.output = folder / "stdout"
        actions = [
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 3),
            (os.POSIX_SPAWN_OPEN, 1, str(self.output), os.O_WRONLY | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
        ]
        program = str(folder / CPP.built)
        self.pid = os.posix_spawn(program, [program], {}, file_actions=actions)
        theirs.close()

    def calls(self, *calls: Reply) -> list[Reply]:
        wire.send(self.channel, {"calls": list(calls)}, wire.MAX_JOB)
        return [wire.receive(self.channel) for _ in calls]

    def __call__(self, *args: Any) -> Any:
        """Return the value, or the name of what was raised in a text with a mark before it."""
        (reply,) = self.calls({"args": encode(list(args))})
        return decode(reply["value"]) if "value" in reply else f"!{reply['raised']}"

    def exit_status(self) -> int:
        """Close the channel; return the exit status, negative for a signal."""
        self.channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Workshop:
    """Compiles each program once."""

    def __init__(self, root: Path) -> None:
        self.root = root / "programs"
        self.root.mkdir()
        self.shared = root / "shared"
        self.shared.mkdir()
        assert CPP.shared is not None
        for name, content in CPP.shared.files().items():
            (self.shared / name).write_text(content, encoding="utf-8")
        subprocess.run(CPP.shared.command, cwd=self.shared, check=True)

    def build(self, program: str, entry_point: str, *flags: str) -> tuple[Path, str]:
        folder = self.root / str(len(list(self.root.iterdir())))
        folder.mkdir()
        (folder / "shared").symlink_to(self.shared)
        for name, content in CPP.files(program, entry_point, []).items():
            (folder / name).write_text(content, encoding="utf-8")
        done = subprocess.run(
            [*CPP.build, *flags], cwd=folder, capture_output=True, text=True, check=False
        )
        return folder, done.stderr


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("cpp"))


def running(program: str, entry_point: str, *flags: str) -> Callable[[Workshop], Iterator[Driver]]:
    """Return a fixture: one process for all tests, which must end well."""

    @pytest.fixture(scope="module")
    def start(workshop: Workshop) -> Iterator[Driver]:
        folder, log = workshop.build(program, entry_point, *(flags or TRAPS))
        assert log == ""
        driver = Driver(folder)
        assert wire.receive(driver.channel) == {"loaded": True}
        yield driver
        assert driver.exit_status() == 0

    return start


rows = running(
    """
    #include <tuple>
    #include <vector>
    #include <string>
    using Rows = std::vector<std::tuple<long, std::string, double>>;
    Rows same(Rows rows) { return rows; }
    """,
    "same",
)
numbers = running(
    """
    #include <cstdint>
    #include <tuple>
    using Numbers = std::tuple<int8_t, uint8_t, short, unsigned short, int, unsigned, long long,
                               unsigned long, __int128, unsigned __int128, float, long double>;
    auto same(const Numbers& numbers) { return numbers; }
    """,
    "same",
)
containers = running(
    """
    #include <bits/stdc++.h>
    using namespace std;
    using Bag = tuple<vector<vector<bool>>, array<char, 2>, deque<string>, list<double>,
                      pair<int, optional<string>>, set<int>, unordered_set<string>,
                      map<pair<int, int>, set<string>>, unordered_map<string, vector<int>>>;
    Bag same(Bag by_value, const Bag& by_const, Bag& by_reference, Bag&& by_rvalue) {
        if (by_value != by_const || by_const != by_reference || by_reference != by_rvalue) throw 1;
        Bag moved = std::move(by_rvalue);
        by_reference = {};
        return moved;
    }
    """,
    "same",
)
mixed = running(
    """
    #include <any>
    #include <string>
    #include <variant>
    #include <vector>
    using Either = std::variant<int, float, bool, std::string, std::vector<long>, std::monostate>;
    auto mixed = [](std::vector<std::any> things, Either one) noexcept {
        std::vector<std::any> out;
        for (const auto& thing : things)
            if (thing.type() != typeid(std::string)) out.push_back(thing);
        out.push_back(std::pair(1, 2));
        return std::tuple(out, one, one.index());
    };
    """,
    "mixed",
)
# What is idiomatic, and would hurt a driver that came after it.
trouble = running(
    r"""
    #include <iostream>
    #include <stdexcept>
    #include <string>
    #include <vector>
    #define int long long
    #define endl '\n'
    #define first x
    #define all(v) v.begin(), v.end()
    using namespace std;
    struct Own : exception { const char* what() const noexcept override { return "own\nmade"; } };
    int y1 = 0, link = 0, pause = 0, channel = 0;
    int read() { return 42; }
    template <class T> void serve(T) {}
    string search(int which, vector<int>& values) {
        cout << "{\"value\":1}" << endl << flush;
        y1 += read();
        switch (which) {
            case 0: values.push_back(y1); return to_string(values.size());
            case 1: throw invalid_argument("v");
            case 2: throw domain_error("v");
            case 3: return to_string(values.at(7));
            case 4: values.resize(1LL << 55); break;
            case 5: throw Own();
            case 6: throw 7;
            case 7: throw runtime_error(string(198, 'x') + "\u00e9\u00e9");
            case 8: return "\xff\xc0\x80" "a\xf0\x9f\x98\x80\x7f\0"s;
            case 9: return string(9 << 20, 'x');
        }
        throw runtime_error("\xff\u00e9");
    }
    signed main() { vector<int> none; cout << search(0, none) << endl; }
    // not the end \
    """,
    "search",
)


@settings(max_examples=60, deadline=None)
@given(
    batch=st.lists(
        st.lists(
            st.tuples(
                st.integers(-(2**63), 2**63 - 1),
                st.text(st.characters(exclude_categories=())),
                st.floats(),
            )
        )
    )
)
def test_round_trip_of_rows(rows: Driver, batch: list[list[tuple[int, str, float]]]) -> None:
    replies = rows.calls(*({"args": [encode(value)], "kwargs": {}} for value in batch))
    # Two lone surrogates that make a pair are one character after any JSON.
    wanted = [decode(json.loads(json.dumps(encode(value)))) for value in batch]
    assert repr([decode(reply["value"]) for reply in replies]) == repr(wanted)


def test_floats_come_back_to_the_last_bit(rows: Driver) -> None:
    for value in (0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 2.0, 1e16, math.pi, -math.inf):
        assert repr(rows([(0, "", value)])) == repr([(0, "", value)])
    assert rows([(0, "", 3), (0, "", 2**70), (0, "", True)]) == [
        (0, "", 3.0),
        (0, "", 2.0**70),
        (0, "", 1.0),
    ]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([("1", "", 1.0)], "TypeError"),
        ([(1.0, "", 1.0)], "TypeError"),
        ([(1, None, 1.0)], "TypeError"),
        ([(1, "")], "TypeError"),
        ({1: 2}, "TypeError"),
        (None, "TypeError"),
        ([(2**63, "", 1.0)], "OverflowError"),
        ([(-(2**63) - 1, "", 1.0)], "OverflowError"),
        ([(2**200, "", 1.0)], "OverflowError"),
        ([(1, "", 10**400)], "OverflowError"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(rows: Driver, value: Any, kind: str) -> None:
    assert rows(value) == f"!{kind}"


def test_lists_and_tuples_stand_for_each_other_as_arguments(rows: Driver) -> None:
    assert rows(([1, "a", 0.5], (2, "b", 1))) == [(1, "a", 0.5), (2, "b", 1.0)]
    assert rows(iter([(1, "", 0.0)])) == [(1, "", 0.0)]


def test_calls_are_checked_before_they_are_made(rows: Driver) -> None:
    assert rows() == rows([], []) == "!TypeError"
    (reply,) = rows.calls({"args": [[]], "kwargs": {"rows": []}})
    assert reply["raised"] == "TypeError"
    (reply,) = rows.calls({"args": [{"opaque": "thing"}], "kwargs": {}})
    assert reply == {"raised": "TypeError", "detail": "opaque where list belongs"}


def test_many_elements(rows: Driver) -> None:
    values = [(i, "text", 0.5) for i in range(50_000)]
    assert rows(values) == values
    assert rows([(0, "x" * (9 << 20), 0.0)]) == "!CodecError"  # more than a reply may hold
    assert rows([]) == []


BITS = [(8, True), (8, False), (16, True), (16, False), (32, True), (32, False), (64, True),
        (64, False), (128, True), (128, False)]  # fmt: skip


def test_integers_keep_their_range(numbers: Driver) -> None:
    least = [-(1 << bits - 1) if signed else 0 for bits, signed in BITS]
    most = [(1 << bits - signed) - 1 for bits, signed in BITS]
    for values in (least, most, [0] * len(BITS)):
        assert numbers((*values, 0.5, 0.25)) == (*values, 0.5, 0.25)
    for i in range(len(BITS)):
        for beyond in (least[i] - 1, most[i] + 1):
            values = [*most[:i], beyond, *most[i + 1 :]]
            assert numbers((*values, 0.5, 0.25)) == "!OverflowError"


def test_a_float_is_the_nearest_and_is_written_as_short(numbers: Driver) -> None:
    zeros = (0,) * len(BITS)
    for value in (0.1, 3.3, 0.33, 1e-3, 16777216.0, 123456.0):
        assert numbers((*zeros, value, value)) == (*zeros, value, value)
    (nearest,) = struct.unpack("f", struct.pack("f", 1 / 3))
    returned = numbers((*zeros, 1 / 3, 1 / 3))[-2:]
    assert struct.pack("f", returned[0]) == struct.pack("f", nearest)
    assert returned[1] == 1 / 3
    assert numbers((*zeros, 1e300, 0.0)) == "!OverflowError"
    assert numbers((*zeros, 1e-300, 0.0)) == (*zeros, 0.0, 0.0)
    assert repr(numbers((*zeros, -math.inf, math.nan))[-2:]) == "(-inf, nan)"


def test_containers_by_value_and_by_reference(containers: Driver) -> None:
    full = (
        [[True, False], []],
        ["a", "\n"],
        ["x", ""],
        [1.0, math.inf],
        (1, "text"),
        {3, -1},
        {"a", "b"},
        {(1, 2): {"c"}, (0, 0): set()},
        {"k": [1, 2], "": []},
    )
    empty: tuple[Any, ...] = ([], ["\x00", "\x7f"], [], [], (0, None), set(), set(), {}, {})
    assert containers(full, full, full, full) == full
    assert containers(empty, empty, empty, empty) == empty
    frozen = (*full[:5], frozenset({3, -1}), *full[6:])
    assert containers(frozen, full, frozen, full) == full
    assert containers(full, full, full, empty) == "!RuntimeError"
    for place, wrong in ((1, ["a"]), (1, ["ab", "c"]), (1, ["é", "c"]), (5, [3]), (7, [])):
        bad = (*full[:place], wrong, *full[place + 1 :])
        assert containers(bad, full, full, full) == "!TypeError"


@pytest.mark.parametrize(
    ("value", "index"),
    [(1, 0), (0.5, 1), (True, 2), ("s", 3), ([1, 2], 4), (None, 5), ((1, 2), 4), (2**31, 1)],
)
def test_a_variant_takes_what_matches_exactly(mixed: Driver, value: Any, index: int) -> None:
    _, one, chosen = mixed([], value)
    assert (one, chosen) == (list(value) if isinstance(value, tuple) else value, index)
    assert mixed([], {1}) == "!TypeError"


def test_any_holds_what_a_literal_would_be(mixed: Driver) -> None:
    things = mixed([1, "text", 2**40, 0.5, True, None, [1, ["a"]]], 0)[0]
    assert things[:-1] == [1, 2**40, 0.5, True, None, [1, ["a"]]]
    assert [type(thing) for thing in things[:4]] == [int, int, float, bool]
    assert isinstance(things[-1], Opaque)


def test_what_a_program_throws(trouble: Driver) -> None:
    kinds = ["ValueError", "ValueError", "IndexError", "MemoryError", "RuntimeError"]
    assert [trouble(which, []) for which in range(1, 6)] == [f"!{kind}" for kind in kinds]
    details = [
        trouble.calls({"args": [which, []], "kwargs": {}})[0]["detail"] for which in (5, 6, 7, 10)
    ]
    assert details == ["own made", "thrown, but not a std::exception", "x" * 198 + "é", "\ufffdé"]


def test_texts_that_are_not_utf8_and_results_that_are_too_large(trouble: Driver) -> None:
    raw = b"\xff\xc0\x80a\xf0\x9f\x98\x80\x7f\0"
    assert trouble(8, []) == raw.decode(errors="surrogateescape")
    assert trouble(9, []) == "!CodecError"
    assert trouble(0, [5]) == "2"


def test_what_a_program_prints_is_not_an_answer(trouble: Driver) -> None:
    assert trouble(0, []) == "1"
    assert '{"value":1}' in trouble.output.read_text()


HOSTILE = [
    b"[" * 100_000,
    b'{"calls":' * 600,
    b"{}",
    b"null",
    b'{"calls":3}',
    b'{"calls":[[]]}',
    b'{"calls":[{"args":[]',
    b'{"calls":[{"args":[]}]} x',
    b'{"calls":[{"args":["\\ud83"]}]}',
    b'{"calls":[{"args":["\\q"]}]}',
    b'{"calls":[{"args":["\x01"]}]}',
    b'{"calls":[{"args":["a]}]}',
    b'{"calls":[{"args":["a"],"kwargs":[]}]}',
    b'{"calls":[{"args":[[1,{"int":"0x"},"a",0.5]]}]}',
    b'{"calls":[{"args":[[1-2,1,"a",0.5]]}]}',
    b'{"calls":[{"args":[[1,1,"a",1e]]}]}',
    b'{"calls":[{"args":[[1,1,{"bytes":"abc"},0.5]]}]}',
    b'{"calls":[{"args":[{"tuple":1}]}]}',
    b'{"calls":[{"args":[{"tuple":[1,1,"a",{"int":"12"}]}]}]}',
    b'{"calls":[{"args":[nul]}]}',
    b"\x00\xff\xfe",
]


def test_frames_of_no_sense_end_the_process(workshop: Workshop) -> None:
    if not _has_address_sanitizer(workshop):
        pytest.skip("no libasan beside g++")
    folder, log = workshop.build(
        """
        #include <string>
        #include <tuple>
        auto same(std::tuple<int, __int128, std::string, double> values) { return values; }
        """,
        "same",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    )
    assert log == ""
    framed = [struct.pack("<I", len(content)) + content for content in HOSTILE]
    headers = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x08\0\0\0{}", b"\x01\0"]
    for content in [*framed, *headers]:
        driver = Driver(folder)
        assert wire.receive(driver.channel) == {"loaded": True}
        driver.channel.sendall(content)
        driver.channel.shutdown(socket.SHUT_WR)
        assert driver.channel.recv(1) == b"", content[:60]
        assert driver.exit_status() == 2, content[:60]


def _has_address_sanitizer(workshop: Workshop) -> bool:
    folder, log = workshop.build("int main() {}", "", "-fsanitize=address,undefined")
    return log == "" and Driver(folder).exit_status() == 0


def test_a_whole_program_is_left_as_it_is(workshop: Workshop) -> None:
    program = "#include <cstdio>\nint main() { int c; while ((c = getchar()) > 0) putchar(c + 1); }"
    folder, log = workshop.build(program, "")
    assert log == ""
    done = subprocess.run([folder / CPP.built], input=b"HAL", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"IBM")


@pytest.mark.parametrize(
    ("program", "entry_point", "wanted"),
    [
        ("struct S {};\nint f(S s) { return 0; }", "f", "no plain data stands for this type"),
        ("int g(int x) { return x; }", "f", "has not been declared"),
        ("int f(int x) { return y; }", "f", "program.cpp:1:"),
    ],
)
def test_what_is_wrong_is_said(
    workshop: Workshop, program: str, entry_point: str, wanted: str
) -> None:
    _, log = workshop.build(program, entry_point, "-fsyntax-only")
    errors = [line for line in log.splitlines() if "error:" in line]
    assert 0 < len(errors) <= 3
    assert wanted in errors[0]
