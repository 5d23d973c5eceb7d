r"""Texts that tokenizers cut differently: digits, spaces, contractions, scripts, line ends.

>>> len(PROBE) > 8
True
"""

PROBE = (
    "def f(x):\n    return x ** 2\n\n\n\t# tabs\tand  two   three    spaces",
    "0 1 22 333 4444 55555 3.14159 1e-9 0xFF 1_000_000",
    "I'm you're WE'LL don't Don'T they'd",
    "camelCase snake_case SCREAMING_CASE kebab-case __dunder__",
    "naïve café — “quotes” … €100 £5",
    "日本語 と 中文 한국어 العربية हिन्दी",
    "line\r\nline\n\r\n  indented\n\n\nend ",
    "😀👩‍👩‍👧 ∑∫√ ≠ ≤",
    " leading and trailing ",
    "a+=b;c--;d&&e||!f?g:h->i::j<<=k>>>l",
)
