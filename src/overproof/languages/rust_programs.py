r"""What becomes of a Rust program before it is compiled: what it needs to be linked to the driver.

It may import a name twice, since a prompt imports `HashMap` and so does the answer that follows it;
enums of its own that the entry point takes or gives are made plain data by macros of the driver.
All of this is read off the text, with comments, texts and characters blanked out.

    >>> print(files("fn f() -> bool { true }", "f", [])["program.rs"], end="")
    #![no_main] fn f() -> bool { true }
    include!("entry.rs");

Not covered: what macros of the program's make.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

_HIDDEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""  # comments
    r"""|b?r(\#*)".*?"\1|b?"(?:\\.|[^"\\])*\""""  # texts
    r"""|b?'(?:\\u\{\w*\}|\\x..|\\.|[^\\'\n])'""",  # characters, no lifetimes
    re.DOTALL,
)
_USE = re.compile(r"\buse\s+([^;]*);")
_CONDITION = re.compile(r"#\[\s*cfg[^\]]*\]\s*$")


def files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    """Return the files that make a program: see `Language.files`."""
    program = program.removeprefix("\ufeff")
    if not entry_point:
        return {"program.rs": program}
    # Stronger than that, the program's own wish would forbid us to export `main`.
    program = re.sub(r"(#!\[\s*)forbid(\s*\(\s*unsafe_code)", r"\1deny\2", program)
    program = _import_once(program)
    return {
        "program.rs": f'#![no_main] {program}\ninclude!("entry.rs");\n',
        "entry.rs": f"""\
use crate::{entry_point} as overproof_entry;
#[allow(unsafe_code)]
#[export_name = "main"]
pub extern "C" fn overproof_main() {{
    ::overproof_driver::serve(|args, out| ::overproof_driver::call(overproof_entry, args, out))
}}
{_enums(program, entry_point)}""",
    }


def _hide(source: str) -> str:
    """Return the source with blanks for comments, texts and characters, place by place."""
    return _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def _import_once(program: str) -> str:
    """Return the program without what it imports a second time at its top.

    A prompt imports `HashMap`, and so does the answer that follows it.
    """
    plain = _hide(program)
    known: set[str] = set()
    pieces, place = [], 0
    for match in _USE.finditer(plain):
        before = plain[: match.start()]
        if before.count("{") != before.count("}") or _CONDITION.search(before):
            continue
        names = list(_imported(match[1]))
        new = [name for name in names if name not in known or name.endswith(("*", " as _"))]
        known.update(names)
        if len(new) < len(names):
            own = "".join(f"use {name}; " for name in new)
            visibility = re.search(r"pub(?:\s*\([^()]*\))?\s*$", before)
            start = visibility.start() if visibility else match.start()
            lines = "\n" * plain.count("\n", start, match.end())
            pieces += [program[place:start], own.rstrip(), lines]
            place = match.end()
    return "".join([*pieces, program[place:]])


def _imported(tree: str) -> Iterator[str]:
    """Yield the paths that a use declaration spells out.

    >>> list(_imported("std::{fmt::{self, Debug}, mem as m}"))
    ['std::fmt', 'std::fmt::Debug', 'std::mem as m']
    """
    tree = " ".join(tree.split())
    head, brace, rest = tree.partition("{")
    if not brace:
        yield tree.removesuffix("::self")
        return
    for part in _split(rest.rpartition("}")[0]):
        yield from _imported(head.strip() + part)


def _split(text: str) -> list[str]:
    """Return what commas separate outside all brackets, without what is empty."""
    found, depth = [""], 0
    for character in text.replace("->", "  "):
        depth += (character in "([{<") - (character in ")]}>")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found if part.strip()]


def _enums(program: str, entry_point: str) -> str:
    """Return what makes plain data of the program's own enums that the entry point uses."""
    plain = _hide(program)
    signature = re.search(rf"\bfn\s+{re.escape(entry_point)}\b([^{{;]*)", plain)
    if signature is None:
        return ""
    takes, _, gives = signature[1].partition("->")
    return "".join(
        f"::overproof_driver::{macro}! {{ {name} {variants} }}\n"
        for macro, part in (("takes", takes), ("gives", gives))
        for name, variants in _enums_in(part, plain)
    )


def _enums_in(part: str, plain: str) -> Iterator[tuple[str, str]]:
    """Yield the enums whose names are in part of a program, and in what those hold."""
    todo, seen = re.findall(r"\w+", part), set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        alias = re.search(rf"\btype\s+{name}\b[^=;]*=([^;]*);", plain)
        enum = re.search(rf"\benum\s+{name}\s*(<[\w\s,]*>)?\s*{{([^{{}}]*)}}", plain)
        if alias:
            todo += re.findall(r"\w+", alias[1])
        if enum is None:
            continue
        todo += re.findall(r"\w+", enum[2])
        variants = [re.sub(r"#\[[^\]]*\]", "", each).strip() for each in _split(enum[2])]
        holds = [re.fullmatch(r"(\w+)\s*(?:\((.*)\))?", each, re.DOTALL) for each in variants]
        sizes = [len(_split(match[2] or "")) if match else 2 for match in holds]
        if max(sizes, default=2) < 2 and sizes.count(0) < 2:
            alternatives = zip(holds, sizes, strict=True)
            written = [f"{match[1]} ({'_' * size})" for match, size in alternatives if match]
            yield name, " ".join([enum[1] or "<>", *written])
