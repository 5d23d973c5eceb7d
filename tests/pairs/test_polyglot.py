import pytest

from overproof.errors import EngineError, UnknownNameError
from overproof.languages import trees
from overproof.pairs import grammars
from overproof.pairs.comments import comment_lines, comment_text, description
from overproof.pairs.grammars import LANGUAGES, SYNTAXES, language_of, suffixes_of
from overproof.pairs.mining import mine
from overproof.pairs.polyglot import find_polyglot_pairs, make_polyglot_pair
from overproof.pairs.rules import MiningRules, UnfitError, summarise

SAID = "Return the widest gap between neighbours."

FUNCTIONS = {
    "bash": f"""#!/bin/bash
# {SAID}
# $1 is the list.
widest_gap() {{
  local best=0
  echo "$best"
}}
""",
    "cpp": f"""namespace gaps {{
/**
 * {SAID}
 *
 * @param values in order
 */
template <typename T>
T widest_gap(const std::vector<T>& values) {{
  T best = 0;
  return best;
}}
}}
""",
    "csharp": f"""class Gaps {{
    /// <summary>
    /// {SAID}
    /// </summary>
    /// <param name="values">The <c>values</c>, in order; see <see cref="T:List"/>.</param>
    /// <returns>a width &gt;= 0</returns>
    public static int WidestGap(int[] values)
    {{
        var best = 0;
        return best;
    }}
}}
""",
    "go": f"""package gaps

// WidestGap: {SAID}
// It needs two values.
func WidestGap(values []int) int {{
\tbest := 0
\treturn best
}}
""",
    "java": f"""class Gaps {{
    /**
     * {SAID}
     * <p>It needs {{@code two}} values.
     * @param values in order
     */
    public static int widestGap(int[] values) {{
        int best = 0;
        return best;
    }}
}}
""",
    "javascript": f"""/**
 * {SAID}
 * @param {{number[]}} values
 */
export const widestGap = (values) => {{
  let best = 0;
  return best;
}};
""",
    "lua": f"""--- {SAID}
-- @param values in order
local function widest_gap(values)
  local best = 0
  return best
end
""",
    "perl": f"""package Gaps;

=head2 widest_gap(@values)

{SAID} It needs B<two> values.

=cut

sub widest_gap {{
    my @values = @_;
    return 0;
}}
""",
    "php": f"""<?php
/**
 * {SAID}
 * @param array $values
 */
function widest_gap(array $values): int
{{
    $best = 0;
    return $best;
}}
""",
    "ruby": f"""# {SAID}
# @param values [Array]
def widest_gap(values)
  best = 0
  best
end
""",
    "rust": f"""/// {SAID}
///
/// # Panics
/// Without values.
#[inline]
pub fn widest_gap(values: &[i64]) -> i64 {{
    let best = 0;
    best
}}
""",
    "typescript": f"""/** {SAID} */
export function widestGap<T>(values: T[]): number {{
  let best = 0;
  return best;
}}
""",
}

TEXTS = {
    "bash": f"{SAID}\n$1 is the list.",
    "cpp": f"{SAID}\n\n@param values in order",
    "csharp": f"{SAID}\n\nvalues: The values, in order; see List.\nReturns: a width >= 0",
    "go": f"WidestGap: {SAID}\nIt needs two values.",
    "java": f"{SAID}\nIt needs two values.\n@param values in order",
    "javascript": f"{SAID}\n@param {{number[]}} values",
    "lua": f"{SAID}\n@param values in order",
    "perl": f"{SAID} It needs two values.",
    "php": f"{SAID}\n@param array $values",
    "ruby": f"{SAID}\n@param values [Array]",
    "rust": f"{SAID}\n\n# Panics\nWithout values.",
    "typescript": SAID,
}


def found(source, language, **rules):
    return find_polyglot_pairs(source, "own", "MIT", language, MiningRules(**rules))


def reasons(source, language, **rules):
    pairs, dropped = found(source, language, **rules)
    assert pairs == []
    return [row.reason for row in dropped]


@pytest.mark.parametrize("language", sorted(FUNCTIONS))
def test_every_style_of_comment_is_read(language):
    source = FUNCTIONS[language]
    (pair,), dropped = found(source, language)
    assert dropped == []
    assert pair.name in ("widest_gap", "widestGap", "WidestGap")
    assert pair.text == TEXTS[language]
    assert pair.language == language
    assert pair.prompt.endswith(pair.code.removesuffix(pair.body))
    assert SAID in pair.prompt
    assert SAID not in pair.code
    assert "best" in pair.body or language == "perl"
    rows = {row.strip() for row in source.split("\n")}
    assert {row.strip() for row in (pair.prompt + pair.body).split("\n")} <= rows
    row = int(pair.origin.removeprefix("own:"))
    assert source.split("\n")[row - 1].strip() == pair.code.split("\n")[0].strip()
    first = pair.code.split("\n")[0]
    assert first == first.strip()


@pytest.mark.parametrize("language", sorted(FUNCTIONS))
def test_a_text_becomes_a_comment_in_the_language_s_own_style(language):
    (mined,), _ = found(FUNCTIONS[language], language)
    text = "Tell how far neighbours are apart.\nValues of < 2 count, too."
    pair = make_polyglot_pair(text, mined.code, language, origin="row")
    assert (pair.text, pair.code, pair.body) == (text, mined.code, mined.body)
    assert pair.prompt.endswith(mined.code.removesuffix(mined.body))
    comment = pair.prompt.removesuffix(mined.code.removesuffix(mined.body))
    assert comment_text(comment.rstrip("\n").split("\n"), language) == text
    again = find_polyglot_pairs(framed(pair, language), "own", "MIT", language)[0]
    assert [other.text for other in again] == [text]


def framed(pair, language):
    before, after = SYNTAXES[language].frame
    return f"{before}\n{pair.prompt}{pair.body}{after}\n"


def test_languages_are_those_of_the_suites():
    from overproof.languages import NAMES

    assert sorted(LANGUAGES) == sorted(NAMES)
    assert suffixes_of("python") == (".py",)
    with pytest.raises(UnknownNameError, match="cobol"):
        suffixes_of("cobol")


def test_methods_that_need_their_object_are_left_out():
    method = FUNCTIONS["java"].replace("static ", "")
    assert reasons(method, "java") == ["method"]
    uses = FUNCTIONS["javascript"].replace("let best = 0", "let best = this.best")
    assert reasons(uses, "javascript") == ["method"]
    ruby = FUNCTIONS["ruby"].replace("best = 0", "best = @best")
    assert reasons(ruby, "ruby") == ["method"]
    perl = FUNCTIONS["perl"].replace("my @values", "my ($self, @values)")
    assert reasons(perl, "perl") == ["method"]
    inside = "impl Gaps {\n" + FUNCTIONS["rust"] + "}\n"
    assert found(inside, "rust") == ([], [])
    own = "module Gaps\n" + FUNCTIONS["ruby"].replace("def ", "def self.") + "end\n"
    assert [pair.name for pair in found(own, "ruby")[0]] == ["widest_gap"]


def test_only_a_comment_right_above_documents():
    source = FUNCTIONS["go"]
    assert reasons(source.replace("func", "\nfunc"), "go") == ["no_docstring"]
    trailing = source.replace("// It needs two values.\n", "").replace(
        f"// WidestGap: {SAID}\n", f"var x = 1 // {SAID}\n"
    )
    assert reasons(trailing, "go") == ["no_docstring"]
    plain = FUNCTIONS["rust"].replace("///", "//")
    assert reasons(plain, "rust") == ["no_docstring"]
    block = FUNCTIONS["java"].replace("/**", "/*")
    assert reasons(block, "java") == ["no_docstring"]
    hash_line = FUNCTIONS["bash"].replace("$1 is the list.", "shellcheck disable=SC2034")
    assert found(hash_line, "bash")[0][0].text == SAID


def test_of_long_pod_only_the_function_s_own_section_is_taken():
    source = FUNCTIONS["perl"]
    more = "=head1 NAME\n\nGaps - of every kind\n\n"
    (pair,), _ = found(source.replace("=head2", f"{more}=head2"), "perl")
    assert pair.text == TEXTS["perl"]
    assert pair.prompt.startswith("=head2 widest_gap")
    items = source.replace("=head2 ", f"{more}=over\n\n=item other\n\nNo.\n\n=item ")
    (pair,), _ = found(items.replace("values.\n", "values.\n\n=item two\n"), "perl")
    assert pair.text == f"{TEXTS['perl']}\n\n- two"


def test_rules_of_mining_hold():
    source = FUNCTIONS["go"]
    assert reasons(source, "go", min_body_lines=3) == ["short_body"]
    assert reasons(source, "go", max_body_lines=1) == ["long_body"]
    assert reasons(source, "go", max_code_chars=20) == ["long_code"]
    assert reasons(source, "go", max_prompt_chars=20) == ["long_prompt"]
    assert reasons(source, "go", min_words=50) == ["short_text"]
    secret = source.replace("best := 0", 'best := "me@company.com"')
    assert reasons(secret, "go") == ["secret"]
    stub = FUNCTIONS["rust"].replace("let best = 0;\n    best", "todo!()")
    assert reasons(stub, "rust") == ["stub"]
    notice = source.replace("It needs two values.", "Copyright 2020 by its authors.")
    assert reasons(notice, "go") == ["empty_text"]
    tags = FUNCTIONS["lua"].replace(SAID, "@see other").replace("in order", "in the order of it")
    assert reasons(tags, "lua") == ["short_text"]


def test_code_that_shares_lines_or_is_damaged():
    one_line = f"/// {SAID}\nfn f() -> i64 {{ 0 }}\n"
    assert reasons(one_line, "rust") == ["layout"]
    arrow = f"/** {SAID} */\nconst f = (n) => n + 1;\n"
    assert reasons(arrow, "javascript") == ["layout"]
    damaged = FUNCTIONS["rust"].replace("let best = 0;", "let = = 0;")
    assert reasons(damaged, "rust") == ["syntax"]


def test_one_function_is_chosen_and_may_not_need_the_others():
    helper = "int twice(int n) {\n  int m = n;\n  return m * 2;\n}\n"
    main = "int main() {\n  int n = 1;\n  return n;\n}\n"
    wanted = "int half(int n) {\n  int m = n;\n  return m / 2;\n}\n"
    assert make_polyglot_pair("Return half of it.", wanted + main, "cpp").name == "half"
    pair = make_polyglot_pair("Let `twice` return it doubled.", helper + wanted, "cpp")
    assert pair.name == "twice"
    assert (
        make_polyglot_pair("Halve a number, but not twice.", wanted, "cpp", entry_point="half").code
        == wanted
    )
    needs = wanted.replace("m / 2", "twice(m) / 4")
    with pytest.raises(UnfitError) as error:
        make_polyglot_pair("Return half of a number.", helper + needs, "cpp", entry_point="half")
    assert error.value.reason == "missing_name"
    with pytest.raises(UnfitError) as error:
        make_polyglot_pair("Return half of a number.", main, "cpp")
    assert error.value.reason == "no_function"


def test_a_text_that_would_end_its_comment_is_refused():
    with pytest.raises(ValueError, match="mark of a comment"):
        comment_lines("a */ b", "java")
    assert comment_lines("a */ b", "go") == ["// a */ b"]
    assert comment_lines("a < b", "csharp")[1] == "/// a &lt; b"
    assert description("Do it.\n\\param x\nmore") == "Do it."


def test_folders_are_mined_in_the_languages_that_are_asked_for(tmp_path):
    (tmp_path / "LICENSE").write_text("MIT License")
    for language, source in FUNCTIONS.items():
        suffix = SYNTAXES[language].suffixes[0]
        (tmp_path / f"gaps{suffix}").write_text(source)
    (tmp_path / "gaps_test.go").write_text(FUNCTIONS["go"])
    (tmp_path / "gaps.min.js").write_text(FUNCTIONS["javascript"])
    assert mine([str(tmp_path)]).pairs == []
    some = mine([str(tmp_path)], languages=["go", "javascript", "rust"])
    assert [pair.language for pair in some.pairs] == ["go", "javascript", "rust"]
    assert summarise(some.dropped) == {"excluded_path": 2}
    assert {pair.licence for pair in some.pairs} == {"MIT"}
    every = mine([str(tmp_path)], languages=LANGUAGES)
    assert sorted(pair.language for pair in every.pairs) == sorted(FUNCTIONS)
    assert mine([str(tmp_path / "gaps.rb")]).pairs[0].language == "ruby"
    assert language_of(tmp_path / "setup.py") == "python"


def test_a_missing_grammar_names_the_extra(monkeypatch):
    monkeypatch.setitem(trees.WHEELS, "lua", "tree_sitter_of_nobody")
    trees.load_grammar.cache_clear()
    grammars.parser_of.cache_clear()
    with pytest.raises(EngineError, match="lua") as error:
        found(FUNCTIONS["lua"], "lua")
    assert "overproof[languages]" in error.value.hint
    trees.load_grammar.cache_clear()
    grammars.parser_of.cache_clear()
