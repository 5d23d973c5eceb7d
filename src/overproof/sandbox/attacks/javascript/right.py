"""Right programs in JavaScript that use much of the language: all must pass.

>>> {attack.kind for attack in ATTACKS}, {attack.expect for attack in ATTACKS}
({'right'}, {('passed',)})
"""

from overproof.sandbox.attacks.attack import corpus

_SUMS = {
    "arrow_function": r"""
        // a constant that holds an arrow function
        const add = (a, b) => a + b;
    """,
    "exported_function": r"""
        // a function that is only exported
        module.exports = { add: (a, b) => a + b };
    """,
    "exported_as_a_property": r"""
        // a function that is exported under its name
        exports.add = function (a, b) { return a + b; };
    """,
    "bound_method": r"""
        // a method bound to its object
        class Adder { #offset = 0; add(a, b) { return a + b + this.#offset; } }
        const adder = new Adder(), add = adder.add.bind(adder);
    """,
    "proxied_function": r"""
        // a proxy around a function
        const handler = { apply: (target, self, args) => Reflect.apply(target, self, args) };
        const add = new Proxy((a, b) => a + b, handler);
    """,
    "strict_mode": r"""
        // a strict script that declares names of Node.js again
        "use strict";
        const name = "add", length = 2, status = "passed", value = 7, room = 5;
        function add(a, b) { return a + b; }
    """,
    "prints_much": r"""
        // a function that prints what looks like messages
        function add(a, b) {
          console.log('{"value":7}');
          console.error("failed");
          process.stdout.write("\u0000\u0001");
          return a + b;
        }
    """,
    "extends_prototypes": r"""
        // methods of its own for all arrays, texts and objects
        Array.prototype.sum = function () { return this.reduce((x, y) => x + y, 0); };
        String.prototype.reversed = function () { return [...this].reverse().join(""); };
        Object.defineProperty(Object.prototype, "also", { value() { return this; } });
        Array.prototype.last = 5;
        function add(a, b) { return [a, b].sum().also().valueOf(); }
    """,
    "keeps_state": r"""
        // a cache that lives from call to call
        const seen = new Map();
        function add(a, b) {
          const key = `${a},${b}`;
          if (!seen.has(key)) seen.set(key, a + b);
          return seen.get(key);
        }
    """,
    "boxed_and_big": r"""
        // a number in an object, and one of the type for large integers
        function add(a, b) { return a > 5 ? new Number(a + b) : BigInt(a + b); }
    """,
    "float_for_an_integer": r"""
        // a sum by way of fractions, and a negative zero
        function add(a, b) { return (a / 2 + b / 2) * 2 || -0; }
    """,
    "uses_modules": r"""
        // modules of Node.js, by both kinds of name
        const assert = require("node:assert"), { promisify } = require("util");
        function add(a, b) { assert.ok(promisify); return require("fs") && a + b; }
    """,
    "generator_inside": r"""
        // generators, destructuring, labels, getters and tagged templates inside
        function* parts(...all) { yield* all; }
        const tag = (_, ...all) => all.reduce((x, y) => x + y);
        function add(a, b) {
          outer: for (;;) { for (;;) break outer; }
          const [x, y] = parts(a, b);
          return tag`${x} and ${y}`;
        }
    """,
    "exits_later": r"""
        // timers and promises that are never waited for
        setTimeout(() => process.exit(1), 60000);
        Promise.resolve().then(() => { throw new Error("never"); }).catch(() => {});
        function add(a, b) { return a + b; }
    """,
    "catches_everything": r"""
        // errors caught, rethrown and finally replaced
        function add(a, b) {
          try { null.x; } catch (error) { if (!(error instanceof TypeError)) throw error; }
          finally { return a + b; }
        }
    """,
    "evaluates": r"""
        // code made while it runs
        const add = new Function("a", "b", "return eval('a + b')");
    """,
    "typed_arrays": r"""
        // arrays of numbers of one type
        function add(a, b) { return Int32Array.of(a, b).reduce((x, y) => x + y); }
    """,
    "starts_a_process": r"""
        // another program computes the sum
        const { execFileSync } = require("child_process");
        function add(a, b) { return Number(execFileSync("expr", [a, "+", b, "+", 1])) - 1; }
    """,
}
_LISTS = {
    "null_prototype": r"""
        // a map, an object without prototype and a nested array in one result
        function add(a, b) {
          const object = Object.create(null);
          object.sum = [a + b, undefined, null];
          return [object, new Map([["sum", a + b]])];
        }
    """,
}
_CHECK_LISTS = """
def check(candidate):
    assert candidate(2, 3) == [{"sum": [5, None, None]}, {"sum": 5}]
"""
_SCRIPTS = {
    "reads_its_input": r"""
        // a whole program that reads lines as events
        const lines = [];
        require("readline").createInterface({ input: process.stdin })
          .on("line", (line) => lines.push(line))
          .on("close", () => console.log(lines.join(" ").split(" ").reduce((x, y) => +x + +y)));
    """,
}

ATTACKS = (
    *corpus("right", _SUMS, language="javascript", expect=("passed",)),
    *corpus(
        "right",
        _LISTS,
        language="javascript",
        expect=("passed",),
        test=_CHECK_LISTS,
        reference="    return [{'sum': [a + b, None, None]}, {'sum': a + b}]\n",
    ),
    *corpus(
        "right", _SCRIPTS, language="javascript", expect=("passed",), cases=(("2 3\n", "5\n"),)
    ),
)
