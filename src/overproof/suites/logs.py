r"""Rows that hold samples and what a tool made of them: back to rows of samples.

    {"name": …, "prompt": …, "tests": …, "results": [{"program": …, "status": "OK"}]}      MultiPL-E
    {"doc_id": 0, "doc": {"task_id": …}, "filtered_resps": [["…"]]}        lm-eval, samples_*.jsonl

Their verdicts are left aside: scoring the sample again is the point.

Limits: of lm-eval's logs those whose `doc` names the task, as HumanEval's and MBPP's do.
"""

from typing import Any

from overproof.errors import RowError


def from_log(fields: dict[str, Any], where: str, named: bool = False) -> dict[str, Any]:
    """Return a row with its samples in `completions` or `generations`; other rows as they are.

    `named` says that it must be MultiPL-E's. Raises: RowError.
    """
    if isinstance(fields.get("results"), list) and "completions" not in fields:
        return _multipl_e(fields, where)
    if isinstance(fields.get("doc"), dict) and "filtered_resps" in fields:
        return _lm_eval(fields, where)
    if named and not ("name" in fields and isinstance(fields.get("completions"), list)):
        raise RowError(
            f"{where}: not MultiPL-E's", hint="it has name, and a list: completions or results"
        )
    return fields


def _multipl_e(fields: dict[str, Any], where: str) -> dict[str, Any]:
    """Return results as completions: a program is prompt, completion, newline and tests."""
    prompt, tests = fields.get("prompt"), fields.get("tests")
    found = []
    for number, result in enumerate(fields["results"], start=1):
        program = result.get("program") if isinstance(result, dict) else None
        if not (
            isinstance(prompt, str)
            and isinstance(tests, str)
            and isinstance(program, str)
            and program.startswith(prompt)
            and program.endswith(f"\n{tests}")
        ):
            raise RowError(
                f"{where}: result {number}: its program is not prompt, completion and tests",
                hint="files that still have prompt and tests can be read, or the completions' own",
            )
        found.append(program[len(prompt) : len(program) - len(tests) - 1])
    rest = {name: value for name, value in fields.items() if name != "results"}
    return rest | {"completions": found}


def _lm_eval(fields: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the answers to one document, after the task's own filter."""
    task_id = fields["doc"].get("task_id")
    if not isinstance(task_id, str | int):
        raise RowError(f"{where}: its doc has no task_id", hint="log samples of HumanEval or MBPP")
    answers = fields["filtered_resps"]
    texts = [text for part in answers for text in (part if isinstance(part, list) else [part])]
    return {"task_id": str(task_id), "generations": texts}
