"""Which licence a source tree is under, and whether functions may be mined from it.

Only permissive licences are taken: those that allow copying with at most a notice. MPL-2.0 and
LGPL stay out, since they bind changed copies of a file, and it is not settled whether a trained
model or a pairs file is one. `A AND B` needs both to be permissive, `A OR B` one of them, and
`A WITH exception` counts as `A`, since an exception only adds permissions.

Data sets have licences of their own. Those that ask for no more than a notice (`DATA`) are usable
for pairs, and so is `user`: whoever named the file answers for it.

Not covered: parts of a distribution under another licence than its metadata names, unless the
file says so with `SPDX-License-Identifier` or names the GPL near its top.

    >>> is_permissive(recognise("Apache 2.0 License")), is_permissive("MIT AND GPL-2.0-only")
    (True, False)
"""

import re
import tomllib
from importlib.metadata import Distribution
from pathlib import Path

# fmt: off
PERMISSIVE = frozenset({
    "0BSD", "AFL-2.1", "AFL-3.0", "Apache", "Apache-1.1", "Apache-2.0", "BSD", "BSD-1-Clause",
    "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSD-4-Clause", "BSL-1.0",
    "BlueOak-1.0.0", "CC0-1.0", "CNRI-Python", "ECL-2.0", "HPND", "ISC", "MIT", "MIT-0",
    "MIT-CMU", "NCSA", "PSF", "PSF-2.0", "Python-2.0", "Python-2.0.1", "UPL-1.0", "Unlicense",
    "W3C", "WTFPL", "X11", "ZPL-2.1", "Zlib", "bzip2-1.0.6", "curl",
})
# fmt: on
"""SPDX identifiers; `Apache`, `BSD` and `PSF` stand for metadata that gives no version."""

# fmt: off
RESTRICTED = frozenset({
    "GPL", "LGPL", "AGPL", "GPL-1.0", "GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0",
    "AGPL-3.0", "MPL", "MPL-1.1", "MPL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2",
    "CDDL-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "Artistic-1.0", "Artistic-2.0",
    "BUSL-1.1", "SSPL-1.0", "Proprietary",
})
# fmt: on
"""Recognised, so that a report can name them, and never mined."""

# fmt: off
DATA = frozenset({
    "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0",
    "CC-PDM-1.0", "ODC-By-1.0", "PDDL-1.0",
})
# fmt: on
"""Licences of data sets that ask for no more than a notice."""

_KNOWN = {name.lower(): name for name in PERMISSIVE | RESTRICTED | DATA}
_KNOWN |= {"odc-by": "ODC-By-1.0", "pddl": "PDDL-1.0"}
_KNOWN |= {
    f"{name}{end}".lower(): f"{name}{end}"
    for name in RESTRICTED
    if name.partition("-")[0] in ("GPL", "LGPL", "AGPL")
    for end in ("-only", "-or-later", "+")
}

_NAMES = (
    (r"affero|\bagpl", "AGPL"),
    (r"\blgpl|(lesser|library) general public", "LGPL"),
    (r"\bgpl|gnu general public|gnu public", "GPL"),
    (r"mozilla|\bmpl", "MPL-2.0"),
    (r"proprietary|all rights reserved|other/", "Proprietary"),
    (r"\b(apache|asl)\b.*\b2(\.0)?\b", "Apache-2.0"),
    (r"\bapache\b", "Apache"),
    (r"\b(bsd\W*(3|three)|(3|three)\W*clause|new bsd|modified bsd|revised bsd)", "BSD-3-Clause"),
    (r"\b(bsd\W*(2|two)|(2|two)\W*clause|simplified bsd|freebsd)", "BSD-2-Clause"),
    (r"\bbsd\b", "BSD"),
    (r"\bmit\W*0\b|mit no attribution", "MIT-0"),
    (r"\bmit\b|expat", "MIT"),
    (r"\bisc\b", "ISC"),
    (r"python software foundation|\bpsf", "PSF"),
    (r"unlicen[sc]e", "Unlicense"),
    (r"\bcc0|public domain dedication", "CC0-1.0"),
    (r"zope public", "ZPL-2.1"),
    (r"\bzlib", "Zlib"),
    (r"boost software", "BSL-1.0"),
    (r"historical permission notice", "HPND"),
)

_TEXTS = (
    (r"gnu affero general public license\s+version", "AGPL"),
    (r"gnu lesser general public license\s+version", "LGPL"),
    (r"gnu general public license\s+version", "GPL"),
    (r"mozilla public license,?\s+version 2", "MPL-2.0"),
    (r"apache license,?\s+version 2", "Apache-2.0"),
    (r"permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
    (r"for any purpose with or without fee is hereby granted", "ISC"),
    (r"for any purpose and without fee is hereby granted", "HPND"),
    (r"this is free and unencumbered software", "Unlicense"),
    (r"cc0 1\.0 universal", "CC0-1.0"),
    (r"python software foundation license version 2", "PSF-2.0"),
    (r"boost software license - version 1", "BSL-1.0"),
)

_TOKEN = re.compile(r"[()]|[^\s()]+")
_SHORT = 80


def recognise(text: str) -> str:
    """Return the SPDX expression or family name for a licence field or text; empty if unknown.

    >>> recognise("apache-2.0 or bsd-2-clause"), recognise("BSD License"), recognise("mine")
    ('Apache-2.0 OR BSD-2-Clause', 'BSD', '')
    """
    text = text.strip()
    expression = _canonical_expression(text)
    if expression:
        return expression
    if len(text) <= _SHORT and "\n" not in text:
        lowered = text.lower()
        return next((name for form, name in _NAMES if re.search(form, lowered)), "")
    return _recognise_text(" ".join(text.lower().split()))


def is_permissive(expression: str) -> bool:
    """Return whether an SPDX expression allows mining; unknown names and errors do not.

    >>> is_permissive("(GPL-2.0-only OR MIT) AND Apache-2.0 WITH LLVM-exception")
    True
    """
    tokens = _TOKEN.findall(expression)
    try:
        allowed, rest = _any_of(tokens)
    except IndexError:
        return False
    return allowed and not rest


def is_usable(expression: str) -> bool:
    """Return whether the rows of a data set under this licence may become pairs.

    >>> is_usable("CC-BY-4.0"), is_usable("user"), is_usable("CC-BY-NC-4.0"), is_usable("")
    (True, True, False, False)
    """
    return expression == "user" or expression in DATA or is_permissive(expression)


def distribution_licence(distribution: Distribution) -> str:
    """Return the licence of an installed distribution; empty if its metadata does not say.

    `License-Expression` is believed; otherwise a short `License` field and the classifiers
    must agree, or both are named; the long text of a `License` field comes last.
    """
    metadata = distribution.metadata
    fields = {name: metadata.get_all(name) or [] for name in ("License-Expression", "License")}
    classifiers = [str(line) for line in metadata.get_all("Classifier") or []]
    return _from_fields(
        expression=str(next(iter(fields["License-Expression"]), "")),
        field=str(next(iter(fields["License"]), "")),
        classifiers=classifiers,
    )


def folder_licence(folder: Path) -> str:
    """Return the licence of a source folder or file; empty if nothing near it says.

    Looked at, from the folder upwards until one answers or a `.git` marks the project's root:
    `pyproject.toml`, then LICENSE, LICENCE, COPYING and UNLICENSE files.
    """
    start = folder if folder.is_dir() else folder.parent
    for place in [start, *start.resolve().parents][:5]:
        found = _pyproject_licence(place / "pyproject.toml") or _licence_file(place)
        if found or (place / ".git").exists():
            return found
    return ""


def file_licence(source: str) -> str:
    r"""Return the licence that a file's own header names; empty if it names none.

    >>> file_licence("# SPDX-License-Identifier: MIT\n")
    'MIT'
    """
    head = source[:2000]
    marked = re.search(r"SPDX-License-Identifier:[ \t]*([^\n]+)", head)
    if marked:
        stated = marked[1].strip().strip("*/#- ")
        return recognise(stated) or stated
    named = re.search(r"GNU\s+(Lesser |Affero |Library )?General\s+Public\s+Licen[sc]e", head)
    return recognise(" ".join(named[0].split())) if named else ""


def _from_fields(expression: str, field: str, classifiers: list[str]) -> str:
    if expression:
        return recognise(expression) or expression
    short = recognise(field) if len(field.strip()) <= _SHORT else ""
    classified = [
        recognise(line.rpartition("::")[2].strip())
        for line in classifiers
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    names = list(dict.fromkeys(name for name in (short, *classified) if name))
    # "BSD" beside "BSD-3-Clause" is the same licence, told less exactly.
    exact = [name for name in names if not any(other.startswith(f"{name}-") for other in names)]
    return " AND ".join(exact) or recognise(field)


def _pyproject_licence(path: Path) -> str:
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    stated = project.get("license", "")
    if isinstance(stated, dict):
        stated = stated.get("text", "")
    return _from_fields("", str(stated), [str(line) for line in project.get("classifiers", [])])


def _licence_file(folder: Path) -> str:
    forms = ("LICEN[SC]E*", "COPYING*", "UNLICENSE*")
    found = []
    for path in sorted(path for form in forms for path in folder.glob(form) if path.is_file()):
        found.append(recognise(path.read_text(encoding="utf-8", errors="replace")))
    return " AND ".join(dict.fromkeys(name for name in found if name))


def _recognise_text(text: str) -> str:
    places = [(match.start(), name) for form, name in _TEXTS if (match := re.search(form, text))]
    bsd = text.find("redistribution and use in source and binary forms")
    if bsd >= 0:
        places.append((bsd, "BSD-3-Clause" if "neither the name" in text else "BSD-2-Clause"))
    if not places:
        return ""
    restricted = [name for _, name in sorted(places) if name in RESTRICTED]
    return " AND ".join(dict.fromkeys([min(places)[1], *restricted]))


def _canonical_expression(text: str) -> str:
    words = []
    tokens = _TOKEN.findall(text)
    for before, token in zip(["", *tokens], tokens, strict=False):
        upper = token.upper()
        if upper in ("AND", "OR", "WITH", "(", ")"):
            words.append(upper)
        elif before.upper() == "WITH":
            words.append(token)
        elif token.lower() in _KNOWN:
            words.append(_KNOWN[token.lower()])
        else:
            return ""
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def _any_of(tokens: list[str]) -> tuple[bool, list[str]]:
    allowed, rest = _all_of(tokens)
    while rest and rest[0].upper() == "OR":
        more, rest = _all_of(rest[1:])
        allowed = allowed or more
    return allowed, rest


def _all_of(tokens: list[str]) -> tuple[bool, list[str]]:
    allowed, rest = _one(tokens)
    while rest and rest[0].upper() == "AND":
        more, rest = _one(rest[1:])
        allowed = allowed and more
    return allowed, rest


def _one(tokens: list[str]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        allowed, rest = _any_of(tokens[1:])
        return allowed and rest[0] == ")", rest[1:]
    rest = tokens[1:]
    if rest and rest[0].upper() == "WITH":
        rest = rest[2:]
    return _KNOWN.get(tokens[0].lower()) in PERMISSIVE, rest
