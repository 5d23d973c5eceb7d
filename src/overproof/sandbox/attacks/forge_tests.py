"""Wrong programs that use what a test is, or expects: exceptions, helpers, its own loop.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, Attack, corpus, source

_RAISED = {
    "raises_assertion_error": """
        # an AssertionError of the program is taken for the test's
        def add(a, b): raise AssertionError("passed")
    """,
    "raises_system_exit": """
        # SystemExit(0) in a call counts as success
        def add(a, b): raise SystemExit(0)
    """,
    "raises_keyboard_interrupt": """
        # a KeyboardInterrupt of the program stops the run
        def add(a, b): raise KeyboardInterrupt
    """,
    "raises_stop_iteration": """
        # a StopIteration ends the test early, and it counts as passed
        def add(a, b): raise StopIteration(5)
    """,
    "raises_generator_exit": """
        # a GeneratorExit ends the test early, and it counts as passed
        def add(a, b): raise GeneratorExit
    """,
    "raises_exception_group": """
        # a group of exceptions passes
        def add(a, b): raise BaseExceptionGroup("passed", [SystemExit(0), KeyboardInterrupt()])
    """,
    "raises_harness_names": """
        # an exception that is called like one of our own is taken for ours
        names = ["ProblemError", "CandidateGoneError", "ZygoteError", "WireError", "OverproofError",
                 "ClosedError", "CodecError", "CandidateError", "BrokenPipeError", "TimeoutError"]
        kinds = [type(name, (BaseException,), {"__module__": "builtins"}) for name in names]
        def add(a, b): raise kinds[a % len(kinds)]("passed")
    """,
    "raises_what_hangs": """
        # an exception whose text never comes hangs the run
        class Odd(Exception):
            def __str__(self):
                while True: pass
            __repr__ = __str__
        def add(a, b): raise Odd
    """,
    "raises_what_is_no_text": """
        # an exception whose text is no text, or raises, ends the judge
        class Odd(ValueError):
            __module__ = "builtins"
            def __str__(self): raise SystemExit(0)
        Odd.__name__ = "E" * 100_000
        def add(a, b): raise Odd
    """,
    "raises_in_equality": """
        # a result that raises when it is compared passes
        class Odd:
            def __eq__(self, other): raise SystemExit(0)
            __bool__ = __iter__ = __len__ = __eq__
        def add(a, b): return Odd()
    """,
    "raises_at_load": """
        # an AssertionError while loading is taken for the test's
        def add(a, b): return 0
        raise AssertionError("passed")
    """,
}

_HELPER_PROMPT = '''
def double(x):
    """Return twice x."""
    return 2 * x


def add(a, b):
    """Return the number whose double is a + b."""
'''

_TASKS = (
    Attack(
        name="redefines_the_helper",
        kind="forge",
        what="the test uses a helper of the prompt as the program redefines it",
        prompt=_HELPER_PROMPT,
        reference="    return (a + b) / 2\n",
        program=source("""
            class Yes(int):
                def __eq__(self, other): return True
            def double(x): return Yes()
            def add(a, b): return 100
        """),
        test="def check(candidate):\n    assert double(candidate(2, 3)) == 5\n",
    ),
    Attack(
        name="wrong_in_the_same_way",
        kind="forge",
        what="a test that compares with the entry point itself uses the program's",
        prompt="def add(a, b):\n",
        reference="    return a + b\n",
        program="def add(a, b): return 0\n",
        test="def check(candidate):\n    assert candidate(2, 3) == add(2, 3)\n",
    ),
    Attack(
        name="empties_what_is_compared",
        kind="forge",
        what="the test compares with an argument that the program has changed",
        program="def add(a, b):\n    a.clear()\n    return []\n",
        test="def check(candidate):\n    xs = [3, 1]\n    assert candidate(xs, 0) == sorted(xs)\n",
    ),
    Attack(
        name="catches_the_caller",
        kind="forge",
        what="an exception that a test expects is let through for another one",
        program="def add(a, b): raise KeyError('odd')\n",
        test=source("""
            def check(candidate):
                try:
                    candidate(2, 3)
                except ValueError:
                    return
                assert False, "no ValueError"
        """),
    ),
    Attack(
        name="ends_in_a_swallowed_call",
        kind="forge",
        what="a test that swallows exceptions also swallows the end of the program",
        program="import os\ndef add(a, b): os._exit(0)\n",
        test=source("""
            def check(candidate):
                try:
                    candidate(2, 3)
                except BaseException:
                    pass
        """),
    ),
    Attack(
        name="stops_the_loop_of_the_test",
        kind="forge",
        what="a StopIteration from a call ends the test's own loop, and nothing is compared",
        program="def add(a, b): raise StopIteration\n",
        test=source("""
            def check(candidate):
                cases = [((2, 3), 5), ((-1, 1), 0)]
                assert all(map(lambda case: candidate(*case[0]) == case[1], cases))
        """),
    ),
    Attack(
        name="object_that_is_passed_back",
        kind="forge",
        what="an object that the test passes on to the next call moves the test to the program",
        program=source("""
            class Yes:
                def __eq__(self, other): return True
            def add(a, b): return Yes()
        """),
        test="def check(candidate):\n    assert candidate(candidate(1, 1), 3) == 5\n",
    ),
    Attack(
        name="missing_entry_point",
        kind="forge",
        what="a module that has every name passes without an entry point",
        program=source("""
            import sys
            def __getattr__(name): return lambda a, b: a + b
            class Module(type(sys)):
                def __getattr__(self, name): return lambda a, b: a + b
            for name in list(sys.modules):
                if getattr(sys.modules[name], "__file__", "") == "candidate.py":
                    sys.modules[name].__class__ = Module
        """),
        expect=NEVER_RAN,
    ),
    Attack(
        name="entry_point_is_no_function",
        kind="forge",
        what="a number in the place of the entry point passes",
        program="add = 5\n",
        expect=(*NEVER_RAN, *FAILED),
    ),
)

ATTACKS = (*corpus("forge", _RAISED, budget="small"), *_TASKS)
