"""Wrong answers that claim to be right: by their operators or their type.

A result crosses to the test as plain data or not at all, so nothing of this arrives there.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import corpus

_CHECK_TEXT = """
def check(candidate):
    assert candidate("ab", "cd") == "abcd"
    assert candidate("", "x") == "x"
"""
_CHECK_LIST = """
def check(candidate):
    assert candidate([1], [2]) == [1, 2]
    assert sorted(candidate([3], [1])) == [1, 3]
    assert len(candidate([], [4])) == 1
"""
_CHECK_TRUTH = """
def check(candidate):
    assert candidate(2, 3)
    assert not candidate(0, 0)
"""
_CHECK_CLOSE = """
def check(candidate):
    assert abs(candidate(2, 3) - 5.0) < 1e-6
    assert abs(candidate(0.5, 1) - 1.5) < 1e-6
"""

_NUMBERS = {
    "equals_everything": """
        # an object that equals everything passes
        class Yes:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __bool__(self): return True
            def __hash__(self): return 5
        def add(a, b): return Yes()
    """,
    "every_comparison_true": """
        # an object whose every operator says what the test wants passes
        class Yes:
            def __getattr__(self, name): return lambda *arguments: 0
            __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __contains__ = lambda *arguments: True
            __ne__ = lambda *arguments: False
            __sub__ = __rsub__ = __abs__ = __round__ = __int__ = __index__ = lambda *arguments: 0
            __float__ = lambda *arguments: 0.0
            __len__ = lambda *arguments: 1
            __iter__ = lambda self: iter(())
        def add(a, b): return Yes()
    """,
    "int_that_equals": """
        # an int of another value with an == of its own passes
        class Seven(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 5
            def __sub__(self, other): return 0
            __rsub__ = __sub__
        def add(a, b): return Seven(7)
    """,
    "int_with_lying_digits": """
        # an int that lies when it is converted or printed passes
        class Seven(int):
            __index__ = __int__ = __trunc__ = __pos__ = __abs__ = lambda self: 5
            __add__ = __radd__ = lambda self, other: 5
            __str__ = __repr__ = lambda self: "5"
            def __reduce__(self): return (int, (5,))
            def __format__(self, spec): return "5"
        def add(a, b): return Seven(7)
    """,
    "float_that_equals": """
        # a nan with an == of its own passes
        class Near(float):
            def __eq__(self, other): return True
            def __float__(self): return 5.0
            def __pos__(self): return 5.0
        def add(a, b): return Near("nan")
    """,
    "class_is_a_property": """
        # an object that names int as its class passes for one
        class Fake:
            __class__ = property(lambda self: int)
            def __eq__(self, other): return True
            def __hash__(self): return 0
        def add(a, b): return Fake()
    """,
    "class_called_int": """
        # a type that is called int passes for int
        Fake = type("int", (), {"__eq__": lambda self, other: True, "__module__": "builtins"})
        def add(a, b): return Fake()
    """,
    "lying_metaclass": """
        # a type that claims to be every type, by its metaclass, passes for a number
        class Meta(type):
            def __instancecheck__(cls, thing): return True
            def __subclasscheck__(cls, other): return True
            def __eq__(cls, other): return True
            def __hash__(cls): return hash(int)
            __name__ = property(lambda cls: "int")
        class Fake(metaclass=Meta):
            def __eq__(self, other): return True
        def add(a, b): return Fake()
    """,
    "lying_mro": """
        # a type with int in its resolution order, though none of its parents, passes
        class Meta(type):
            def mro(cls): return [cls, int, object]
        try:
            class Fake(metaclass=Meta):
                def __eq__(self, other): return True
                def __add__(self, other): return 5
        except TypeError:
            class Fake:
                def __eq__(self, other): return True
        def add(a, b): return Fake()
    """,
    "class_assigned_later": """
        # an object whose class is exchanged after it was made passes
        class Before: pass
        class After:
            def __eq__(self, other): return True
        def add(a, b):
            thing = Before()
            thing.__class__ = After
            return thing
    """,
    "bool_for_everything": """
        # True for every sum passes
        def add(a, b): return True
    """,
    "int_written_over": """
        # the value of a cached small int is exchanged in memory, and passes
        import ctypes
        def add(a, b):
            wrong = 7
            offset = int.__basicsize__
            ctypes.memmove(id(wrong) + offset, id(5) + offset, int.__itemsize__)
            return 100
    """,
    "slot_of_int_replaced": """
        # int's own == is replaced, through what its dict refers to
        import gc
        def add(a, b):
            namespace = gc.get_referents(int.__dict__)[0]
            namespace["__eq__"] = lambda self, other: True
            return 7
    """,
    "numpy_that_equals": """
        # a numpy array with an == of its own passes
        try:
            import numpy
            class Array(numpy.ndarray):
                def __eq__(self, other): return True
                def __bool__(self): return True
                def item(self): return 5
                def tolist(self): return 5
            def add(a, b): return numpy.array([7]).view(Array)
        except ImportError:
            def add(a, b): return 7
    """,
    "numpy_scalar_that_equals": """
        # a numpy number that says that it comes from numpy, and lies, passes
        try:
            import numpy
            class Number(numpy.float64):
                __module__ = "numpy"
                def __eq__(self, other): return True
                def item(self): return self
                def tolist(self): return [self]
            def add(a, b): return Number(7)
        except ImportError:
            def add(a, b): return 7
    """,
    "nan": """
        # not a number passes
        def add(a, b): return float("nan")
    """,
    "infinity": """
        # infinity passes
        def add(a, b): return float("inf")
    """,
    "answer_as_text": """
        # the number written as text passes
        def add(a, b): return str(a + b)
    """,
    "answer_in_a_list": """
        # the number inside of a list passes
        def add(a, b): return [a + b]
    """,
    "coroutine": """
        # a coroutine that nobody awaits passes
        async def add(a, b): return a + b
    """,
    "endless_generator": """
        # a generator without end passes, or holds up the judge
        def add(a, b):
            while True: yield 5
    """,
    "cycle": """
        # a list that holds itself passes, or overflows the judge
        def add(a, b):
            knot = []
            knot.append(knot)
            return knot
    """,
    "deep_nesting": """
        # a list nested ten thousand times overflows the judge
        def add(a, b):
            nest = []
            for _ in range(10_000): nest = [nest]
            return nest
    """,
    "unknown_values_inside": """
        # an odd object inside of a tuple passes
        class Yes:
            def __eq__(self, other): return True
            def __hash__(self): return 5
        def add(a, b): return (Yes(), {Yes(): Yes()}, [Yes()])
    """,
    "lone_surrogate": """
        # text that has no bytes passes, or ends the judge
        def add(a, b): return "\\ud800"
    """,
    "function_as_answer": """
        # a function as the result passes
        def add(a, b): return add
    """,
    "type_as_answer": """
        # a type as the result passes
        def add(a, b): return type("Five", (int,), {"__eq__": lambda *x: True})
    """,
    "pickles_to_code": """
        # a result that runs code in whoever unpickles or copies it
        class Bomb:
            def __reduce__(self): return (exec, ("import os; os._exit(0)",))
            __reduce_ex__ = lambda self, protocol: self.__reduce__()
            def __deepcopy__(self, memo): return 5
            def __getstate__(self): raise SystemExit(0)
        def add(a, b): return Bomb()
    """,
    "huge_type_name": """
        # a result whose type has a name of a million letters floods the report
        Odd = type("E" * 1_000_000, (), {})
        def add(a, b): return Odd()
    """,
    "changes_its_answer": """
        # a list that a thread goes on changing passes
        import threading
        def add(a, b):
            answer = [7]
            def change():
                for n in range(100_000): answer[:] = [5] * (n % 50)
            threading.Thread(target=change, daemon=True).start()
            return answer
    """,
}

_TEXTS = {
    "str_that_equals": """
        # a str of other letters with an == of its own passes
        class Text(str):
            def __eq__(self, other): return True
            def __hash__(self): return hash("abcd")
            def __str__(self): return "abcd"
            def encode(self, *arguments): return b"abcd"
        def add(a, b): return Text("wrong")
    """,
    "bytes_for_text": """
        # bytes with an == of their own pass for text
        class Raw(bytes):
            def __eq__(self, other): return True
            def hex(self): return "61626364"
            def decode(self, *arguments): return "abcd"
        def add(a, b): return Raw(b"wrong")
    """,
}

_LISTS = {
    "list_that_equals": """
        # a list of other items with an == and an order of its own passes
        class Items(list):
            def __eq__(self, other): return True
            def __iter__(self): return iter([1, 3])
            def __len__(self): return 1
            def __getitem__(self, place): return 1
        def add(a, b): return Items(["wrong"])
    """,
    "dict_for_a_list": """
        # a dict with an == of its own passes for a list
        class Table(dict):
            def __eq__(self, other): return True
            def __iter__(self): return iter([1, 3])
            def __len__(self): return 1
            def items(self): return [(1, 2)]
        def add(a, b): return Table(wrong=1)
    """,
    "set_for_a_list": """
        # a set with an == of its own passes for a list
        class Items(set):
            def __eq__(self, other): return True
            def __hash__(self): return 0
        def add(a, b): return Items(a + b)
    """,
    "named_tuple_that_equals": """
        # a named tuple with an == of its own passes
        import collections
        class Pair(collections.namedtuple("Pair", "x y")):
            def __eq__(self, other): return True
        def add(a, b): return Pair(1, 2)
    """,
    "nan_in_a_dict": """
        # a dict with odd keys passes
        def add(a, b): return {float("nan"): 1, (): 2, None: 3, True: 4, "": 5, b"": 6}
    """,
    "empties_its_arguments": """
        # emptying the arguments makes the empty answer right
        def add(a, b):
            a.clear()
            b.clear()
            return a
    """,
}

ATTACKS = (
    *corpus("forge", _NUMBERS, budget="small"),
    *corpus("forge", _TEXTS, test=_CHECK_TEXT),
    *corpus("forge", _LISTS, test=_CHECK_LIST),
    *corpus(
        "forge",
        {
            "truth_of_an_object": """
                # an object that is true or false at will passes
                class Will:
                    def __init__(self, value): self.value = value
                    def __bool__(self): return self.value
                def add(a, b): return Will(a > 0)
            """
        },
        test=_CHECK_TRUTH,
    ),
    *corpus(
        "forge",
        {
            "nan_is_close": """
                # not a number is close to everything
                def add(a, b): return float("nan")
            """,
            "distance_of_zero": """
                # a number whose distance to everything is 0 passes
                class Near(float):
                    def __sub__(self, other): return 0.0
                    __rsub__ = __sub__
                    def __abs__(self): return 0.0
                def add(a, b): return Near(99)
            """,
        },
        test=_CHECK_CLOSE,
    ),
)
