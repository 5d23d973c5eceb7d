// Answers calls to one function of a C++ program, in plain data over descriptor 3.
//
//     #include "overproof_driver.hpp"
//     #include "program.cpp"
//     OVERPROOF_SERVE(entry_point)
//
// It comes before the program, so that no macro of the program reaches it, and renames the
// program's own `main`. Needs g++ 11 or newer, C++17.
//
// Limits: the entry point is one function, neither overloaded nor a template, or an object with
// one call operator; it is called by position.

#pragma once

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

#include "overproof_containers.hpp"

namespace overproof_driver {

// Not <unistd.h>: it would put `read`, `link`, `pause` and more where the program's own names are.
extern "C" std::ptrdiff_t read(int, void*, std::size_t);
extern "C" std::ptrdiff_t write(int, const void*, std::size_t);

constexpr int channel = 3;
constexpr int protocol_error = 2;
constexpr std::size_t max_message = std::size_t{64} << 20;
constexpr std::size_t max_detail = 200;

struct Target {
  virtual void call(Writer& out, const std::vector<Tree>& args) const = 0;

 protected:
  ~Target() = default;
};

template <class T>
struct Box {
  T value;
};

template <class Function, class Result, class... Params>
struct Bound final : Target {
  Function& function;
  explicit Bound(Function& target) : function(target) {}

  void call(Writer& out, const std::vector<Tree>& args) const override {
    if (args.size() != sizeof...(Params))
      throw Raised{"TypeError", std::to_string(args.size()) + " arguments where " +
                                    std::to_string(sizeof...(Params)) + " belong"};
    call_with(out, args, std::index_sequence_for<Params...>{});
  }

  template <std::size_t... I>
  void call_with(Writer& out, const std::vector<Tree>& args, std::index_sequence<I...>) const {
    // Boxed, since a tuple of one std::any would be taken for a std::any.
    std::tuple<Box<std::decay_t<Params>>...> values{
        Box<std::decay_t<Params>>{Codec<std::decay_t<Params>>::decode(args[I], false)}...};
    static_cast<void>(args), static_cast<void>(values);
    if constexpr (std::is_void_v<Result>) {
      function(static_cast<Params&&>(std::get<I>(values).value)...);
      out.put("null");
    } else {
      Codec<std::decay_t<Result>>::encode(
          out, function(static_cast<Params&&>(std::get<I>(values).value)...));
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

// One line of ASCII-escaped JSON, whatever the message is made of.
inline std::string raised(const char* type, const char* message) {
  std::string detail(message == nullptr ? "" : message);
  if (detail.size() > max_detail) {
    std::size_t size = max_detail;
    while (size > max_detail - 4 && (static_cast<unsigned char>(detail[size]) & 0xC0) == 0x80)
      --size;
    detail.resize(size);
  }
  for (char& character : detail)
    if (static_cast<unsigned char>(character) < 0x20) character = ' ';
  Writer out;
  out.put("{\"raised\":\"");
  out.put(type);
  out.put("\",\"detail\":");
  out.put_text(detail, 0xFFFD);
  out.put("}");
  return out.frame;
}

inline std::string answer(const Target& target, const std::vector<Tree>& args, bool named) {
  try {
    if (named) throw Raised{"TypeError", "a C++ function takes no keyword arguments"};
    Writer out;
    out.put("{\"value\":");
    target.call(out, args);
    out.put("}");
    return std::move(out.frame);
  } catch (const Malformed&) {
    throw;
  } catch (const Raised& error) {
    return raised(error.type, error.detail.c_str());
  } catch (const std::invalid_argument& error) {
    return raised("ValueError", error.what());
  } catch (const std::domain_error& error) {
    return raised("ValueError", error.what());
  } catch (const std::out_of_range& error) {
    return raised("IndexError", error.what());
  } catch (const std::bad_alloc& error) {
    return raised("MemoryError", error.what());
  } catch (const std::exception& error) {
    return raised("RuntimeError", error.what());
  } catch (...) {
    return raised("RuntimeError", "thrown, but not a std::exception");
  }
}

inline void send(std::string_view content) {
  const std::size_t size = content.size();
  std::string frame;
  for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(size >> shift & 0xFF);
  frame += content;
  for (std::size_t sent = 0; sent < frame.size();) {
    const std::ptrdiff_t count = write(channel, frame.data() + sent, frame.size() - sent);
    if (count < 0 && errno != EINTR) std::_Exit(protocol_error);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
}

// Returns false if the stream ends before the first byte.
inline bool receive_exactly(char* buffer, std::size_t size) {
  for (std::size_t have = 0; have < size;) {
    const std::ptrdiff_t count = read(channel, buffer + have, size - have);
    if (count == 0 && have == 0) return false;
    if (count == 0 || (count < 0 && errno != EINTR)) throw Malformed{};
    if (count > 0) have += static_cast<std::size_t>(count);
  }
  return true;
}

inline bool receive(std::string& message) {
  unsigned char head[4];
  if (!receive_exactly(reinterpret_cast<char*>(head), sizeof head)) return false;
  std::size_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | head[i];
  if (size == 0 || size > max_message) throw Malformed{};
  message.resize(size);
  if (!receive_exactly(message.data(), size)) throw Malformed{};
  return true;
}

// The value of a key of the wanted kind; `absent` if there is no such key.
inline const Tree& field(const Tree& object, std::string_view key, Tree::Kind kind,
                         const Tree& absent) {
  if (object.kind != Tree::Object) throw Malformed{};
  const Tree* found = &absent;
  for (std::size_t i = 0; i < object.items.size(); i += 2)
    if (object.items[i].text == key) found = &object.items[i + 1];
  if (found->kind != kind) throw Malformed{};
  return *found;
}

inline void serve_target(const Target& target) {
  Tree nothing, no_kwargs;
  no_kwargs.kind = Tree::Object;
  send("{\"loaded\":true}");
  for (std::string message; receive(message);) {
    const Tree batch = Parser(message).parse();
    for (const Tree& call : field(batch, "calls", Tree::List, nothing).items) {
      const Tree& args = field(call, "args", Tree::List, nothing);
      const bool named = !field(call, "kwargs", Tree::Object, no_kwargs).items.empty();
      send(answer(target, args.items, named));
    }
  }
}

template <class Function>
void serve(Function& function) {
  serve_target(typename Binding<Function, std::decay_t<Function>>::type(function));
}

void overproof_program();

inline void run() {
  try {
    overproof_program();
  } catch (const Malformed&) {
    std::_Exit(protocol_error);
  }
  std::_Exit(0);  // without the program's destructors, which might fail
}

}  // namespace overproof_driver

int main() { overproof_driver::run(); }

// From here on the tokens are the program's.
#define main overproof_program_main
#define OVERPROOF_SERVE(entry_point) \
  namespace overproof_driver {       \
  void overproof_program() {         \
    serve(::entry_point);            \
  }                                  \
  }
