"""Rows of older versions are read as rows of this one; rows of newer ones are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from overproof import migrations
from overproof.errors import RowError
from overproof.folders.rows import read_lines
from overproof.migrations import MIGRATIONS, SCHEMA_VERSION, Fields
from overproof.records import Lesson, Outcome, Variant, decode_row, encode_row, read_rows
from overproof.store import Table

OLD_LESSON = (
    '{"schema":1,"key":"k","pair":"p","view":"text_to_code","target":"    return 1\\n```",'
    '"author":"teacher","tokens":3,"captured_mass":0.99}'
)
OLD_DESCRIPTION = OLD_LESSON.replace("text_to_code", "code_to_text").replace("teacher", "human")
OLD_OUTCOME = (
    '{"schema":1,"key":"ab","task_id":"HumanEval/0","status":"passed","detail":"",'
    '"cpu_seconds":0.0,"tier":"rlimits","sample":""}'
)
OLD_VARIANT = (
    '{"schema":1,"key":"v","task_id":"HumanEval/0","suite":"humaneval","operator":"camel_case",'
    '"family":"names","seed":0,"prompt":"def aB():\\n","entry_point":"aB","language":"python",'
    '"partial":"","certificate":{"parses":true,"differs":true,"gold_passes":true,'
    '"examples_intact":true,"entry_point_intact":true,"edit_distance":2,"naturalness":0.9}}'
)
"""As the first version of Overproof wrote them."""


def test_rows_of_the_first_version_are_read() -> None:
    assert decode_row(OLD_LESSON, Lesson).verified
    assert not decode_row(OLD_DESCRIPTION, Lesson).verified
    assert decode_row(OLD_OUTCOME, Outcome).passed
    certificate = decode_row(OLD_VARIANT, Variant).certificate
    assert certificate is not None and certificate.valid


def test_what_a_row_says_itself_is_not_overruled() -> None:
    said = OLD_LESSON.replace('"tokens"', '"verified":false,"tokens"')
    assert not decode_row(said, Lesson).verified


@pytest.mark.parametrize(
    "read", [read_rows, read_lines, lambda path, kind: Table(path, kind).rows()]
)
def test_every_reader_migrates_and_leaves_the_file_as_it_is(read: Any, tmp_path: Path) -> None:
    path = tmp_path / "lessons.jsonl"
    path.write_text(f"{OLD_LESSON}\n")
    (row,) = read(path, Lesson)
    assert row.verified
    assert path.read_text() == f"{OLD_LESSON}\n"
    assert decode_row(encode_row(row), Lesson) == row
    assert json.loads(encode_row(row))["schema"] == SCHEMA_VERSION


def test_a_table_goes_on_from_old_rows(tmp_path: Path) -> None:
    path = tmp_path / "lessons.jsonl"
    path.write_text(f"{OLD_LESSON}\n")
    new = decode_row(OLD_DESCRIPTION.replace('"k"', '"k2"'), Lesson)
    Table(path, Lesson).append([new])
    assert [json.loads(line)["schema"] for line in path.read_text().splitlines()] == [
        1,
        SCHEMA_VERSION,
    ]
    assert [row.verified for row in Table(path, Lesson).rows()] == [True, False]


def test_steps_are_taken_in_order_and_each_kind_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rename(row: Fields) -> Fields:
        return {"task_id" if key == "task" else key: value for key, value in row.items()}

    def complete(row: Fields) -> Fields:
        return {**row, "task_id": f"HumanEval/{row['task_id']}"}

    monkeypatch.setattr(migrations, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION, {"Outcome": rename})
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION + 1, {"Outcome": complete})

    def read(schema: int, **fields: Any) -> Fields:
        return migrations.migrate(dict(fields), schema, "Outcome", "rows.jsonl:1")

    assert read(SCHEMA_VERSION, task=7) == {"task_id": "HumanEval/7"}
    assert read(SCHEMA_VERSION + 1, task_id=7) == {"task_id": "HumanEval/7"}
    assert read(SCHEMA_VERSION + 2, task_id="HumanEval/7") == {"task_id": "HumanEval/7"}
    assert migrations.migrate({"task": 7}, SCHEMA_VERSION, "Sample", "") == {"task": 7}
    with pytest.raises(RowError, match=r"rows\.jsonl:1: not a Outcome row of schema"):
        read(SCHEMA_VERSION + 1, task=7)


@pytest.mark.parametrize(
    ("schema", "message", "hint"),
    [
        (SCHEMA_VERSION + 1, "written by a newer overproof", "upgrade"),
        (0, "none of 1 to", "edited"),
        (-1, "none of 1 to", "edited"),
        ("two", "none of 1 to", "edited"),
        (None, "none of 1 to", "edited"),
    ],
)
def test_other_schemas_are_refused_and_nothing_is_to_be_deleted(
    schema: Any, message: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    row = {**json.loads(OLD_OUTCOME), "schema": schema}
    path.write_text(f"{json.dumps(row)}\n")
    with pytest.raises(RowError, match=message) as error:
        Table(path, Outcome)
    assert f"{path}:1" in error.value.message
    assert hint in error.value.hint
    assert "delete" not in error.value.hint


def test_every_migration_belongs_to_a_schema_that_was_left_and_a_kind_that_is() -> None:
    from overproof import records

    assert sorted(MIGRATIONS) == [left for left in sorted(MIGRATIONS) if 1 <= left < SCHEMA_VERSION]
    kinds = {kind for steps in MIGRATIONS.values() for kind in steps}
    assert all(hasattr(records, kind) for kind in kinds)
