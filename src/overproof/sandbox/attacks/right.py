"""Right programs that use all of the language and of its library: all must pass.

>>> {attack.kind for attack in ATTACKS}, {attack.expect for attack in ATTACKS}
({'right'}, {('passed',)})
"""

from overproof.sandbox.attacks.attack import corpus

_SCRIPTS = {
    "plain": """
        # a function
        def add(a, b):
            return a + b
    """,
    "assigned_lambda": """
        # a function that has no def
        add = lambda a, b: a + b
    """,
    "callable_object": """
        # an object that can be called
        class Adder:
            def __call__(self, a, b): return a + b
        add = Adder()
    """,
    "bound_method": """
        # a method of an object
        class Solution:
            def add(self, a: int, b: int) -> int: return a + b
        add = Solution().add
    """,
    "partial": """
        # functools.partial and operator
        import functools, operator
        add = functools.partial(functools.reduce, operator.add)
        inner = add
        def add(a, b): return inner([a, b])
    """,
    "decorated": """
        # decorators with state
        import functools
        def counted(function):
            @functools.wraps(function)
            def wrapper(*arguments):
                wrapper.calls += 1
                return function(*arguments)
            wrapper.calls = 0
            return wrapper
        @counted
        def add(a, b): return a + b
    """,
    "cached": """
        # functools.lru_cache and cache
        import functools
        @functools.lru_cache(maxsize=None)
        def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
        @functools.cache
        def add(a, b): return a + b + fibonacci(90) - 2880067194370816120
    """,
    "closure": """
        # closures with nonlocal names
        def make():
            total = 0
            def add(a, b):
                nonlocal total
                total = a + b
                return total
            return add
        add = make()
    """,
    "global_counter": """
        # a global name that calls change
        calls = 0
        def add(a, b):
            global calls
            calls += 1
            return a + b + calls - calls
    """,
    "main_guard": """
        # a main guard that reads input
        def add(a, b): return a + b
        if __name__ == "__main__":
            import sys
            sys.exit(add(int(input()), int(input())))
    """,
    "main_guard_prints": """
        # a main guard with examples
        def add(a: int, b: int) -> int:
            return a + b


        if __name__ == "__main__":
            print(add(1, 2))
            assert add(1, 2) == 3
    """,
    "main_guard_binds_a_helper": """
        # a main guard that binds what the function needs
        def add(a, b): return helper(a, b)
        if __name__ == "__main__":
            def helper(a, b): return a + b
    """,
    "main_guard_binds_a_constant": """
        # a main guard that sets a constant
        def add(a, b): return a + b + OFFSET
        if __name__ == '__main__':
            OFFSET = 0
    """,
    "main_guard_binds_all": """
        # an entry point that is defined under the main guard
        if __name__ == "__main__":
            def add(a, b): return a + b
    """,
    "main_function_exits": """
        # a main function whose result is the exit status
        import argparse, sys
        def add(a, b): return a + b
        def main():
            parser = argparse.ArgumentParser()
            parser.add_argument("a", type=int)
            parser.parse_args()
            return 0
        if __name__ == "__main__":
            sys.exit(main())
    """,
    "doctest_under_guard": '''
        # doctest.testmod under the main guard
        def add(a, b):
            """Add.

            >>> add(2, 3)
            5
            """
            return a + b
        if __name__ == "__main__":
            import doctest
            doctest.testmod(verbose=True)
    ''',
    "doctest_in_a_call": '''
        # doctest run on the program's own docstring
        import doctest
        def add(a, b):
            """Add.

            >>> 2 + 3
            5
            """
            finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(verbose=False)
            for test in finder.find(add, "add", globs={}): runner.run(test)
            return a + b + runner.failures
    ''',
    "unittest_under_guard": """
        # unittest.main under the main guard
        import unittest
        def add(a, b): return a + b
        class AddTest(unittest.TestCase):
            def test_add(self): self.assertEqual(add(1, 2), 3)
        if __name__ == "__main__":
            unittest.main()
    """,
    "exit_at_the_end": """
        # an exit after all is defined
        import sys
        def add(a, b): return a + b
        sys.exit(0)
    """,
    "asserts_at_the_end": """
        # examples at the end of the module
        def add(a, b): return a + b
        assert add(1, 2) == 3
        print(add(3, 4))
    """,
    "future_import": """
        # an import from the future
        from __future__ import annotations
        def add(a: Unknown, b: int | None) -> "int": return a + b
    """,
    "typing_constructs": """
        # constructs of typing
        from typing import (Any, Callable, Generic, Literal, NamedTuple, NewType, Optional,
                            Protocol, TypedDict, TypeVar, Union, get_type_hints, overload)
        T = TypeVar("T")
        Number = NewType("Number", int)
        class Pair(NamedTuple):
            a: int
            b: int = 0
        class Options(TypedDict, total=False):
            sign: Literal[1, -1]
        class Adds(Protocol):
            def __call__(self, a: int, b: int) -> int: ...
        class Box(Generic[T]):
            def __init__(self, item: T) -> None: self.item = item
        @overload
        def add(a: int, b: int) -> int: ...
        @overload
        def add(a: str, b: str) -> str: ...
        def add(a: Any, b: Any) -> Any:
            get_type_hints(Box.__init__)
            return Box(Number(sum(Pair(a, b)))).item
    """,
    "modern_syntax": """
        # match, walrus, positional-only parameters, groups of exceptions
        def add(a, b, /, *, scale=1):
            try: raise ExceptionGroup("x", [ValueError(1), KeyError(2)])
            except* ValueError: pass
            except* KeyError: pass
            match [a, b]:
                case [int() as x, int() as y] if (total := x + y) is not None: return total * scale
                case _: return None
    """,
    "traceback_with_source": """
        # tracebacks that show the program's lines
        import traceback
        def add(a, b):
            try: raise ValueError("shown")
            except ValueError: text = traceback.format_exc()
            assert 'raise ValueError("shown")' in text
            return a + b
    """,
    "deep_recursion": """
        # recursion twenty thousand deep
        import sys
        sys.setrecursionlimit(30_000)
        def down(n): return 0 if n == 0 else 1 + down(n - 1)
        def add(a, b): return a + b + down(20_000) - 20_000
    """,
    "deep_recursion_in_a_thread": """
        # recursion in a thread with a large stack
        import sys, threading
        sys.setrecursionlimit(1 << 20)
        threading.stack_size(64 << 20)
        def down(n): return 0 if n == 0 else 1 + down(n - 1)
        def add(a, b):
            found = []
            thread = threading.Thread(target=lambda: found.append(down(50_000)))
            thread.start()
            thread.join()
            return a + b + found[0] - 50_000
    """,
    "catches_recursion": """
        # a RecursionError that is caught
        def down(n): return down(n + 1)
        def add(a, b):
            try: down(0)
            except RecursionError: return a + b
    """,
    "catches_exits": """
        # an exit that is caught
        import sys
        def add(a, b):
            try: sys.exit(3)
            except SystemExit: return a + b
    """,
    "catches_memory_error": """
        # a MemoryError that is caught
        def add(a, b):
            try: len("x" * (1 << 45))
            except (MemoryError, OverflowError): return a + b
    """,
    "pickles": """
        # dataclasses, pickle and copy
        import copy, dataclasses, pickle
        @dataclasses.dataclass(frozen=True, order=True, slots=True)
        class Pair:
            a: int
            b: int = dataclasses.field(default=0, compare=False)
        def add(a, b):
            pair = copy.deepcopy(pickle.loads(pickle.dumps(Pair(a, b))))
            return sum(dataclasses.astuple(pair))
    """,
    "warns": """
        # warnings, shown and caught
        import warnings
        warnings.warn("shown", DeprecationWarning)
        def add(a, b):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                warnings.warn("caught", UserWarning)
            return a + b if len(caught) == 1 else None
    """,
    "random": """
        # random with and without a seed, secrets, uuid
        import random, secrets, uuid
        def add(a, b):
            random.seed(1)
            items = random.sample(range(100), 10)
            random.SystemRandom().random()
            return a + b + 0 * (len(items) + secrets.randbelow(9) + uuid.uuid4().int)
    """,
    "decimal": """
        # decimal and its context, fractions
        import decimal, fractions
        def add(a, b):
            with decimal.localcontext() as context:
                context.prec = 50
                total = decimal.Decimal(a) + decimal.Decimal(b)
            return int(total + int(fractions.Fraction(1, 3) * 3) - 1)
    """,
    "containers": """
        # collections, heapq, bisect, itertools, array, enum
        import array, bisect, collections, enum, heapq, itertools
        class Sign(enum.IntEnum):
            plus = 1
        def add(a, b):
            heap = [b, a]
            heapq.heapify(heap)
            counter = collections.Counter(heap)
            queue = collections.deque(itertools.chain(heap, [0]), maxlen=5)
            ordered = array.array("q", sorted(queue))
            bisect.insort(ordered, 0)
            return sum(ordered) * Sign.plus + 0 * len(counter)
    """,
    "text_tools": """
        # re, json, csv, string, textwrap, hashlib, base64, struct
        import base64, csv, hashlib, io, json, re, string, struct, textwrap
        def add(a, b):
            text = json.dumps({"a": a, "b": b}, indent=1)
            numbers = [int(x) for x in re.findall(r"-?\\d+", text)]
            rows = list(csv.reader(io.StringIO(",".join(map(str, numbers)))))
            hashlib.sha256(base64.b64encode(text.encode())).hexdigest()
            textwrap.dedent(string.Template("$x").substitute(x=1))
            packed = struct.pack("<ii", *map(int, rows[0]))
            return sum(struct.unpack("<ii", packed))
    """,
    "executes_code": """
        # exec, eval, compile and ast
        import ast
        def add(a, b):
            space = {}
            exec(compile(ast.parse("def plus(a, b): return a + b"), "<made>", "exec"), space)
            return eval("plus(a, b)", space | {"a": a, "b": b})
    """,
    "metaprogramming": """
        # metaclasses, descriptors, slots, __getattr__ of the module
        def __getattr__(name): return 5
        class Meta(type):
            def __new__(cls, name, bases, space): return super().__new__(cls, name, bases, space)
        class Value:
            def __set_name__(self, owner, name): self.name = "_" + name
            def __get__(self, thing, owner=None): return getattr(thing, self.name)
            def __set__(self, thing, value): setattr(thing, self.name, value)
        class Pair(metaclass=Meta):
            __slots__ = ("_a", "_b")
            a, b = Value(), Value()
        def add(a, b):
            pair = Pair()
            pair.a, pair.b = a, b
            return pair.a + pair.b
    """,
    "weak_references": """
        # weakref, gc, finalizers and exit handlers
        import atexit, gc, weakref
        atexit.register(print, "bye")
        class Thing: pass
        def add(a, b):
            thing = Thing()
            seen = []
            weakref.finalize(thing, seen.append, 1)
            del thing
            gc.collect()
            return a + b if seen == [1] else None
    """,
    "own_exceptions": """
        # exceptions of its own, chained and with notes
        class OddError(ValueError): pass
        def add(a, b):
            try:
                try: raise OddError("odd")
                except OddError as error:
                    error.add_note("noted")
                    raise RuntimeError("later") from error
            except RuntimeError as error:
                return a + b if isinstance(error.__cause__, OddError) else None
    """,
    "numpy": """
        # numpy, where it is installed
        try: import numpy
        except ImportError: numpy = None
        def add(a, b):
            if numpy is None: return a + b
            rng = numpy.random.default_rng(0)
            matrix = rng.random((50, 50))
            numpy.linalg.inv(matrix @ matrix.T + numpy.eye(50))
            return numpy.array([a, b]).sum()
    """,
    "unicode_names": """
        # names and text beyond ASCII
        def hinzuf\u00fcgen(\u4e00, \u03b2): return \u4e00 + \u03b2
        def add(a, b): return hinzuf\u00fcgen(a, b) + len("\u00e9\U0001f600") - 2
    """,
    "form_feed": """
        # a form feed between the parts of a module
        import math
        \x0c
        def add(a, b): return a + b + int(math.sin(0))
    """,
    "shadows_built_ins": """
        # built-in names used for its own purposes
        sum = 0
        list = dict = str = input = None
        def len(a, b): return a + b
        def add(a, b): return len(a, b)
    """,
    "named_like_modules": """
        # names of modules used for functions
        def json(a, b): return a + b
        def socket(): pass
        def candidate(): pass
        def check(): pass
        def add(a, b): return json(a, b)
    """,
    "long_program": "# two thousand functions\n"
    + "".join(f"def f{n}(x): return x + {n}\n" for n in range(2000))
    + "def add(a, b): return f0(a) + b\n",
}

ATTACKS = corpus("right", _SCRIPTS, expect=("passed",))
