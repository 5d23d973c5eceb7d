from email.message import EmailMessage

import pytest

from overproof.pairs.licences import (
    PERMISSIVE,
    RESTRICTED,
    distribution_licence,
    file_licence,
    folder_licence,
    is_permissive,
    recognise,
)

MIT_TEXT = (
    "Copyright 2020 A. Nobody\n\nPermission is hereby granted, free of charge, to any person\n"
    "obtaining a copy of this software"
)


class Installed:
    """The metadata of a distribution, which is all that is read."""

    def __init__(self, *fields):
        self.metadata = EmailMessage()
        for name, value in fields:
            self.metadata.add_header(name, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mit", "MIT"),
        ("The MIT License", "MIT"),
        ("MIT License (Expat)", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License", "Apache"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("New BSD License", "BSD-3-Clause"),
        ("BSD-2-clause", "BSD-2-Clause"),
        ("ISC License (ISCL)", "ISC"),
        ("Python Software Foundation License", "PSF"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL"),
        ("GNU General Public License v2", "GPL"),
        ("gpl-3.0-or-later", "GPL-3.0-or-later"),
        ("(mit or apache-2.0) and psf-2.0", "(MIT OR Apache-2.0) AND PSF-2.0"),
        (MIT_TEXT, "MIT"),
        ("", ""),
        ("see the file", ""),
        ("submit", ""),
    ],
)
def test_recognise(text, expected):
    assert recognise(text) == expected


@pytest.mark.parametrize("name", sorted(PERMISSIVE))
def test_permissive_names_are_recognised_and_allowed(name):
    assert recognise(name.lower()) == name
    assert is_permissive(name)


@pytest.mark.parametrize("name", [*sorted(RESTRICTED), "GPL-2.0-only", "AGPL-3.0+", "", "Beerware"])
def test_no_other_name_is_allowed(name):
    assert not is_permissive(name)


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT AND GPL-2.0-only", False),
        ("MIT OR GPL-2.0-only", True),
        ("MIT AND (BSD-3-Clause OR GPL-2.0-only)", True),
        ("GPL-2.0-only OR MIT AND MPL-2.0", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT AND", False),
        ("MIT GPL-2.0-only", False),
    ],
)
def test_expressions(expression, allowed):
    assert is_permissive(expression) is allowed


def test_a_text_that_includes_the_gpl_is_not_permissive():
    text = MIT_TEXT + "\n\nBundled code:\n GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007"
    assert not is_permissive(recognise(text))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("License-Expression", "mit"), ("License", "GPL")], "MIT"),
        ([("License-Expression", "LicenseRef-Own")], "LicenseRef-Own"),
        ([("License", "Apache 2.0")], "Apache-2.0"),
        ([("License", MIT_TEXT.replace("\n", " "))], "MIT"),
        ([("Classifier", "License :: OSI Approved :: BSD License")], "BSD"),
        (
            [("License", "BSD-3-Clause"), ("Classifier", "License :: OSI Approved :: BSD License")],
            "BSD-3-Clause",
        ),
        (
            [("License", "MIT"), ("Classifier", "License :: OSI Approved :: GNU Affero (AGPL)")],
            "MIT AND AGPL",
        ),
        ([("Classifier", "License :: OSI Approved")], ""),
        ([("Classifier", "License :: Other/Proprietary License")], "Proprietary"),
        ([("License", "UNKNOWN")], ""),
    ],
)
def test_metadata(fields, expected):
    assert distribution_licence(Installed(*fields)) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("# SPDX-License-Identifier: GPL-3.0-or-later\n", "GPL-3.0-or-later"),
        ("/* SPDX-License-Identifier: MIT */", "MIT"),
        ("# SPDX-License-Identifier: Strange-1.0\n", "Strange-1.0"),
        ("# under the GNU General\n# ", ""),
        ("# under the GNU Lesser General Public License, version 3", "LGPL"),
        ("import os\n", ""),
    ],
)
def test_the_header_of_a_file(head, expected):
    assert file_licence(head) == expected


def test_a_folder_finds_the_licence_above_it_but_not_above_its_repository(tmp_path):
    inner = tmp_path / "repo" / "src" / "pkg"
    inner.mkdir(parents=True)
    (tmp_path / "LICENSE").write_text(MIT_TEXT)
    assert folder_licence(inner) == "MIT"
    (tmp_path / "repo" / ".git").mkdir()
    assert folder_licence(inner) == ""
    (tmp_path / "repo" / "pyproject.toml").write_text('[project]\nlicense = {text = "ISC"}\n')
    assert folder_licence(inner / "module.py") == "ISC"


def test_two_licence_files_both_count(tmp_path):
    (tmp_path / "LICENSE").write_text(MIT_TEXT)
    (tmp_path / "COPYING").write_text("GNU GENERAL PUBLIC LICENSE Version 2, June 1991 " + "x" * 80)
    assert folder_licence(tmp_path) == "GPL AND MIT"
