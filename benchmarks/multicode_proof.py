"""Whether right programs pass and buggy ones fail: HumanEvalPack's, under our tests.

    python benchmarks/multicode_proof.py --pack FOLDER [--language java] [--out proof.jsonl]

FOLDER holds HumanEvalPack's files (bigcode/humanevalpack, MIT), one per language, named
`cpp.jsonl`, `go.jsonl`, `java.jsonl`, `js.jsonl`, `python.jsonl`, `rust.jsonl`; they are read and
never kept. Its signatures are its own (`vector<int>` for `std::vector<long>`, camel case in
JavaScript): the drivers convert to whatever a program declares. What cannot be called that way
is listed: it does not compile here, or takes what our calls are not.

Not covered: Rust programs that need a crate; they are counted apart.
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from overproof.records import Outcome, encode_row
from overproof.sandbox import Limits, run_jobs
from overproof.sandbox.execute import job_for
from overproof.suites import load_suite

FILES = {
    "cpp": "cpp",
    "go": "go",
    "java": "java",
    "javascript": "js",
    "python": "python",
    "rust": "rust",
}
CRATES = re.compile(r"^use (?:rand|regex|md5)\b.*\n", re.MULTILINE)
CRATE_USES = re.compile(r"\b(?:Regex|md5|rand|thread_rng)\b")


def main() -> None:
    """Run what is asked for, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--language", choices=FILES, action="append")
    parser.add_argument("--out", type=Path, help="a line per program")
    options = parser.parse_args()
    print(f"{'language':<12}{'right pass':>12}{'buggy fail':>12}   what else happened")
    found: list[Outcome] = []
    for language in options.language or FILES:
        found += prove(language, options.pack / f"{FILES[language]}.jsonl")
    if options.out:
        options.out.write_bytes(b"".join(encode_row(row) + b"\n" for row in found))


def prove(language: str, path: Path) -> list[Outcome]:
    """Run the right and the buggy program of every problem."""
    problems = {row.task_id.split("/")[1]: row for row in load_suite(f"multicode:{language}")}
    jobs, crates = [], 0
    for line in path.read_text().splitlines():
        row = json.loads(line)
        number = row["task_id"].split("/")[1]
        if number not in problems:
            continue
        for kind in ("canonical", "buggy"):
            program = program_of(row, row[f"{kind}_solution"], language)
            if CRATE_USES.search(program) and language == "rust":
                crates += 1
                continue
            name = entry_point_of(row, program)
            jobs.append(job_for(problems[number], f"{kind}/{number}", program, name))
    outcomes = list(run_jobs(jobs, Limits(), workers=2))
    right = [row for row in outcomes if row.key.startswith("canonical")]
    buggy = [row for row in outcomes if row.key.startswith("buggy")]
    passed, failed = sum(row.passed for row in right), sum(not row.passed for row in buggy)
    others = Counter(row.status for row in right if not row.passed)
    note = ", ".join(f"{count} {status}" for status, count in others.items())
    note += f"; {crates} need a crate" if crates else ""
    print(f"{language:<12}{passed:>6}/{len(right):<5}{failed:>6}/{len(buggy):<5}   {note}")
    for row in right:
        if not row.passed:
            print(f"    {row.key}: {row.status}: {row.detail[:110]}")
    for row in buggy:
        if row.passed:
            print(f"    {row.key}: passed")
    return outcomes


def program_of(row: dict[str, Any], body: str, language: str) -> str:
    """Return the whole program that one row makes with this body."""
    program = str(row["prompt"]) + body
    if imported := row.get("import"):
        package, _, rest = program.partition("\n")
        inside = package.startswith("package")
        program = f"{package}\n{imported}\n{rest}" if inside else f"{imported}\n{program}"
    return CRATES.sub("", program) if language == "rust" else program


def entry_point_of(row: dict[str, Any], program: str) -> str:
    """Return the entry point as the program writes it: in some rows the field differs."""
    name, declaration = str(row["entry_point"]), str(row["declaration"])
    if re.search(rf"\b{re.escape(name)}\b", declaration):
        return name
    alike = re.search(rf"\b{re.escape(name)}\b", declaration, re.IGNORECASE)
    declared = re.search(r"(\w+)\s*\(", str(row.get("signature", "")))
    found = alike or declared
    return found.group(found.lastindex or 0) if found else name


if __name__ == "__main__":
    main()
