r"""Loops of a half-written body, written as other loops that run the same steps.

    for i in range(a, b):    i = a; while i < b: …; i += 1      nothing else touches i or b
    for x in xs:             remaining = list(xs); while remaining: x = remaining.pop(0); …
    while condition:         while True: if not condition: break; …

A loop is left as it is if its body changes what it runs over, or if that might never end.

Not covered: an iterator whose reading has side effects that the body sees.

    >>> half = Half("def f(n):\n  for i in range(n):\n    print(i)\n  return\n", "f", 10, 44)
    >>> print(rewrite_loops(half).partial, end="")
      i = 0
      while i < n:
        print(i)
        i += 1
"""

# ruff: noqa: N802 (the tree calls methods by the names of its nodes)

from collections.abc import Iterator, Sequence
from functools import lru_cache

import libcst as cst
import libcst.matchers as m

from overproof.perturbation.code.conditions import in_parentheses
from overproof.perturbation.code.halves import Half, Rewriter, marked_tree, rewrite_tree
from overproof.perturbation.source import fresh_name

ENDLESS = ("count", "cycle", "repeat", "iter")
"""Calls whose result may never end."""

STEADY = ("len", "min", "max", "abs", "int", "sum", "round")
PURE_CALL = m.OneOf(
    m.Call(func=m.Attribute(value=m.Name("math"))),
    *(m.Call(func=m.Name(name)) for name in STEADY),
)
"""Calls that give the same as long as their arguments do."""

Bounds = tuple[cst.BaseExpression, cst.BaseExpression, int]
"""Start, stop and step of a loop over an index."""


@lru_cache(maxsize=1024)
def rewrite_loops(half: Half) -> Half | None:
    """Write every loop that begins in the first half as another one."""
    return rewrite_tree(half, _Loops(half))


class _Loops(Rewriter):
    """Rewrites the loops of a half, inner ones first."""

    def __init__(self, half: Half) -> None:
        super().__init__(half)
        self.names: dict[int, str] = {}
        self.bounds: dict[int, Bounds] = {}

    def visit_For(self, node: cst.For) -> None:
        # Outer loops come first here, so the names count up from the outside.
        if not self.whole or node.asynchronous is not None or _may_not_end(node):
            return
        tree = marked_tree(self.half)
        assert tree is not None, "a walk has a tree"
        bounds = _bounds(node, tree)
        if bounds is not None:
            self.bounds[id(node)] = bounds
        else:
            taken = self.names.values()
            self.names[id(node)] = fresh_name(self.half.program, "remaining", taken)

    def leave_For(
        self, original_node: cst.For, updated_node: cst.For
    ) -> cst.For | cst.FlattenSentinel[cst.BaseStatement]:
        key = id(original_node)
        if key in self.bounds:
            first, loop = _count_up(updated_node, *self.bounds[key])
        elif key in self.names:
            first, loop = _take_off(updated_node, self.names[key])
        else:
            return updated_node
        line = cst.SimpleStatementLine([first], leading_lines=updated_node.leading_lines)
        return cst.FlattenSentinel([line, loop])

    def leave_While(self, original_node: cst.While, updated_node: cst.While) -> cst.While:
        test = updated_node.test
        if updated_node.orelse is not None or m.matches(test, m.Name("True") | m.Integer()):
            return updated_node
        stop = cst.UnaryOperation(cst.Not(), in_parentheses(test))
        leave = cst.If(stop, cst.IndentedBlock([cst.SimpleStatementLine([cst.Break()])]))
        body = _with_statements(updated_node.body, [leave], [])
        space = updated_node.whitespace_after_while
        return updated_node.with_changes(
            test=cst.Name("True"),
            body=body,
            whitespace_after_while=cst.SimpleWhitespace(" ") if space.empty else space,
        )


def _take_off(loop: cst.For, name: str) -> tuple[cst.Assign, cst.While]:
    """Return a `while` loop over what remains of a list, and the assignment before it."""
    items = loop.iter
    if isinstance(items, cst.Tuple):
        items = in_parentheses(items)
    assign = _assign(cst.Name(name), cst.Call(cst.Name("list"), [cst.Arg(items)]))
    taken = cst.Call(cst.Attribute(cst.Name(name), cst.Name("pop")), [cst.Arg(cst.Integer("0"))])
    body = _with_statements(loop.body, [_line(_assign(loop.target, taken))], [])
    return assign, cst.While(cst.Name(name), body, loop.orelse)


def _count_up(
    loop: cst.For, start: cst.BaseExpression, stop: cst.BaseExpression, step: int
) -> tuple[cst.Assign, cst.While]:
    """Return a `while` loop over an index, and the assignment before it."""
    operator = cst.LessThan() if step > 0 else cst.GreaterThan()
    test = cst.Comparison(loop.target, [cst.ComparisonTarget(operator, stop)])
    change = cst.AddAssign() if step > 0 else cst.SubtractAssign()
    assert isinstance(loop.target, cst.Name), "only a name is counted up"
    last = _line(cst.AugAssign(loop.target, change, cst.Integer(str(abs(step)))))
    body = _with_statements(loop.body, [], [last])
    return _assign(loop.target, start), cst.While(test, body, loop.orelse)


def _bounds(loop: cst.For, tree: cst.Module) -> Bounds | None:
    """Return start, stop and step of a `range` that can be counted up; None if unsure.

    Its stop must give the same each time that it is read, the index must not be touched in the
    loop nor be read after it, and no `continue` may skip the step.
    """
    items, index = loop.iter, loop.target
    if not isinstance(index, cst.Name) or not isinstance(items, cst.Call):
        return None
    if not m.matches(items.func, m.Name("range")) or any(a.star or a.keyword for a in items.args):
        return None
    values = [arg.value for arg in items.args]
    start = cst.Integer("0") if len(values) == 1 else values[0]
    stop = values[0] if len(values) == 1 else values[1]
    step = tree.code_for_node(values[2]) if len(values) == 3 else "1"
    calls = m.findall(stop, m.Call() | m.NamedExpr() | m.Await() | m.Lambda())
    steady = all(m.matches(call, PURE_CALL) for call in calls)
    if not steady or not step.removeprefix("-").isdigit() or int(step) == 0:
        return None
    touched = _is_changed_in(loop.body, {index.value, *_names(stop)})
    late = _reads_late(loop, index.value) or _free_uses(tree, index.value)
    return None if touched or late or _continues(loop.body) else (start, stop, int(step))


def _may_not_end(loop: cst.For) -> bool:
    """Return whether a loop may go on for ever, or changes what it runs over."""
    called = [call for call in m.findall(loop.iter, m.Call()) if isinstance(call, cst.Call)]
    ends = [call.func for call in called]
    names = {name.value for name in ends if isinstance(name, cst.Name)}
    names |= {each.attr.value for each in ends if isinstance(each, cst.Attribute)}
    if names & set(ENDLESS):
        return True
    if m.matches(loop.iter, m.Call(func=m.Name("range"))):
        return False
    return _is_changed_in(loop.body, set(_names(loop.iter)), rebound=False)


def _is_changed_in(body: cst.CSTNode, names: set[str], *, rebound: bool = True) -> bool:
    """Return whether a block may change the values of names: rebinds, methods, items.

    With `rebound` off, a name may be given a new value: who holds the old one sees no change.
    """
    if not names:
        return False
    named = m.OneOf(*(m.Name(name) for name in sorted(names)))
    part = m.Subscript(value=named) | m.Attribute(value=named)
    stored = m.AssignTarget(target=part) | m.AugAssign(target=part) | m.Del(target=part)
    method = m.Call(func=m.Attribute(value=named, attr=m.Name() & ~_reading()))
    if m.findall(body, stored | method | m.AugAssign(target=named)):
        return True
    if not rebound:
        return False
    inner = [m.AssignTarget(), m.AnnAssign(), m.NamedExpr(), m.For(), m.CompFor(), m.AsName()]
    for node in m.findall(body, m.OneOf(*inner)):
        target = node.name if isinstance(node, cst.AsName) else node.target  # type: ignore[attr-defined]
        if m.findall(target, named):
            return True
    return False


def _reading() -> m.Name:
    """Return what matches the methods that change nothing."""
    harmless = {
        *("count", "index", "get", "keys", "values", "items", "copy", "union"),
        *(name for name in dir(str) if not name.startswith("_")),
    }
    return m.Name(m.MatchIfTrue(lambda name: name in harmless))


def _continues(body: cst.CSTNode) -> bool:
    """Return whether a loop's block has a `continue` of its own."""
    inner = m.findall(body, m.For() | m.While())
    nested = {id(node) for loop in inner for node in m.findall(loop, m.Continue())}
    return any(id(node) not in nested for node in m.findall(body, m.Continue()))


def _reads_late(loop: cst.For, name: str) -> bool:
    """Return whether a nested function reads the index, maybe after the loop."""
    late = m.findall(loop.body, m.Lambda() | m.FunctionDef() | m.Yield())
    return any(isinstance(n, cst.Yield) or m.findall(n, m.Name(name)) for n in late)


def _free_uses(tree: cst.Module, name: str) -> bool:
    """Return whether a name is used outside every loop that binds it."""
    binders = m.For(target=m.Name(name)) | m.CompFor(target=m.Name(name))
    scopes = [*m.findall(tree, m.For(target=m.Name(name)))]
    for node in m.findall(tree, m.ListComp() | m.SetComp() | m.DictComp() | m.GeneratorExp()):
        if m.findall(node, binders):
            scopes.append(node)
    within = {id(use) for scope in scopes for use in m.findall(scope, m.Name(name))}
    return any(id(use) not in within for use in m.findall(tree, m.Name(name)))


def _names(node: cst.CSTNode) -> Iterator[str]:
    """Yield the names in an expression."""
    for name in m.findall(node, m.Name()):
        if isinstance(name, cst.Name):
            yield name.value


def _with_statements(
    body: cst.BaseSuite, first: Sequence[cst.BaseStatement], last: Sequence[cst.BaseStatement]
) -> cst.IndentedBlock:
    """Return a block with statements put before and after its own."""
    if isinstance(body, cst.IndentedBlock):
        return body.with_changes(body=[*first, *body.body, *last])
    assert isinstance(body, cst.SimpleStatementSuite), "the other kind of block"
    line = cst.SimpleStatementLine(body.body, trailing_whitespace=body.trailing_whitespace)
    return cst.IndentedBlock([*first, line, *last])


def _assign(target: cst.BaseExpression, value: cst.BaseExpression) -> cst.Assign:
    """Return an assignment."""
    assert isinstance(target, cst.BaseAssignTargetExpression), "what a loop binds"
    return cst.Assign([cst.AssignTarget(target)], value)


def _line(statement: cst.BaseSmallStatement) -> cst.SimpleStatementLine:
    """Return a statement on a line of its own."""
    return cst.SimpleStatementLine([statement])
