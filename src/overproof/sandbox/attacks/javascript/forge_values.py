"""Wrong answers in JavaScript that claim to be right: by conversions, traps, getters or their type.

What a value converts to, or claims to equal, is never asked: the driver writes down what it is.

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
    "value_of_says_so": r"""
        // an object that converts to whatever number is wanted passes
        function add(a, b) {
          return { valueOf: () => a + b, toString: () => `${a + b}`, toJSON: () => a + b,
                   [Symbol.toPrimitive]: () => a + b };
        }
    """,
    "json_says_so": r"""
        // a class that is written to JSON as the right number passes
        class Sum { constructor(sum) { this.sum = sum; } toJSON() { return this.sum; } }
        function add(a, b) { return new Sum(a + b); }
    """,
    "proxy_of_everything": r"""
        // a proxy whose every trap says what is wanted passes
        function add(a, b) {
          const yes = { get: (target, key) => key === Symbol.toPrimitive ? () => a + b : a + b,
                        has: () => true, ownKeys: () => [], getPrototypeOf: () => Number.prototype,
                        apply: () => a + b, getOwnPropertyDescriptor: () => undefined };
          return new Proxy(function () {}, yes);
        }
    """,
    "proxy_of_an_object": r"""
        // a proxy that passes for a number by its prototype passes
        function add(a, b) {
          return new Proxy({}, { getPrototypeOf: () => Number.prototype, get: () => a + b });
        }
    """,
    "instance_of_at_will": r"""
        // a type that says of everything that it is an instance makes the driver see numbers
        for (const kind of [Number, String, Set, Map, Promise, Date, Error])
          try { Object.defineProperty(kind, Symbol.hasInstance, { value: () => true }); } catch {}
        function add(a, b) { return { valueOf: () => 5, 0: 5 }; }
    """,
    "number_that_changes": r"""
        // a boxed number that converts to another value when it is looked at again passes
        let looks = 0;
        class Odd extends Number { valueOf() { return looks++ % 2 ? 5 : 7; } }
        function add(a, b) { return new Odd(7); }
    """,
    "array_with_a_getter": r"""
        // an array whose element is computed when it is looked at passes for its element
        function add(a, b) { return Object.defineProperty([7], 0, { get: () => a + b }); }
    """,
    "length_without_end": r"""
        // an array that claims a billion elements keeps the driver busy for ever
        function add(a, b) {
          return new Proxy([], { get: (target, key) => key === "length" ? 1e9 : 5 });
        }
    """,
    "sparse_array": r"""
        // an array of four billion holes is written out
        function add(a, b) { return new Array(4294967295); }
    """,
    "endless_getters": r"""
        // an object that is nested as deep as somebody looks overflows the driver
        function add(a, b) {
          const nest = { get inner() { return Object.create(nest, {
            inner: { enumerable: true, get: () => nest } }); } };
          return nest;
        }
    """,
    "getter_exits": r"""
        // a property that ends the process when it is looked at leaves no wrong answer
        function add(a, b) { return { get sum() { process.exit(0); } }; }
    """,
    "getter_throws": r"""
        // a property that throws when it is looked at breaks the driver
        function add(a, b) { return { get sum() { throw null; } }; }
    """,
    "promise": r"""
        // a promise that nobody awaits passes
        async function add(a, b) { return a + b; }
    """,
    "thenable": r"""
        // an object that would become the answer if it were awaited passes
        function add(a, b) { return { then: (resolve) => resolve(a + b) }; }
    """,
    "generator": r"""
        // a generator that yields the answer without end passes, or holds up the driver
        function* add(a, b) { for (;;) yield a + b; }
    """,
    "iterable": r"""
        // an object that can be iterated over passes for what it yields
        function add(a, b) { return { *[Symbol.iterator]() { for (;;) yield a + b; } }; }
    """,
    "function_as_answer": r"""
        // a function as the result passes
        function add(a, b) { return add; }
    """,
    "symbol_as_answer": r"""
        // a symbol as the result passes, or ends the driver
        function add(a, b) { return Symbol.for("5"); }
    """,
    "nothing": r"""
        // nothing passes
        function add(a, b) {}
    """,
    "true_for_everything": r"""
        // true for every sum passes
        function add(a, b) { return true; }
    """,
    "nan": r"""
        // not a number passes
        function add(a, b) { return NaN; }
    """,
    "infinity": r"""
        // infinity passes
        function add(a, b) { return 1 / 0; }
    """,
    "answer_as_text": r"""
        // the number written as text passes
        function add(a, b) { return `${a + b}`; }
    """,
    "answer_as_boxed_text": r"""
        // the number written as text in an object passes
        function add(a, b) { return Object(`${a + b}`); }
    """,
    "answer_in_an_array": r"""
        // the number inside of an array passes
        function add(a, b) { return [a + b]; }
    """,
    "answer_in_a_set": r"""
        // the number inside of a set passes
        function add(a, b) { return new Set([a + b]); }
    """,
    "arguments_object": r"""
        // the arguments object passes
        function add() { return arguments; }
    """,
    "cycle": r"""
        // an object that holds itself overflows the driver
        function add(a, b) { const knot = []; knot.push(knot, { knot }); return knot; }
    """,
    "deep_nesting": r"""
        // an array nested ten thousand times overflows the driver
        function add(a, b) {
          let nest = [];
          for (let i = 0; i < 10000; i++) nest = [nest];
          return nest;
        }
    """,
    "huge_integer": r"""
        // an integer of ten million digits keeps the judge busy
        function add(a, b) { return 1n << 30000000n; }
    """,
    "throws_nothing": r"""
        // an exception that is no error at all is no failure
        function add(a, b) { throw undefined; }
    """,
    "throws_a_trap": r"""
        // an exception whose every property throws breaks the driver
        function add(a, b) {
          throw new Proxy(new Error("x"), { get() { throw new Error("again"); } });
        }
    """,
    "throws_an_assertion": r"""
        // an exception with the name of a passed test ends the test well
        class StopIteration extends Error {
          get name() { return "StopIteration"; }
          get message() { return "passed"; }
        }
        function add(a, b) { throw new StopIteration(); }
    """,
    "exception_of_32_mib": r"""
        // an exception with a message of 32 MiB is taken in
        function add(a, b) { throw new Error("x".repeat(32 << 20)); }
    """,
    "name_of_an_exception_steers": r"""
        // the name of an exception steers the terminal of whoever reads the report
        function add(a, b) {
          const error = new Error("\u001b]0;x\u0007\u202e\u2028\u0000");
          error.name = "\u001b[31m\n\rpassed";
          throw error;
        }
    """,
}

_TEXTS = {
    "text_that_converts": r"""
        // a text of other letters whose conversions are right passes
        class Text extends String {
          toString() { return "abcd"; }
          valueOf() { return "abcd"; }
          toJSON() { return "abcd"; }
        }
        function add(a, b) { return [new Text("wrong")]; }
    """,
    "buffer_for_text": r"""
        // bytes pass for the text that they hold
        function add(a, b) { return Buffer.from(a + b); }
    """,
    "lone_surrogate": r"""
        // text that has no bytes passes, or ends the judge
        function add(a, b) { return "\ud800"; }
    """,
    "text_that_is_json": r"""
        // a text that would end its message, and begin another, is not kept apart from it
        function add(a, b) {
          return `"},{"value":"${a + b}"}\u0012\u0000\u0000\u0000{"value":"${a + b}"}`;
        }
    """,
}

_LISTS = {
    "object_with_a_length": r"""
        // an object that looks like an array passes for one
        function add(a, b) { return { length: 2, 0: a[0], 1: b[0], __proto__: Array.prototype }; }
    """,
    "set_for_a_list": r"""
        // a set passes for a list
        function add(a, b) { return new Set([...a, ...b]); }
    """,
    "empties_its_arguments": r"""
        // emptying the arguments makes the empty answer right
        function add(a, b) { a.length = b.length = 0; return a; }
    """,
    "array_that_sorts_itself": r"""
        // an array that overrides how it is copied, sorted and written passes
        class Items extends Array {
          get length() { return 2; }
          *[Symbol.iterator]() { yield 1; yield 3; }
          sort() { return [1, 3]; }
          toJSON() { return [1, 2]; }
        }
        function add(a, b) { return new Items("wrong"); }
    """,
}

ATTACKS = (
    *corpus("forge", _NUMBERS, language="javascript", budget="small"),
    *corpus("forge", _TEXTS, language="javascript", test=_CHECK_TEXT),
    *corpus("forge", _LISTS, language="javascript", test=_CHECK_LIST),
    *corpus(
        "forge",
        {
            "truth_of_an_object": r"""
                // an object, which is always true, passes where a truth is asked for
                function add(a, b) { return { valueOf: () => a > 0 }; }
            """,
        },
        language="javascript",
        test=_CHECK_TRUTH,
        reference="    return a > 0\n",
    ),
    *corpus(
        "forge",
        {
            "nan_is_close": r"""
                // not a number is close to everything
                function add(a, b) { return NaN; }
            """,
        },
        language="javascript",
        test=_CHECK_CLOSE,
    ),
)
