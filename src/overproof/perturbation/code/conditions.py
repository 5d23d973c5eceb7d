r"""Conditions of a half-written body: negated with their branches swapped, or oddly put.

    if c: A else: B     if not c: B else: A
    x if c else y       y if not c else x
    if c:               if not not c:        and more such forms

`a == b` is negated as `a != b`; `a < b` as `a >= b` only between whole numbers, for sets and NaN
are not ordered, and as `not (a < b)` otherwise.

Not covered: operators overloaded by classes of the program itself; the gold run refuses those.

    >>> half = Half("def f(n):\n  if n < 0:\n    n = -n\n  return n\n", "f", 10, 33)
    >>> print(swap_branches(half).partial, end="")
      if not (n < 0):
        pass
      else:
        n = -n
"""

# ruff: noqa: N802 (the tree calls methods by the names of its nodes)

import ast
import random
from functools import lru_cache

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider

from overproof.perturbation.code.halves import Half, Rewriter, rewrite_tree
from overproof.perturbation.code.values import Values, values_of
from overproof.perturbation.draft import pick, share, shuffled
from overproof.perturbation.source import Edit, Positions

OPPOSITE: dict[type[cst.BaseCompOp], type[cst.BaseCompOp]] = {
    cst.Equal: cst.NotEqual,
    cst.NotEqual: cst.Equal,
    cst.In: cst.NotIn,
    cst.NotIn: cst.In,
    cst.Is: cst.IsNot,
    cst.IsNot: cst.Is,
}
OPPOSITE_OF_NUMBERS: dict[type[cst.BaseCompOp], type[cst.BaseCompOp]] = {
    cst.LessThan: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.LessThan,
    cst.GreaterThan: cst.LessThanEqual,
    cst.LessThanEqual: cst.GreaterThan,
}

FORMS = (
    "not not {}", "not (not {})", "{} and True", "True and {}", "{} or False", "False or {}",
    "(True if {} else False)", "(False if not {} else True)", "(not {}) is False",
    "(not {}) is not True", "bool({})", "bool({}) is True", "bool({}) is not False",
    "bool({}) == True", "bool({}) != False", "not bool(not {})", "any([{}])", "all([{}])",
)  # fmt: skip
"""Conditions that hold exactly when the one in braces does."""


@lru_cache(maxsize=1024)
def swap_branches(half: Half) -> Half | None:
    """Negate conditions and swap what follows; empty branches only if there are no others."""
    both = rewrite_tree(half, _Branches(half, empty=False))
    return both or rewrite_tree(half, _Branches(half, empty=True))


def odd_conditions(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Write a share of the first half's conditions in an odd form."""
    program, found = half.program, conditions(half)
    edits: list[Edit] = []
    for start, end, bare in shuffled(rng, found)[: share(intensity, len(found))]:
        before, after = pick(rng, FORMS).split("{}")
        if not bare and not before.endswith(("(", "[")):
            before, after = f"{before}(", f"){after}"
        gap = " " if program[start - 1].isalnum() else ""
        tail = " " if program[end : end + 1].isalnum() else ""
        edits += [(start, start, gap + before), (end, end, after + tail)]
    return half.edited(edits) if edits else None


@lru_cache(maxsize=1024)
def conditions(half: Half) -> tuple[tuple[int, int, bool], ...]:
    """Return start and end of each condition of the first half, and whether it is one piece.

    Parentheses around it belong to it.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(half.program), unsafe_skip_copy=True)
    except cst.ParserSyntaxError:
        return ()
    ranges = wrapper.resolve(PositionProvider)
    starts = Positions(half.program).starts

    def offset(node: cst.CSTNode, *, end: bool = False) -> int:
        place = ranges[node].end if end else ranges[node].start
        return starts[place.line - 1] + place.column

    found = []
    for node in m.findall(wrapper.module, m.If() | m.While() | m.IfExp() | m.CompIf()):
        test = node.test  # type: ignore[attr-defined]
        start = offset(test.lpar[0] if test.lpar else test)
        end = offset(test.rpar[-1] if test.rpar else test, end=True)
        constant = m.matches(test, m.Name("True") | m.Name("False") | m.Integer())
        if half.body <= start and end <= half.cut and not constant:
            found.append((start, end, _is_one_piece(test)))
    return tuple(sorted(set(found)))


class _Branches(Rewriter):
    """Swaps the branches of a half; with `empty`, those of an `if` without `else`."""

    def __init__(self, half: Half, *, empty: bool) -> None:
        super().__init__(half)
        self.empty = empty
        self.values = values_of(half.function)

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> cst.If:
        other = updated_node.orelse
        if not self.whole or (other is None) != self.empty:
            return updated_node
        if isinstance(other, cst.If):
            # `elif` becomes an `if` of its own in the block that now comes first.
            block: cst.BaseSuite = cst.IndentedBlock([other])
            last = cst.Else(updated_node.body)
        elif other is None:
            block = cst.IndentedBlock([cst.SimpleStatementLine([cst.Pass()])])
            last = cst.Else(updated_node.body)
        else:
            block, last = other.body, other.with_changes(body=updated_node.body)
        return updated_node.with_changes(
            test=negated(updated_node.test, self.values),
            body=block,
            orelse=last,
            whitespace_before_test=_one_space(updated_node.whitespace_before_test),
        )

    def leave_IfExp(self, original_node: cst.IfExp, updated_node: cst.IfExp) -> cst.IfExp:
        if not self.whole or self.empty or isinstance(updated_node.orelse, cst.IfExp):
            return updated_node
        return updated_node.with_changes(
            test=negated(updated_node.test, self.values),
            body=updated_node.orelse,
            orelse=updated_node.body,
        )


def negated(test: cst.BaseExpression, values: Values) -> cst.BaseExpression:
    """Return a condition that holds exactly when another does not."""
    match test:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            return inner
        case cst.Comparison(comparisons=[cst.ComparisonTarget(operator=operator) as target]):
            opposite = OPPOSITE.get(type(operator))
            if opposite is None and _are_numbers(test, values):
                opposite = OPPOSITE_OF_NUMBERS.get(type(operator))
            if opposite is not None:
                turned = target.with_changes(operator=in_place_of(operator, opposite))
                return test.with_changes(comparisons=[turned])
    return cst.UnaryOperation(cst.Not(), in_parentheses(test))


def in_place_of(operator: cst.BaseCompOp, kind: type[cst.BaseCompOp]) -> cst.BaseCompOp:
    """Return another operator with the white space of the one that it replaces."""
    sides = ("whitespace_before", "whitespace_after")
    return kind().with_changes(**{side: getattr(operator, side) for side in sides})


def in_parentheses(node: cst.BaseExpression) -> cst.BaseExpression:
    """Return an expression that can stand after `not` or an operator."""
    if _is_one_piece(node):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _is_one_piece(node: cst.BaseExpression) -> bool:
    """Return whether an expression needs no parentheses anywhere."""
    atoms = cst.Name | cst.Call | cst.Subscript | cst.Attribute | cst.Integer | cst.Float
    displays = cst.SimpleString | cst.FormattedString | cst.List | cst.Dict | cst.ListComp
    return bool(node.lpar) or isinstance(node, atoms | displays)


def _are_numbers(test: cst.Comparison, values: Values) -> bool:
    """Return whether both sides of a comparison are whole numbers."""
    sides = [test.left, *(each.comparator for each in test.comparisons)]
    return all(values.is_number(tree_of(side)) for side in sides)


@lru_cache(maxsize=1024)
def _tree_of_text(text: str) -> ast.expr:
    """Return Python's own tree of an expression's source."""
    return ast.parse(f"({text})", mode="eval").body


def tree_of(node: cst.BaseExpression) -> ast.expr:
    """Return Python's own tree of an expression."""
    return _tree_of_text(cst.Module([]).code_for_node(node))


def _one_space(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """Return the white space, or one blank where there was none."""
    return cst.SimpleWhitespace(" ") if space.empty else space
