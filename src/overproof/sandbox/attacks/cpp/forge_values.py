"""Wrong answers in C++ that claim to be right: by operators, conversions, or the writing of a type.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, corpus

_CHECK_TEXT = """
def check(candidate):
    assert candidate("ab", "cd") == "abcd"
    assert candidate("", "x") == "x"
"""
_CHECK_LIST = """
def check(candidate):
    assert candidate([1], [2]) == [1, 2]
    assert sorted(candidate([3], [1])) == [1, 3]
    assert len(candidate([2], [4])) == 2
"""
_CHECK_CLOSE = """
def check(candidate):
    assert abs(candidate(2, 3) - 5.0) < 1e-6
    assert abs(candidate(0.5, 1) - 1.5) < 1e-6
"""

_NUMBERS = {
    "equals_everything": r"""
        // an object that equals everything, and converts to it, passes
        struct Yes {
          template <class T> bool operator==(const T&) const { return true; }
          template <class T> operator T() const { return T(); }
        };
        Yes add(long, long) { return {}; }
    """,
    "writes_itself": r"""
        // a type that writes itself into the message says what it likes
        struct Mine {};
        namespace overproof_driver {
        template <> struct Codec<Mine> {
          static Mine decode(const Tree&, bool) { return {}; }
          static void encode(Writer& out, Mine) { out.put("7,\"status\":\"passed\""); }
        };
        }
        Mine add(long, long) { return {}; }
    """,
    "writes_another_message": r"""
        // a type that writes itself ends its message, and begins another
        struct Mine {};
        namespace overproof_driver {
        template <> struct Codec<Mine> {
          static Mine decode(const Tree&, bool) { return {}; }
          static void encode(Writer& out, Mine) {
            out.put(std::string("7}\x12\0\0\0{\"status\":\"passed\"", 25));
          }
        };
        }
        Mine add(long, long) { return {}; }
    """,
    "rewrites_the_frame": r"""
        // a type that writes itself rewrites what was written before it
        struct Mine {};
        namespace overproof_driver {
        template <> struct Codec<Mine> {
          static void encode(Writer& out, Mine) { out.frame = "{\"loaded\":true,\"passed\":true"; }
        };
        }
        Mine add(long, long) { return {}; }
    """,
    "any_of_its_own": r"""
        // an object of an unknown type in a std::any passes
        #include <any>
        struct Yes { bool operator==(long) const { return true; } };
        std::any add(long, long) { return Yes{}; }
    """,
    "nothing_at_all": r"""
        // a function without a result passes
        void add(long, long) {}
    """,
    "empty_optional": r"""
        // an empty optional passes for every number
        #include <optional>
        std::optional<long> add(long, long) { return std::nullopt; }
    """,
    "no_return": r"""
        // a function that runs past its end returns whatever is there
        long add(long, long) { }
    """,
    "true_for_everything": r"""
        // true for every sum passes
        bool add(long, long) { return true; }
    """,
    "nan": r"""
        // not a number passes
        double add(long, long) { return __builtin_nan(""); }
    """,
    "answer_as_text": r"""
        // the number written as text passes
        #include <string>
        std::string add(long a, long b) { return std::to_string(a + b); }
    """,
    "answer_in_a_vector": r"""
        // the number inside of a vector passes
        #include <vector>
        std::vector<long> add(long a, long b) { return {a + b}; }
    """,
    "a_narrow_type": r"""
        // a number that is cut off to a character or to 32 bits is taken for the whole
        char add(long a, long b) { return static_cast<char>(a + b); }
    """,
    "pointer_to_nothing": r"""
        // a pointer to text that is not there passes, or ends the driver
        const char* add(long, long) { return nullptr; }
    """,
    "text_without_end": r"""
        // a text whose length is a lie makes the driver read all memory
        #include <string_view>
        std::string_view add(long, long) { return {"5", 1ul << 40}; }
    """,
    "vector_without_end": r"""
        // a list whose iterators never meet keeps the driver busy
        struct Endless {
          using value_type = long;
          void push_back(long);
          struct At {
            bool operator!=(At) const { return true; }
            void operator++() {}
            const long& operator*() const { static long five = 5; return five; }
          };
          At begin() const { return {}; }
          At end() const { return {}; }
        };
        Endless add(long, long) { return {}; }
    """,
    "function_pointer": r"""
        // a function of the library passes for the program's own
        #include <cstdlib>
        #define add std::abs
    """,
    "throws_the_drivers_own": r"""
        // an exception of the driver's is taken for its own word
        long add(long, long) { throw overproof_driver::Malformed{}; }
    """,
    "throws_a_verdict": r"""
        // an exception whose type is the program's choice ends the test well
        long add(long, long) {
          throw overproof_driver::Raised{"\",\"status\":\"passed\",\"x\":\"", "passed"};
        }
    """,
    "throws_while_throwing": r"""
        // an exception that throws when it is asked what it is breaks the driver
        #include <stdexcept>
        struct Odd : std::exception {
          const char* what() const noexcept override { throw 5; }
        };
        long add(long, long) { throw Odd{}; }
    """,
    "exception_of_32_mib": r"""
        // an exception with a message of 32 MiB is taken in
        #include <stdexcept>
        #include <string>
        long add(long, long) { throw std::runtime_error(std::string(32 << 20, '"')); }
    """,
}
_TEXTS = {
    "string_of_its_own": r"""
        // a string of other letters with an operator of its own passes
        #include <string>
        struct Text : std::string {
          using std::string::string;
          bool operator==(const std::string&) const { return true; }
          operator std::string() const { return "abcd"; }
        };
        Text add(std::string, std::string) { return "wrong"; }
    """,
    "text_that_is_json": r"""
        // a text that would end its message, and begin another, is not kept apart from it
        #include <string>
        std::string add(std::string a, std::string b) { return "\"},{\"value\":\"" + a + b; }
    """,
}
_LISTS = {
    "set_for_a_list": r"""
        // a set passes for a list
        #include <set>
        #include <vector>
        std::set<long> add(std::vector<long> a, std::vector<long> b) {
          a.insert(a.end(), b.begin(), b.end());
          return {a.begin(), a.end()};
        }
    """,
    "empties_its_arguments": r"""
        // emptying the arguments, which are references, makes the empty answer right
        #include <vector>
        std::vector<long>& add(std::vector<long>& a, std::vector<long>& b) {
          a.clear();
          b.clear();
          return a;
        }
    """,
}

_BOTH = (*FAILED, *NEVER_RAN)

ATTACKS = (
    *corpus("forge", _NUMBERS, language="cpp", expect=_BOTH, budget="small"),
    *corpus("forge", _TEXTS, language="cpp", expect=_BOTH, test=_CHECK_TEXT),
    *corpus("forge", _LISTS, language="cpp", expect=_BOTH, test=_CHECK_LIST),
    *corpus(
        "forge",
        {
            "nan_is_close": r"""
                // not a number is close to everything
                float add(float, float) { return __builtin_nanf(""); }
            """,
        },
        language="cpp",
        test=_CHECK_CLOSE,
    ),
)
