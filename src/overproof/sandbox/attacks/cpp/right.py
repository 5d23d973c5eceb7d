"""Right programs in C++ that use much of the language: all must pass.

>>> {attack.kind for attack in ATTACKS}, {attack.expect for attack in ATTACKS}
({'right'}, {('passed',)})
"""

from overproof.sandbox.attacks.attack import corpus

_SUMS = {
    "plain": r"""
        // a function
        long add(long a, long b) { return a + b; }
    """,
    "lambda": r"""
        // a constant that holds a lambda
        const auto add = [](long a, long b) { return a + b; };
    """,
    "has_a_main": r"""
        // a program with a start of its own, which is not called
        #include <bits/stdc++.h>
        using namespace std;
        long add(long a, long b) { return a + b; }
        int main(int argc, char** argv) { assert(add(1, 2) == 3); cout << "passed"; return 1; }
    """,
    "names_of_the_driver": r"""
        // names that the driver and the library use, in the program's own sense
        namespace json { struct Writer {}; }
        struct Tree { long value; };
        struct Writer {};
        struct Target {};
        long serve(long a) { return a; }
        long answer(long a) { return a; }
        namespace std { namespace mine { using number = long; } }
        static long send(long a) { return a; }
        long parse(long a) { return serve(answer(send(a))); }
        long add(long a, long b) { return parse(Tree{a + b}.value); }
    """,
    "macros": r"""
        // macros for words that are used often
        #define ll long long
        #define all(x) (x).begin(), (x).end()
        #define rep(i, n) for (ll i = 0; i < (n); i++)
        #define put(x) x
        #include <vector>
        #include <numeric>
        ll add(ll a, ll b) {
          std::vector<ll> v{a, b};
          rep(i, 2) put(v[i]);
          return std::accumulate(all(v), 0LL);
        }
    """,
    "operators": r"""
        // operators, templates and conversions of its own
        template <class T> struct Number {
          T held;
          Number operator+(const Number& other) const { return {held + other.held}; }
          bool operator==(const Number&) const { return true; }
          operator T() const { return held; }
        };
        long add(long a, long b) { return Number<long>{a} + Number<long>{b}; }
    """,
    "prints_much": r"""
        // a function that prints what looks like messages
        #include <iostream>
        long add(long a, long b) {
          std::cout << "{\"value\":7}" << std::endl;
          std::cerr << "failed\n";
          return a + b;
        }
    """,
    "static_objects": r"""
        // objects that live as long as the program, one of which has an end
        #include <map>
        #include <string>
        #include <stdexcept>
        struct Last { ~Last() noexcept(false) { throw std::runtime_error("never"); } };
        static Last last;
        static std::map<std::pair<long, long>, long> seen;
        long add(long a, long b) {
          static const std::string name = "add";
          return seen.emplace(std::make_pair(a, b), a + b).first->second + name.size() - 3;
        }
    """,
    "constants_while_compiling": r"""
        // what is computed while compiling, checked there
        constexpr long sum(long a, long b) { return b == 0 ? a : sum(a + 1, b - 1); }
        static_assert(sum(2, 3) == 5, "");
        long add(long a, long b) { return b < 0 ? a + b : sum(a, b); }
    """,
    "threads": r"""
        // a thread that is joined, and a lock
        #include <future>
        #include <mutex>
        long add(long a, long b) {
          std::mutex lock;
          return std::async(std::launch::deferred, [&] {
            const std::lock_guard<std::mutex> held(lock);
            return a + b;
          }).get();
        }
    """,
    "assembler": r"""
        // a line of assembler, and attributes
        [[gnu::noinline, gnu::hot]] long add(long a, long b) {
          long sum = a;
          asm volatile("" : "+r"(sum));
          return sum + b;
        }
    """,
    "catches_everything": r"""
        // exceptions thrown and caught
        #include <stdexcept>
        long add(long a, long b) {
          try { throw a + b; } catch (const std::exception&) { return 0; } catch (long sum) {
            return sum;
          }
        }
    """,
    "by_reference": r"""
        // arguments by reference, and a result by reference
        long& add(const long& a, const long& b) {
          static thread_local long sum;
          return sum = a + b;
        }
    """,
    "float_for_an_integer": r"""
        // a sum of fractions
        double add(double a, double b) { return a + b; }
    """,
    "odd_source": "// line ends of Windows, spliced lines and identifiers of other scripts\r\n"
    "long größe(long a) { return a; }\r\nlong add(long a, \\\r\n long b) { return größe(a) + b; }",
}
_LISTS = {
    "nested_types": r"""
        // a tuple of a list, a map and an optional
        #include <map>
        #include <optional>
        #include <string>
        #include <tuple>
        #include <vector>
        using Table = std::map<std::string, std::optional<long>>;
        std::tuple<std::vector<long>, Table> add(long a, long b) {
          return {{a, b, a + b}, {{"sum", a + b}, {"\"}\n", std::nullopt}}};
        }
    """,
}
_CHECK_LISTS = """
def check(candidate):
    assert candidate(2, 3) == ([2, 3, 5], {"sum": 5, '"}\\n': None})
"""
_SCRIPTS = {
    "reads_its_input": r"""
        // a whole program that reads standard input
        #include <iostream>
        int main() {
          std::ios::sync_with_stdio(false);
          long sum = 0;
          for (long n; std::cin >> n;) sum += n;
          std::cout << sum << '\n';
        }
    """,
}

ATTACKS = (
    *corpus("right", _SUMS, language="cpp", expect=("passed",)),
    *corpus(
        "right",
        _LISTS,
        language="cpp",
        expect=("passed",),
        test=_CHECK_LISTS,
        reference="    return [a, b, a + b], {'sum': a + b, '\"}\\n': None}\n",
    ),
    *corpus("right", _SCRIPTS, language="cpp", expect=("passed",), cases=(("2 3\n", "5\n"),)),
)
