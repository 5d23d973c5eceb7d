r"""Comparisons and assignments of a half-written body, written the other way.

    a < b            b > a
    x += 1           x = x + 1
    a, b = 0, 1      two lines

A place is left as it is where the order of evaluation, aliasing or a second evaluation could
matter to Python's own types: `xs += ys` changes a list that others may hold, `xs = xs + ys`
makes a new one.

Not covered: operators overloaded by classes of the program itself; the gold run refuses those.

    >>> half = Half("def f(n):\n  if 0 < n:\n    n -= 1\n  return n\n", "f", 10, 33)
    >>> print(swap_operands(half).partial, end="")
      if n > 0:
        n -= 1
    >>> print(expand_assignments(half).partial, end="")
      if 0 < n:
        n = n - 1
"""

# ruff: noqa: N802 (the tree calls methods by the names of its nodes)

from functools import lru_cache

import libcst as cst
import libcst.matchers as m

from overproof.perturbation.code.conditions import in_parentheses, in_place_of, tree_of
from overproof.perturbation.code.halves import Half, Rewriter, rewrite_tree
from overproof.perturbation.code.values import values_of

MIRRORED: dict[type[cst.BaseCompOp], type[cst.BaseCompOp]] = {
    cst.LessThan: cst.GreaterThan,
    cst.GreaterThan: cst.LessThan,
    cst.LessThanEqual: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.LessThanEqual,
    cst.Equal: cst.Equal,
    cst.NotEqual: cst.NotEqual,
}
OPERATIONS: dict[type[cst.BaseAugOp], type[cst.BaseBinaryOp]] = {
    cst.AddAssign: cst.Add,
    cst.SubtractAssign: cst.Subtract,
    cst.MultiplyAssign: cst.Multiply,
    cst.DivideAssign: cst.Divide,
    cst.FloorDivideAssign: cst.FloorDivide,
    cst.ModuloAssign: cst.Modulo,
    cst.PowerAssign: cst.Power,
}
PURE = frozenset(
    {"len", "sum", "min", "max", "abs", "int", "str", "float", "bool", "ord", "chr", "round"}
    | {"sorted", "set", "list", "tuple", "dict", "range", "isinstance", "type", "bin", "hex"}
    | {"lower", "upper", "strip", "split", "count", "index", "find", "startswith", "endswith"}
    | {"join", "isdigit", "isalpha", "isupper", "islower", "isspace", "get", "keys", "values"}
    | {"items", "replace", "swapcase", "title", "rstrip", "lstrip", "sqrt", "floor", "ceil"}
)
"""Functions and methods of Python's own types that change nothing."""


@lru_cache(maxsize=1024)
def swap_operands(half: Half) -> Half | None:
    """Turn the first half's comparisons around."""
    return rewrite_tree(half, _Operands(half))


@lru_cache(maxsize=1024)
def expand_assignments(half: Half) -> Half | None:
    """Write the first half's shortened assignments out."""
    return rewrite_tree(half, _Assignments(half))


class _Operands(Rewriter):
    """Turns comparisons around where both sides can be evaluated in either order."""

    def leave_Comparison(
        self, original_node: cst.Comparison, updated_node: cst.Comparison
    ) -> cst.Comparison:
        targets = updated_node.comparisons
        sides = [updated_node.left, *(each.comparator for each in targets)]
        operators = [each.operator for each in targets]
        known = all(type(operator) in MIRRORED for operator in operators)
        # The last side of a chain is only evaluated if the rest holds: it must not fail.
        chained = len(sides) > 2 and not all(isinstance(side, cst.Name | cst.Integer)
                                             for side in sides)  # fmt: skip
        if not known or chained or not _in_any_order(sides):
            return updated_node
        turned = [
            cst.ComparisonTarget(in_place_of(operator, MIRRORED[type(operator)]), side)
            for operator, side in zip(reversed(operators), reversed(sides[:-1]), strict=True)
        ]
        return updated_node.with_changes(left=sides[-1], comparisons=turned)


class _Assignments(Rewriter):
    """Writes `+=` and its like out, and gives each name of a tuple a line."""

    def __init__(self, half: Half) -> None:
        super().__init__(half)
        self.values = values_of(half.function)

    def leave_AugAssign(
        self, original_node: cst.AugAssign, updated_node: cst.AugAssign
    ) -> cst.AugAssign | cst.Assign:
        target, value = updated_node.target, updated_node.value
        operation = OPERATIONS.get(type(updated_node.operator))
        # Only a number can take a number; but `xs *= 2` works on lists as well.
        number = not isinstance(updated_node.operator, cst.MultiplyAssign) and (
            self.values.is_number(tree_of(value))
        )
        scalar = isinstance(target, cst.Name) and target.value in self.values.scalars
        again = isinstance(target, cst.Name) or (
            isinstance(target, cst.Subscript) and not m.findall(target, m.Call() | m.NamedExpr())
        )
        if operation is None or not again or not (number or scalar):
            return updated_node
        right = value if isinstance(value, cst.Yield) else in_parentheses(value)
        if isinstance(right, cst.Yield) and not right.lpar:
            return updated_node
        written = cst.BinaryOperation(target, operation(), right)
        return cst.Assign([cst.AssignTarget(target)], written, semicolon=updated_node.semicolon)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.BaseStatement]:
        match updated_node.body:
            case [
                cst.Assign(
                    targets=[cst.AssignTarget(target=cst.Tuple(elements=targets))],
                    value=cst.Tuple(elements=values),
                )
            ] if len(targets) == len(values):
                pairs = list(
                    zip((t.value for t in targets), (v.value for v in values), strict=True)
                )
                if not _are_independent(pairs):
                    return updated_node
            case _:
                return updated_node
        lines = [
            cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(name)], value)])
            for name, value in pairs
            if isinstance(name, cst.Name)
        ]
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated_node.trailing_whitespace)
        return cst.FlattenSentinel(lines)


def _are_independent(pairs: list[tuple[cst.BaseExpression, cst.BaseExpression]]) -> bool:
    """Return whether names can get their values one after the other."""
    bound: list[str] = []
    for name, value in pairs:
        if not isinstance(name, cst.Name) or not _is_pure(value):
            return False
        if bound and m.findall(value, m.OneOf(*(m.Name(each) for each in bound))):
            return False
        bound.append(name.value)
    return True


def _in_any_order(sides: list[cst.BaseExpression]) -> bool:
    """Return whether the order in which expressions are evaluated can't matter."""
    doubtful = [side for side in sides if not _is_pure(side)]
    fixed = cst.Integer | cst.Float | cst.SimpleString
    others = [side for side in sides if side not in doubtful]
    return not doubtful or (len(doubtful) == 1 and all(isinstance(o, fixed) for o in others))


def _is_pure(node: cst.BaseExpression) -> bool:
    """Return whether an expression only reads, as far as its calls are known."""
    if m.findall(node, m.NamedExpr() | m.Await() | m.Yield() | m.Lambda()):
        return False
    called = [call.func for call in m.findall(node, m.Call()) if isinstance(call, cst.Call)]
    names = [
        each.attr.value if isinstance(each, cst.Attribute) else getattr(each, "value", "")
        for each in called
    ]
    return all(name in PURE for name in names)
