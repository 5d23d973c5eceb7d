"""The kinds of nodes in hand-written code, and the weights of a tokenizer's tokens over it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from overproof.distillation import syntax
from overproof.distillation.syntax import KAPPA, kinds_of, token_weights
from overproof.errors import EngineError, UnknownNameError
from overproof.languages.trees import WHEELS

PYTHON = '''\
@cache
def area(shape, scale=2):
    """Return the area."""
    total = shape.width * scale  # units
    for side in shape.sides:
        if not side or total is None:
            self.seen += check(side[0], key="x")
    with open(path) as file:
        file.read()
    match total:
        case 0: return -total
    return [y @ 2.5 for y in total if y in seen]
'''
PHP = """<?php
function add($a) {
  $c = $a + count($b); // hi
  foreach ($b as $x) { $c += $this->max($x, 2); }
  return null;
}
"""


def words(code: str, language: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start, end, kind in kinds_of(code, language) or ():
        found.setdefault(kind, []).append(code[start:end])
    return found


def test_every_kind_in_python() -> None:
    found = words(PYTHON, "python")
    assert found["definition"] == ["area", "shape", "scale", "total", "side", "seen", "file", "y"]
    assert found["call"] == ["check", "open", "read"]
    assert found["control"] == [
        "for",
        "if",
        "with",
        "match",
        "case",
        "return",
        "return",
        "for",
        "if",
    ]
    assert found["operator"] == ["*", "not", "or", "is", "+=", "-", "@", "in"]
    assert found["literal"] == ["2", "None", "0", '"x"', "0", "2.5"]
    assert found["comment"] == ['"""Return the area."""', "# units"]
    uses = ["cache", "shape", "width", "scale", "shape", "sides", "side", "total", "self", "side"]
    assert found["use"][:10] == uses
    assert found["use"][10:] == ["key", "path", "file", "total", "total", "y", "total", "y", "seen"]


def test_names_after_other_scripts_are_placed_by_bytes() -> None:
    code = 'größe = "日本" + π(naïve)\n'
    assert words(code, "python") == {
        "definition": ["größe"],
        "literal": ['"日本"'],
        "operator": ["+"],
        "call": ["π"],
        "use": ["naïve"],
    }


@pytest.mark.parametrize(
    "body",
    [
        "    x = 1\n    return f(x)\n",
        "\tx = 1\n\treturn f(x)",
        "x = 1\n    return f(x)\n",  # the first line lost its indent
        "x = 1\nreturn f(x)\n",
        "\n\n    x = 1\n    return f(x)\n```",
        "    x = 1\n    return f(x)\n```\n",
        "    x = 1\r\n    return f(x)\r\n",
    ],
)
def test_a_body_without_its_head(body: str) -> None:
    assert words(body, "python") == {
        "definition": ["x"],
        "literal": ["1"],
        "control": ["return"],
        "call": ["f"],
        "use": ["x"],
    }


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        (
            "bash",
            'add() {\n  local x="$1"\n  if [ "$x" -eq 3 ]; then\n    echo $((x + 1)) # hi\n  fi\n}',
            {"definition": ["add", "x"], "call": ["echo"], "operator": ["-eq", "+"]},
        ),
        (
            "cpp",
            "int add(int a, std::vector<int>& b) {\n  int c = a + b.size(); // hi\n"
            "  if (c >= 10) return std::max(c, 2);\n  return nullptr;\n}\n",
            {
                "definition": ["add", "a", "b", "c"],
                "call": ["size", "max"],
                "operator": ["+", ">="],
                "control": ["if", "return", "return"],
                "literal": ["10", "2", "nullptr"],
            },
        ),
        (
            "csharp",
            "int Add(int a, List<int> b) {\n  var c = a + b.Count(); // hi\n"
            "  foreach (var x in b) { c += Math.Max(x, 2); }\n  return c;\n}\n",
            {
                "definition": ["Add", "a", "b", "c", "x", "c"],
                "call": ["Count", "Max"],
                "operator": ["+", "+="],
                "comment": ["// hi"],
            },
        ),
        (
            "go",
            "func add(a int, b []int) int {\n\tc := a + len(b) // hi\n"
            '\tfor i, x := range b { c += max(x, 2) }\n\tm["x"] = c\n\treturn nil\n}\n',
            {
                "definition": ["add", "a", "b", "c", "i", "x", "c"],
                "call": ["len", "max"],
                "operator": ["+", "+="],
                "literal": ["2", '"x"', "x", "nil"],
            },
        ),
        (
            "java",
            "int add(int a, List<Integer> b) {\n  int c = a + b.size(); // hi\n"
            "  for (int x : b) { c += Math.max(x, 2); }\n  b[c] = x;\n  return null;\n}\n",
            {
                "definition": ["add", "a", "b", "c", "x", "c"],
                "call": ["size", "max"],
                "operator": ["+", "+="],
            },
        ),
        (
            "javascript",
            "function add(a, [b, ...d]) {\n  const c = a + b.size(); // hi\n"
            "  for (const x of b) { this.n = Math.max(x, `v${c}`); }\n  return new Map(null);\n}",
            {
                "definition": ["add", "a", "b", "d", "c", "x", "n"],
                "call": ["size", "max", "Map"],
                "operator": ["+", "new"],
                "use": ["a", "b", "b", "this", "Math", "x", "c"],
                "literal": ["`v${c}`", "v", "null"],
            },
        ),
        (
            "lua",
            "function add(a, b)\n  local c = a + #b -- hi\n"
            "  for i, x in ipairs(b) do c = c + math.max(x, 2) end\n  return nil\nend\n",
            {
                "definition": ["add", "a", "b", "c", "i", "x", "c"],
                "call": ["ipairs", "max"],
                "operator": ["+", "#", "+"],
                "comment": ["-- hi"],
            },
        ),
        (
            "perl",
            "sub add {\n  my ($a, $b) = @_;\n  my $c = $a + scalar(@$b); # hi\n"
            "  foreach my $x (@$b) { $c += max($x, 2); }\n  return undef;\n}\n",
            {
                "definition": ["add", "a", "b", "c", "x", "c"],
                "call": ["scalar", "max"],
                "control": ["foreach", "return"],
                "literal": ["2", "undef"],
            },
        ),
        (
            "php",
            PHP,
            {
                "definition": ["add", "a", "c", "c"],
                "call": ["count", "max"],
                "operator": ["+", "+="],
                "literal": ["2", "null"],
            },
        ),
        (
            "ruby",
            "def add(a, b)\n  c = a + b.size # hi\n  b.each { |x| c += max(x, 2) }\n"
            '  s = "x#{c}"\n  return nil\nend\n',
            {
                "definition": ["add", "a", "b", "c", "x", "c", "s"],
                "call": ["size", "each", "max"],
                "operator": ["+", "+="],
                "literal": ["2", '"x#{c}"', "x", "nil"],
            },
        ),
        (
            "rust",
            "fn add(a: i32, b: &Vec<i32>) -> i32 {\n  let c = a + b.len(); // hi\n"
            '  for x in b.iter() { c += std::cmp::max(x, 2); }\n  println!("{}", c);\n  c\n}\n',
            {
                "definition": ["add", "a", "b", "c", "x", "c"],
                "call": ["len", "iter", "max", "println"],
                "operator": ["+", "+="],
                "control": ["for"],
            },
        ),
        (
            "typescript",
            "function add(a: number, b: string[]): number {\n  const c = a + b.size(); // hi\n"
            "  const last = (x: number) => x * 2;\n  return last(c);\n}\n",
            {
                "definition": ["add", "a", "b", "c", "last", "x"],
                "call": ["size", "last"],
                "operator": ["+", "*"],
                "control": ["return"],
            },
        ),
    ],
)
def test_kinds_in_the_other_languages(
    language: str, code: str, expected: dict[str, list[str]]
) -> None:
    pytest.importorskip(WHEELS[language])
    found = words(code, language)
    assert {kind: found[kind] for kind in expected} == expected


@pytest.mark.parametrize("end", ["", "\n}", "\n}\n```"])
def test_a_body_in_another_language(end: str) -> None:
    pytest.importorskip("tree_sitter_java")
    found = words(f'    String é = "ü";\n    return add(é, 1);{end}', "java")
    assert found["call"] == ["add"]
    assert found["definition"] == ["é"]
    assert found["literal"] == ['"ü"', "ü", "1"]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A byte-level BPE that knows some of the code by heart and nothing else."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    made.train_from_iterator([PYTHON], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made)


def weigh(tokenizer: Any, code: str, gamma: float) -> list[tuple[str, float]]:
    encoded = tokenizer(code, add_special_tokens=False, return_offsets_mapping=True)
    offsets = encoded["offset_mapping"]
    weights = token_weights(code, "python", offsets, gamma)
    assert weights.dtype == np.float32
    return [
        (code[start:end], float(weight))
        for (start, end), weight in zip(offsets, weights, strict=True)
    ]


def test_a_token_weighs_what_its_weightiest_character_does(tokenizer: Any) -> None:
    weights = weigh(tokenizer, PYTHON, 2.0)
    kinds = kinds_of(PYTHON, "python") or []
    place = 0
    for text, weight in weights:
        covered = [kind for start, end, kind in kinds if start < place + len(text) and end > place]
        assert weight == 1 + 2 * max([KAPPA[kind] for kind in covered], default=0.0)
        place += len(text)
    assert dict(weights)[" return"] == 1 + 2 * KAPPA["control"]


def test_parts_of_a_character_weigh_alike(tokenizer: Any) -> None:
    weights = weigh(tokenizer, 'x = "🐍"', 1.0)
    assert [weight for text, weight in weights if text == "🐍"] == [1 + KAPPA["literal"]] * 4


def test_gamma_0_weighs_nothing_and_needs_no_grammar(tokenizer: Any) -> None:
    assert {weight for _, weight in weigh(tokenizer, PYTHON, 0.0)} == {1.0}
    assert token_weights("(defun f ())", "lisp", [(0, 1)], 0.0).tolist() == [1.0]


def test_a_closing_fence_weighs_1_and_changes_nothing_else(tokenizer: Any) -> None:
    body = "    return x + 1"
    plain, fenced = weigh(tokenizer, body, 1.0), weigh(tokenizer, f"{body}\n```", 1.0)
    assert fenced[: len(plain)] == plain
    assert {weight for _, weight in fenced[len(plain) :]} == {1.0}
    assert token_weights(body, "python", [(4, 10), (16, 20), (9, 9)], 1.0).tolist() == [1.75, 1, 1]


@pytest.mark.parametrize("code", ["def f(:\n", "return (", "x = 'a", "    if x:\n", "\0", "a b c"])
def test_broken_code_weighs_1(tokenizer: Any, code: str) -> None:
    assert kinds_of(code, "python") is None
    assert {weight for _, weight in weigh(tokenizer, code, 1.0)} == {1.0}


def test_broken_code_in_another_language_weighs_1() -> None:
    pytest.importorskip("tree_sitter_go")
    assert kinds_of("if x := {", "go") is None


def test_a_fragment_is_weighed_inside_its_function() -> None:
    code = "def f(x):\n    return (x +\n        1)\n"
    start = code.index("+")
    assert token_weights(code, "python", [(start, start + 1)], 1.0).tolist() == [2.0]


def test_a_language_without_a_grammar_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="lisp"):
        token_weights("(defun f ())", "lisp", [(0, 1)], 1.0)


def test_a_missing_wheel_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(syntax.HEADS, "cobol", ("", ""))
    monkeypatch.setitem(WHEELS, "cobol", "tree_sitter_cobol")
    with pytest.raises(EngineError, match=r"grammar of cobol[\s\S]*overproof\[languages\]"):
        token_weights("STOP RUN.", "cobol", [(0, 1)], 1.0)


def test_kappas_are_shares() -> None:
    assert max(KAPPA.values()) == 1.0
    assert min(KAPPA.values()) == KAPPA["rest"] == 0.0


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40), st.floats(0, 4))
def test_any_text_has_a_weight_between_1_and_1_plus_gamma(code: str, gamma: float) -> None:
    weights = token_weights(code, "python", [(n, n + 1) for n in range(len(code))], gamma)
    assert ((weights >= 1) & (weights <= np.float32(1 + gamma))).all()
