"""Programs from answers in other languages: whole, begun, and with braces that are none."""

import pytest

from overproof.engines.foreign import assemble
from overproof.languages import load_language

C_LIKE = "// Doubles.\n// f(1) == 2\nint f(int x) {\n"


@pytest.mark.parametrize(
    ("name", "prompt", "code", "expected"),
    [
        ("cpp", C_LIKE, "    return 2 * x;", C_LIKE + "    return 2 * x;\n}\n"),
        ("cpp", C_LIKE, "    return 2 * x;\n}\n}\n", C_LIKE + "    return 2 * x;\n}\n"),
        (
            "cpp",
            "#include <vector>\n" + C_LIKE,
            "#include <vector>\nint f(int x) {\n    return x + x;\n}",
            "#include <vector>\nint f(int x) {\n    return x + x;\n}\n",
        ),
        (
            "javascript",
            "// One.\nfunction longest(a){\n",
            "    let longest = a[0];\n    return '}' + longest;",
            "// One.\nfunction longest(a){\n    let longest = a[0];\n"
            "    return '}' + longest;\n}\n",
        ),
        (
            "bash",
            "# Length.\nf() {\n",
            '    echo "${#1} ${x//{/b}" # }\n    [ $# -gt 0 ]\n',
            '# Length.\nf() {\n    echo "${#1} ${x//{/b}" # }\n    [ $# -gt 0 ]\n}\n',
        ),
        (
            "java",
            "import java.util.*;\nclass Problem {\n    // One.\n    public static long f() {\n",
            "        return 1;",
            "import java.util.*;\nclass Problem {\n    // One.\n    public static long f() {\n"
            "        return 1;\n    }\n}\n",
        ),
        (
            "java",
            "import java.util.*;\nclass Problem {\n    // One.\n    public static long f() {\n",
            "class Problem {\n    public static long f() {\n        return 1;\n    }\n}",
            "import java.util.*;\nclass Problem {\n    public static long f() {\n"
            "        return 1;\n    }\n}\n",
        ),
        ("lua", "function f()\n", "  return 1\nend\n", "function f()\n  return 1\nend\n"),
        ("rust", "fn f() -> u8 {\n", "", ""),
    ],
)  # fmt: skip
def test_a_program_is_the_prompt_and_what_it_lacks(
    name: str, prompt: str, code: str, expected: str
) -> None:
    entry_point = "longest" if "longest" in prompt else "f"
    assert assemble(prompt, code, entry_point, load_language(name)) == expected


def test_a_helper_of_the_prompt_stays_before_a_whole_answer() -> None:
    prompt = "fn helper(x: i64) -> i64 {\n    x\n}\n\n/// One.\nfn f() -> i64 {\n"
    code = "fn f() -> i64 {\n    helper(1)\n}\n"
    program = assemble(prompt, code, "f", load_language("rust"))
    assert program == "fn helper(x: i64) -> i64 {\n    x\n}\n" + code
