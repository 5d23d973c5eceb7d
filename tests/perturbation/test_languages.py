"""Other languages: comments, names and layout are told apart by each language's grammar."""

import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from overproof.errors import EngineError, UnknownNameError
from overproof.languages import trees
from overproof.perturbation import OPERATORS, perturb
from overproof.perturbation.docstring import worked_examples
from overproof.perturbation.draft import Draft
from overproof.perturbation.languages import spacing
from overproof.perturbation.languages.comments import describe, description_in, prose_words_of
from overproof.perturbation.languages.grammars import GRAMMARS
from overproof.perturbation.languages.renaming import (
    convert_case,
    count_definitions,
    name_places,
    rename_in,
    renamed_code_of,
)
from overproof.perturbation.languages.trees import identifiers_of, parses, plain_code_of
from overproof.perturbation.source import apply_edits
from overproof.records import Outcome, Problem
from overproof.sandbox import Job, Limits, run_jobs


def make(language: str, name: str, prompt: str, body: str, test: str = "") -> Problem:
    return Problem(
        task_id=f"toy/{language}",
        prompt=prompt,
        entry_point=name,
        canonical_solution=body,
        test=test,
        language=language,
    )


SAID = "Count the positive numbers of the given list, at most 10 of them."
TOYS = {
    toy.language: toy
    for toy in (
        make(
            "javascript",
            "countPositive",
            f"/**\n * {SAID}\n * @param {{number[]}} xs - values to look at\n"
            " * >>> countPositive([1, -2])\n * 1\n */\nfunction countPositive(xs) {\n",
            "  if (!xs.length) return 0 // countPositive stops\n"
            "  return (xs[0] > 0 ? 1 : 0) + countPositive(xs.slice(1));\n}\n",
        ),
        make(
            "typescript",
            "countPositive",
            f"//{SAID}\n// >>> countPositive([1, -2])\n// 1\n"
            "export const countPositive = (xs: number[]): number => {\n",
            "  return xs.filter((x: number) => x > 0).length;\n}\n",
        ),
        make(
            "java",
            "add",
            f"import java.util.*;\n\nclass Problem {{\n    /**\n     * {SAID}\n"
            "     * {@code add(x)} is 1.\n     * @param xs the values to look at\n     */\n"
            "    @SuppressWarnings({})\n    public static long add(List<Long> xs) {\n",
            "        List<Long> kept = new ArrayList<>();\n"
            "        for (long x : xs) if (x > 0) kept.add(x);\n"
            "        return xs.isEmpty() ? 0 : kept.size() + Problem.add(List.of());\n    }\n}\n",
        ),
        make(
            "cpp",
            "count_positive",
            f'#include <string>\n#include <vector>\n\n/* {SAID}\n   It says "é" — see '
            "count_positive({1}).\n*/\ntemplate <typename T>\n"
            "int count_positive(const std::vector<T>& xs) {\n",
            '    std::string é = "count_positive";  // é\n    int total = 0;\n'
            "    for (auto x : xs) total += x > 0;\n"
            "    return xs.empty() ? 0 : total + count_positive(std::vector<T>{});\n}\n",
        ),
        make(
            "go",
            "Count",
            'package main\n\nimport (\n    "fmt"\n)\n\n// Count: count the positive numbers of '
            "the given list, at most 10 of them.\n//\n//\tCount([]int{1}) is 1\n"
            "func Count(xs []int) int {\n",
            '\tfmt.Sprint("Count.")\n\tif len(xs) > 0 {\n\t\treturn Count(xs[1:])\n\t}\n'
            "\treturn 0\n}\n",
        ),
        make(
            "rust",
            "count_positive",
            f"use std::fmt;\n\n/// {SAID}\n///\n/// # Examples\n/// ```\n"
            "/// assert_eq!(count_positive(vec![1]), 1);\n/// ```\n#[allow(dead_code)]\n"
            "pub fn count_positive(xs: Vec<isize>) -> isize {\n",
            '    println!("{}", count_positive(vec![]));\n'
            "    xs.iter().filter(|x| **x > 0).count() as isize\n}\n",
        ),
        make(
            "ruby",
            "positive?",
            f"# frozen_string_literal: true\n# {SAID}\n# >>> positive? [1, -2]\n# true\n"
            "def positive?(xs)\n",
            '  puts "is #{positive?(xs)}"\n  xs.any? { |x| x > 0 }\nend\n',
        ),
        make(
            "php",
            "count_positive",
            f"<?php\n/**\n * {SAID}\n *\n * @param int[] $xs the values to look at\n"
            " * @return int how many of them\n */\nfunction count_positive($xs) {\n",
            "    $count_positive = 'none';\n"
            '    return $xs ? count_positive([]) . "{$xs[0]}" : 0;\n}\n',
        ),
        make(
            "perl",
            "count_positive",
            f"use strict;\n\n# {SAID}\n# >>> count_positive([1])\n# 1\nsub count_positive {{\n"
            "    my($xs) = @_;\n",
            "    my $count_positive = &count_positive([]);\n"
            "    return scalar(@$xs) . count_positive([1]);\n}\n",
        ),
        make(
            "lua",
            "count_positive",
            f"-- {SAID}\n-- >>> count_positive({{1}})\n-- 1\nlocal function count_positive(xs)\n",
            "    local t = {count_positive = 1}\n    if #xs == 0 then return 0 end\n"
            "    return 'n'..count_positive({}) .. t.count_positive\nend\n",
        ),
        make(
            "csharp",
            "CountPositive",
            f"using System;\n\nclass Problem {{\n    /// <summary>\n    /// {SAID}\n"
            '    /// </summary>\n    /// <param name="xs">see the values</param>\n'
            "    public static long CountPositive(long[] xs) {\n",
            "        return xs.Length > 0 ? 0 : Problem.CountPositive(xs);\n    }\n}\n",
        ),
        make(
            "bash",
            "count_positive",
            f'#!/bin/bash\n# {SAID}\n# $1 is a list\n# >>> count_positive "1 -2"\n# 1\n'
            "count_positive() {\n",
            '    local count_positive=0\n    for x in $1; do\n        (( x > 0 )) && echo "$x"\n'
            '    done | wc -l\n    [ -z "$1" ] || echo "$(count_positive "")"\n}\n',
        ),
    )
}
LAYOUTS = (
    spacing.blank_lines_in,
    spacing.tab_indent_in,
    spacing.trailing_newline_in,
    spacing.comment_style_in,
)

every_language = pytest.mark.parametrize("language", sorted(GRAMMARS))


def whole(problem: Problem, draft: Draft | None = None) -> str:
    if draft is None:
        return problem.prompt + problem.canonical_solution
    return draft.prompt + (problem.canonical_solution if draft.gold is None else draft.gold)


def prose(problem: Problem) -> list[str]:
    return [problem.prompt[start:end] for start, end in prose_words_of(problem)]


@every_language
def test_programs_parse_whole_and_not_without_their_end(language: str) -> None:
    program = whole(TOYS[language])
    assert parses(language, program)
    assert not parses(language, program.rstrip()[:-2])


@every_language
def test_comments_are_no_code_and_tokens_are(language: str) -> None:
    toy = TOYS[language]
    plain = plain_code_of(language, whole(toy))
    reworded = whole(toy).replace("positive numbers of the", "nice numbers of a")
    assert reworded != whole(toy)
    assert plain_code_of(language, reworded) == plain
    assert plain_code_of(language, whole(toy) + "\n\n") == plain
    body = toy.canonical_solution
    at = body.index("0") if "0" in body else body.index("1")
    assert plain_code_of(language, toy.prompt + body[:at] + "7" + body[at + 1 :]) != plain


@every_language
def test_the_description_is_found_without_its_signs(language: str) -> None:
    toy = TOYS[language]
    found = describe(toy)
    assert found is not None
    said = "Count: count" if language == "go" else "Count"
    text = found.text(toy.prompt).strip()
    assert text.removeprefix("<summary>\n ").startswith(f"{said} the positive numbers of the")
    assert not any(sign in text for sign in ("/*", "*/", "frozen", "/bin", "import", "#include"))
    assert description_in(language, toy.prompt, "other_name", toy.canonical_solution) != ""


@every_language
def test_prose_is_the_sentence_and_nothing_that_carries_the_contract(language: str) -> None:
    words = prose(TOYS[language])
    sentence = ["the", "positive", "numbers", "of", "the", "given", "list", "at", "most", "of"]
    start = words.index("positive") - 1
    assert words[start : start + len(sentence)] == sentence
    said = {"is", "see", "them", "values", "to", "look", "how", "many"}
    assert set(words) <= {"Count", "count", *sentence, "It", *said, "list", "them"}
    toy = TOYS[language]
    assert not set(words) & identifiers_of(language, whole(toy), len(toy.prompt))


@every_language
def test_renamed_everywhere_and_nothing_else(language: str) -> None:
    toy = TOYS[language]
    new = convert_case(toy.entry_point, language)
    draft = rename_in(toy, new)
    assert draft is not None
    assert draft.entry_point == new
    program = whole(toy, draft)
    assert parses(language, program)
    assert renamed_code_of(language, program, toy.entry_point, new) == plain_code_of(
        language, whole(toy)
    )
    assert count_definitions(language, program, new) == 1
    assert count_definitions(language, program, toy.entry_point) == 0
    assert name_places(language, program, toy.entry_point) == frozenset()
    before = description_in(language, toy.prompt, toy.entry_point, toy.canonical_solution)
    after = description_in(language, draft.prompt, new, draft.gold or "")
    assert worked_examples(after, new) == [
        line.replace(toy.entry_point, new) for line in worked_examples(before, toy.entry_point)
    ]


@pytest.mark.parametrize(
    ("language", "kept"),
    [
        ("java", "kept.add(x)"),
        ("cpp", '"count_positive"'),
        ("go", '"Count."'),
        ("php", "$count_positive = 'none'"),
        ("perl", "my $count_positive ="),
        ("lua", "{count_positive = 1}"),
        ("lua", "t.count_positive"),
        ("bash", "local count_positive=0"),
    ],
)
def test_what_only_looks_like_the_function_keeps_its_name(language: str, kept: str) -> None:
    toy = TOYS[language]
    draft = rename_in(toy, convert_case(toy.entry_point, language))
    assert draft is not None
    assert kept in whole(toy, draft)


@pytest.mark.parametrize(
    ("language", "renamed"),
    [
        ("java", "Problem.Add(List.of())"),
        ("java", "{@code Add(x)}"),
        ("cpp", "see countPositive({1})."),
        ("go", "// count: count the positive"),
        ("rust", 'println!("{}", countPositive(vec![]));'),
        ("ruby", '"is #{Positive?(xs)}"'),
        ("ruby", ">>> Positive? [1, -2]"),
        ("perl", "&countPositive([])"),
        ("lua", "'n'..countPositive({})"),
        ("csharp", "Problem.count_positive(xs)"),
        ("bash", '$(countPositive "")'),
        ("javascript", "// count_positive stops"),
        ("typescript", "const count_positive ="),
    ],
)
def test_calls_and_mentions_follow(language: str, renamed: str) -> None:
    toy = TOYS[language]
    draft = rename_in(toy, convert_case(toy.entry_point, language))
    assert draft is not None
    assert renamed in whole(toy, draft)


@pytest.mark.parametrize(
    ("language", "program"),
    [
        ("javascript", "module.exports = {f};"),
        ("php", "<?php array_map('f', $xs);"),
        ("ruby", "method(:f)"),
        ("bash", "declare -f f"),
        ("bash", "echo f"),
        ("perl", "main::f(1);"),
        ("cpp", "#define call(x) f(x)\n"),
        ("java", "class A { int f() { return new A().f(); } }"),
    ],
)
def test_where_the_place_of_a_name_is_unsure_nothing_is_renamed(
    language: str, program: str
) -> None:
    assert name_places(language, program, "f") is None


@pytest.mark.parametrize(
    ("language", "program", "renamed"),
    [
        ("cpp", "int g() { return std::f(1) + ::f(2) + a->f(3); }", "::NEW(2)"),
        ("go", "package a\nfunc (s *T) f() { s.f(); b.f() }", "(s *T) NEW() { s.NEW(); b.f"),
        ("javascript", "/* See it. */ f(1); a?.f(1); b = {f: [...f(2)]}", "NEW(1); a?.f(1)"),
        ("csharp", "class A { int f() { return this.f() + b?.f(); } }", "NEW() + b?.f()"),
        ("rust", "fn f() { 0..f(); x.f(); Self::f() }", "0..NEW(); x.f(); Self::NEW()"),
        ("lua", "function M.f() return M.f() .. N.f() end", "M.NEW() .. N.f()"),
    ],
)
def test_members_of_other_objects_keep_their_names(
    language: str, program: str, renamed: str
) -> None:
    places = name_places(language, program, "f")
    assert places is not None
    assert renamed in apply_edits(program, [(place, place + 1, "NEW") for place in places])


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("javascript", "function"),
        ("javascript", "xs"),
        ("php", "Echo"),
        ("java", "kept"),
        ("lua", "two words"),
        ("ruby", "end"),
        ("cpp", "été"),
        ("bash", "echo"),
        ("go", "Count"),
    ],
)
def test_names_that_cannot_be_given_are_refused(language: str, name: str) -> None:
    assert rename_in(TOYS[language], name) is None


def test_a_ruby_call_without_brackets_cannot_begin_with_a_capital() -> None:
    toy = make("ruby", "total", "# Add up.\ndef total(xs)\n", "  total [1]\nend\n")
    assert rename_in(toy, "Total") is None
    assert rename_in(toy, "sum_up") is not None


@pytest.mark.parametrize(
    ("name", "language", "converted"),
    [
        ("count_zeros", "go", "CountZeros"),
        ("count_zeros", "rust", "countZeros"),
        ("CountZeros", "csharp", "count_zeros"),
        ("_count_zeros", "javascript", "_countZeros"),
        ("Add", "go", "add"),
        ("add", "php", "Add"),
    ],
)
def test_case_follows_the_language(name: str, language: str, converted: str) -> None:
    assert convert_case(name, language) == converted


@every_language
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: str(layout.__name__))
def test_layout_leaves_code_and_words_alone(
    language: str, layout: Callable[[Problem, random.Random, float], Draft | None]
) -> None:
    toy = TOYS[language]
    drafts = [layout(toy, random.Random(seed), 0.5) for seed in range(5)]
    indented = language in ("java", "csharp", "perl", "go")
    block = GRAMMARS[language].block
    if (layout is spacing.tab_indent_in and not indented) or (
        layout is spacing.comment_style_in and not block
    ):
        assert drafts == [None] * 5
        return
    for draft in drafts:
        assert draft is not None
        assert draft.prompt != toy.prompt
        assert plain_code_of(language, whole(toy, draft)) == plain_code_of(language, whole(toy))
        after = description_in(language, draft.prompt, draft.entry_point, draft.gold or "")
        before = description_in(language, toy.prompt, toy.entry_point, toy.canonical_solution)
        assert after.split() == before.split()
    if layout is spacing.blank_lines_in:
        assert len({draft.prompt for draft in drafts if draft}) >= 3


def test_layout_reads_as_a_person_would_write_it() -> None:
    rng = random.Random(0)
    tabbed = spacing.tab_indent_in(TOYS["java"], rng, 1.0)
    assert tabbed is not None
    assert "\n\t * Count the positive" in tabbed.prompt
    assert tabbed.gold is not None
    assert "\n\t\tfor (long x" in tabbed.gold
    lines = spacing.comment_style_in(TOYS["javascript"], rng, 1.0)
    assert lines is not None
    assert lines.prompt.startswith(f"// {SAID}\n// @param {{number[]}} xs - values to look at\n")
    block = spacing.comment_style_in(TOYS["rust"], rng, 1.0)
    assert block is not None
    assert f"\n/**\n * {SAID}\n *\n * # Examples\n" in block.prompt
    blank = spacing.blank_lines_in(TOYS["csharp"], rng, 1.0)
    assert blank is not None
    assert "\nclass Problem {\n\n    /// <summary>\n    ///\n" in blank.prompt


def test_white_space_counts_where_the_language_says_so() -> None:
    def same(language: str, one: str, other: str) -> bool:
        return plain_code_of(language, one) == plain_code_of(language, other)

    assert not same("javascript", "x = `a  ${b}`", "x = `a ${b}`")
    assert same("javascript", "x = `a ${b }`", "x = `a ${b}`")
    assert not same("javascript", "function f() { return 1 }", "function f() { return\n1 }")
    assert not same("ruby", "x = <<~A\n  b\nA\n", "x = <<~A\n   b\nA\n")
    assert not same("ruby", "a -b", "a - b")
    assert not same("bash", "echo 'a  b'", "echo 'a b'")
    assert not same("bash", "a\nb", "a b")
    assert not same("php", "<?php f();", "\n<?php f();")
    assert same("go", "package a\nvar b = 1", "package a\n\n\n\nvar b = 1\n")


def test_an_unknown_language_and_a_missing_wheel_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnknownNameError, match="cobol"):
        parses("cobol", "")
    monkeypatch.setitem(sys.modules, "tree_sitter_lua", None)
    trees.load_grammar.cache_clear()
    with pytest.raises(EngineError, match=r"overproof\[languages\]"):
        parses("lua", "local missing = 1")
    monkeypatch.undo()
    assert parses("lua", "local missing = 1")


@pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed")
def test_perturbed_programs_of_cpp_still_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path))
    toy = make(
        "cpp",
        "count_up",
        "#include <vector>\n\nnamespace inner {\n/** Count the numbers that count_up is given.\n"
        " *  >>> count_up({1, 2})\n *  2\n */\nlong count_up(std::vector<long> xs);\n}\n\n"
        "long helper(long x) {\n    return x + 1;\n}\n\n// Count the given numbers.\n"
        "// >>> count_up({1, 2})\n// 2\nlong count_up(std::vector<long> xs) {\n",
        "    if (xs.empty()) return 0;\n    xs.pop_back();\n    return helper(count_up(xs));\n}\n",
        "def check(candidate):\n    assert candidate([4, 5, 6]) == 3\n",
    )
    rng = random.Random(0)
    drafts = [rename_in(toy, "countUp")]
    drafts += [layout(toy, rng, 1.0) for layout in (spacing.tab_indent_in, *LAYOUTS[-1:])]
    jobs = []
    for number, draft in enumerate(drafts):
        assert draft is not None
        jobs.append(
            Job(
                key=str(number),
                task_id=toy.task_id,
                program=whole(toy, draft),
                entry_point=draft.entry_point,
                test=toy.test,
                language="cpp",
            )
        )
    assert [outcome.status for outcome in run_jobs(jobs, Limits())] == ["passed"] * len(jobs)


EVERYWHERE = [name for name, operator in OPERATORS.items() if not operator.languages]


@every_language
def test_operators_without_a_language_are_certified_in_each(language: str) -> None:
    toy = TOYS[language]

    def trust(jobs: list[Job]) -> list[Outcome]:
        assert {job.language for job in jobs} <= {language}
        return [Outcome(key=job.key, task_id=job.task_id, status="passed") for job in jobs]

    result = perturb([toy], [*EVERYWHERE, "dead_code", "storytelling"], [0, 1], run_gold=trust)
    yields = {row.operator: row for row in result.yields}
    assert yields["dead_code"].not_applicable == yields["storytelling"].not_applicable == 2
    for name in EVERYWHERE:
        row = yields[name]
        assert row.certified + row.not_applicable + row.given_up == row.wanted
    certified = {name for name in EVERYWHERE if yields[name].certified}
    assert {"keyboard_typos", "synonym_substitution", "name_opaque", "blank_lines"} <= certified
    assert len(certified) > 25


@pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed")
def test_variants_of_cpp_are_compiled_and_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path))
    toy = make(
        "cpp",
        "count_up",
        "#include <vector>\n\n// Count the numbers of the given list, whatever they are.\n"
        "// >>> count_up({1, 2})\n// 2\nlong count_up(std::vector<long> xs) {\n",
        "    return xs.size();\n}\n",
        "def check(candidate):\n    assert candidate([4, 5, 6]) == 3\n",
    )
    result = perturb([toy], ["keyboard_typos", "camel_case", "null"], [0])
    rows = [row for row in result.variants if row.certificate]
    assert [row.operator for row in rows] == ["keyboard_typos", "camel_case", "null"]
    assert rows[1].entry_point == "countUp"
    wrong = replace(toy, canonical_solution="    return 7;\n}\n")
    assert [row.gold_break for row in perturb([wrong], ["null"], [0]).yields] == [5]
