// Answers calls to one function of a C++ program, in plain data over descriptor 3.
//
//     #include "overproof_driver.hpp"
//     #include "program.cpp"
//     OVERPROOF_SERVE(entry_point)
//
// linked with `overproof_runtime.hpp`, compiled once, which holds `main`. It comes before the
// program, so that no macro of the program reaches it, and renames the program's own `main`. What
// every program must compile is kept small. Needs g++ 11 or newer, C++17.
//
// Limits: the entry point is one function, not a template, or an object with one call operator; it
// is called by position. If it is overloaded, with a function of the C library, say, the one that
// takes a single std::string is meant.

#pragma once

#include "overproof_containers.hpp"

namespace overproof_driver {

struct Target {
  virtual void call(Writer& out, const std::vector<Tree>& args) const = 0;

 protected:
  ~Target() = default;
};

// `place` is anything of the program's own: what lies elsewhere is not the program's function.
void serve_target(const Target& target, const char* name, const void* place);

template <class... Types>
struct Names {};

template <class Function, class Result, class... Params>
struct Bound final : Target {
  Function& function;
  explicit Bound(Function& target) : function(target) {}

  void call(Writer& out, const std::vector<Tree>& args) const override {
    if (args.size() != sizeof...(Params)) refuse_size(args.size(), sizeof...(Params));
    supply(Names<Params...>{}, out, args.data());
  }

  // Decodes one argument after the other, each a local variable, then calls.
  template <class First, class... Rest, class... Values>
  void supply(Names<First, Rest...>, Writer& out, const Tree* next, Values&... values) const {
    auto value = Codec<std::decay_t<First>>::decode(*next, false);
    supply(Names<Rest...>{}, out, next + 1, values..., value);
  }
  template <class... Values>
  void supply(Names<>, Writer& out, const Tree*, Values&... values) const {
    if constexpr (std::is_void_v<Result>) {
      function(static_cast<Params&&>(values)...);
      out.put("null");
    } else {
      Codec<std::decay_t<Result>>::encode(out, function(static_cast<Params&&>(values)...));
    }
  }
};

// The Bound of a function, or of an object with one call operator (a lambda, std::function).
template <class Function, class Callable>
struct Binding : Binding<Function, decltype(&Callable::operator())> {};
template <class Function, class Result, class... Params>
struct Binding<Function, Result (*)(Params...)> {
  using type = Bound<Function, Result, Params...>;
};
template <class Function, class Result, class... Params>
struct Binding<Function, Result (*)(Params...) noexcept>
    : Binding<Function, Result (*)(Params...)> {};
template <class Function, class Object, class Result, class... Params>
struct Binding<Function, Result (Object::*)(Params...)>
    : Binding<Function, Result (*)(Params...)> {};
template <class Function, class Object, class Result, class... Params>
struct Binding<Function, Result (Object::*)(Params...) const>
    : Binding<Function, Result (*)(Params...)> {};
template <class Function, class Object, class Result, class... Params>
struct Binding<Function, Result (Object::*)(Params...) const noexcept>
    : Binding<Function, Result (*)(Params...)> {};

template <class Function>
void serve(const char* name, Function& function) {
  const typename Binding<Function, std::decay_t<Function>>::type target(function);
  serve_target(target, name, reinterpret_cast<const void*>(&function));
}
template <class Result>
void serve(const char* name, Result (&function)(std::string), ...) {
  serve<Result(std::string)>(name, function);
}
template <class Result>
void serve(const char* name, Result (&function)(const std::string&), ...) {
  serve<Result(const std::string&)>(name, function);
}

void overproof_program();

}  // namespace overproof_driver

// From here on the tokens are the program's.
#define main overproof_program_main
#define OVERPROOF_SERVE(entry_point)    \
  namespace overproof_driver {          \
  void overproof_program() {            \
    serve(#entry_point, ::entry_point); \
  }                                     \
  }
