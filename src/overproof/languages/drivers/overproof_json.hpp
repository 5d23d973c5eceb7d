// The messages of the driver: a tree of JSON, its parser, and the writer of one reply.
//
// Limits: a message has at most 512 levels; a reply has at most 8 MiB. A text that is not UTF-8 is
// written as Python's `surrogateescape` reads it. The bodies are in `overproof_runtime.hpp`.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace overproof_driver {

constexpr int max_depth = 512;  // levels of JSON; the codec writes 100 values of 3 levels each
constexpr std::size_t max_reply = std::size_t{8} << 20;

// A message that is not of the protocol: the process ends.
struct Malformed {};

// What becomes {"raised": …} without being an exception of the program.
struct Raised {
  const char* type;
  std::string detail;
};

struct Tree {
  enum Kind { Null, False, True, Integer, Float, Text, List, Object };
  Kind kind = Null;
  std::string text;         // of a text or, as written, of a number
  std::vector<Tree> items;  // of a list; of an object: key, value, key, value, …

  Tree();
  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;
  ~Tree();
};

Tree parse(std::string_view message);

class Writer {
 public:
  std::string frame;

  Writer();
  ~Writer();
  void put(std::string_view part);

  // `lone`: added to a byte that is not UTF-8 to make the code that stands for it.
  void put_text(std::string_view text, unsigned lone = 0xDC00);

 private:
  void put_code(unsigned code);
};

}  // namespace overproof_driver
