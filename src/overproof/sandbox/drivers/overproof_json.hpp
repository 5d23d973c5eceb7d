// The messages of the driver: a tree of JSON, its parser, and the writer of one reply.
//
// Limits: a message has at most 512 levels; a reply has at most 8 MiB. A text that is not UTF-8 is
// written as Python's `surrogateescape` reads it.

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
};

// 0 to 15, or 16 for what is no digit of that base.
inline unsigned digit_of(char character, unsigned base = 16) {
  const unsigned value = character >= '0' && character <= '9'   ? character - '0'
                         : character >= 'a' && character <= 'f' ? character - 'a' + 10
                         : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                                : 16;
  return value < base ? value : 16;
}

inline void append_utf8(std::string& text, unsigned code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(lead[more] | code >> 6 * more);
  for (int left = more - 1; left >= 0; --left)
    text += static_cast<char>(0x80 | (code >> 6 * left & 0x3F));
}

class Parser {
 public:
  explicit Parser(std::string_view message) : at(message.data()), end(at + message.size()) {}

  Tree parse() {
    Tree tree = value(0);
    if (peek() != '\0' || at != end) throw Malformed{};
    return tree;
  }

 private:
  const char* at;
  const char* end;

  // The next character after blanks; '\0', which begins nothing, at the end.
  char peek() {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
    return at == end ? '\0' : *at;
  }

  char take() {
    if (at == end) throw Malformed{};
    return *at++;
  }

  void expect(char wanted) {
    if (peek() != wanted) throw Malformed{};
    ++at;
  }

  bool skip(std::string_view word) {
    if (std::string_view(at, static_cast<std::size_t>(end - at)).substr(0, word.size()) != word)
      return false;
    at += word.size();
    return true;
  }

  Tree value(int depth) {
    if (depth > max_depth) throw Malformed{};
    Tree tree;
    const char first = peek();
    if (first == '[') {
      tree.kind = Tree::List;
      items(tree, ']', depth);
    } else if (first == '{') {
      tree.kind = Tree::Object;
      items(tree, '}', depth);
    } else if (first == '"') {
      tree.kind = Tree::Text;
      tree.text = text();
    } else if (skip("null")) {
      tree.kind = Tree::Null;
    } else if (skip("false")) {
      tree.kind = Tree::False;
    } else if (skip("true")) {
      tree.kind = Tree::True;
    } else {
      number(tree);
    }
    return tree;
  }

  void items(Tree& tree, char closing, int depth) {
    ++at;
    if (peek() == closing) {
      ++at;
      return;
    }
    while (true) {
      if (closing == '}') {
        if (peek() != '"') throw Malformed{};
        tree.items.push_back(value(depth + 1));
        expect(':');
      }
      tree.items.push_back(value(depth + 1));
      const char next = peek();
      ++at;
      if (next == closing) return;
      if (next != ',') throw Malformed{};
    }
  }

  void number(Tree& tree) {
    // As std::from_chars reads them.
    tree.kind = Tree::Float;
    if (skip("NaN")) {
      tree.text = "nan";
    } else if (skip("Infinity")) {
      tree.text = "inf";
    } else if (skip("-Infinity")) {
      tree.text = "-inf";
    } else {
      const char* const start = at;
      while (at != end && std::string_view("+-.0123456789eE").find(*at) != std::string_view::npos)
        ++at;
      tree.text.assign(start, at);
      if (tree.text.empty()) throw Malformed{};
      if (tree.text.find_first_of(".eE") == std::string::npos) tree.kind = Tree::Integer;
    }
  }

  std::string text() {
    std::string result;
    ++at;
    while (true) {
      const char next = take();
      if (next == '"') return result;
      if (static_cast<unsigned char>(next) < 0x20) throw Malformed{};
      if (next == '\\')
        escape(result);
      else
        result += next;
    }
  }

  void escape(std::string& result) {
    constexpr std::string_view names = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char name = take();
    if (name != 'u') {
      const std::size_t which = names.find(name);
      if (which == std::string_view::npos) throw Malformed{};
      result += meanings[which];
      return;
    }
    unsigned code = four_digits();
    if (code >> 10 == 0xD800 >> 10) {  // the first of a pair, or a lone surrogate
      const char* const after = at;
      const unsigned second = skip("\\u") ? four_digits() : 0;
      if (second >> 10 == 0xDC00 >> 10)
        code = 0x10000 + ((code & 0x3FF) << 10 | (second & 0x3FF));
      else
        at = after;
    }
    append_utf8(result, code);
  }

  unsigned four_digits() {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) {
      const unsigned digit = digit_of(take());
      if (digit == 16) throw Malformed{};
      code = code << 4 | digit;
    }
    return code;
  }
};

class Writer {
 public:
  std::string frame;

  void put(std::string_view part) {
    if (frame.size() + part.size() > max_reply)
      throw Raised{"CodecError", "the result is too large"};
    frame += part;
  }

  // `lone`: added to a byte that is not UTF-8 to make the code that stands for it.
  void put_text(std::string_view text, unsigned lone = 0xDC00) {
    put("\"");
    while (!text.empty()) {
      const unsigned char first = static_cast<unsigned char>(text[0]);
      const int size = first < 0x80 ? 1 : utf8_size(text);
      if (size == 0)
        put_code(lone == 0xDC00 ? lone + first : lone);
      else if (first < 0x20 || first == '"' || first == '\\' || first >= 0x7F)
        put_code(code_of(text.substr(0, static_cast<std::size_t>(size))));
      else
        put(text.substr(0, 1));
      text.remove_prefix(static_cast<std::size_t>(size == 0 ? 1 : size));
    }
    put("\"");
  }

 private:
  // Bytes of the character of two or more bytes at the front (a surrogate counts); 0 for none.
  static int utf8_size(std::string_view text) {
    const unsigned char first = static_cast<unsigned char>(text[0]);
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
      if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
    const unsigned code = code_of(text.substr(0, size));
    const bool shortest = code >= (size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u);
    return shortest && code <= 0x10FFFF ? static_cast<int>(size) : 0;
  }

  static unsigned code_of(std::string_view bytes) {
    constexpr unsigned keep[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned code = static_cast<unsigned char>(bytes[0]) & keep[bytes.size()];
    for (const char next : bytes.substr(1)) code = code << 6 | (static_cast<unsigned>(next) & 0x3F);
    return code;
  }

  void put_code(unsigned code) {
    if (code >= 0x10000) {
      put_code(0xD800 + ((code - 0x10000) >> 10));
      code = 0xDC00 + ((code - 0x10000) & 0x3FF);
    }
    constexpr char digits[] = "0123456789abcdef";
    const char escaped[] = {'\\', 'u', digits[code >> 12], digits[code >> 8 & 15],
                            digits[code >> 4 & 15], digits[code & 15]};
    put({escaped, sizeof escaped});
  }
};

}  // namespace overproof_driver
