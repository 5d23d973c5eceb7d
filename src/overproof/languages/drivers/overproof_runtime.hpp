// The part of the driver that no program changes: compiled once, linked to each.
//
// What it looks for in the program is weak, and so is `main`, so that a whole program, which has
// no use for the driver, can be linked with it as well.

#include "overproof_driver.hpp"
#undef main

#include <dlfcn.h>
#include <sys/uio.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>

namespace overproof_driver {

__attribute__((weak)) void overproof_program();

constexpr int channel = 3;
constexpr int protocol_error = 2;
constexpr std::size_t max_message = std::size_t{64} << 20;
constexpr std::size_t max_detail = 200;

// ---- Reading a message

Tree::Tree() = default;
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;
Tree::~Tree() = default;

// 0 to 15, or 16 for what is no digit of that base.
unsigned digit_of(char character, unsigned base = 16) {
  const unsigned value = character >= '0' && character <= '9'   ? character - '0'
                         : character >= 'a' && character <= 'f' ? character - 'a' + 10
                         : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                                : 16;
  return value < base ? value : 16;
}

void append_utf8(std::string& text, unsigned code) {
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

Tree parse(std::string_view message) { return Parser(message).parse(); }

// ---- Writing a reply

Writer::Writer() = default;
Writer::~Writer() = default;

void Writer::put(std::string_view part) {
  if (frame.size() + part.size() > max_reply) throw Raised{"CodecError", "the result is too large"};
  frame += part;
}

unsigned code_of(std::string_view bytes) {
  constexpr unsigned keep[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  unsigned code = static_cast<unsigned char>(bytes[0]) & keep[bytes.size()];
  for (const char next : bytes.substr(1)) code = code << 6 | (static_cast<unsigned>(next) & 0x3F);
  return code;
}

// Bytes of the character of two or more bytes at the front (a surrogate counts); 0 for none.
int utf8_size(std::string_view text) {
  const unsigned char first = static_cast<unsigned char>(text[0]);
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  const unsigned code = code_of(text.substr(0, size));
  const bool shortest = code >= (size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u);
  return shortest && code <= 0x10FFFF ? static_cast<int>(size) : 0;
}

void Writer::put_text(std::string_view text, unsigned lone) {
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

void Writer::put_code(unsigned code) {
  if (code >= 0x10000) {
    put_code(0xD800 + ((code - 0x10000) >> 10));
    code = 0xDC00 + ((code - 0x10000) & 0x3FF);
  }
  constexpr char digits[] = "0123456789abcdef";
  const char escaped[] = {'\\', 'u', digits[code >> 12], digits[code >> 8 & 15],
                          digits[code >> 4 & 15], digits[code & 15]};
  put({escaped, sizeof escaped});
}

// ---- Scalars

std::string_view tag_of(const Tree& tree) {
  if (tree.kind != Tree::Object || tree.items.size() != 2) return {};
  return tree.items[0].text;
}

void refuse(const Tree& tree, const char* wanted) {
  constexpr std::string_view names[] = {"None", "bool", "bool", "int", "float", "str", "list"};
  const std::string_view name = tree.kind == Tree::Object ? tag_of(tree) : names[tree.kind];
  throw Raised{"TypeError", std::string(name) + " where " + wanted + " belongs"};
}

void refuse_size(std::size_t found, std::size_t wanted) {
  throw Raised{"TypeError",
               std::to_string(found) + " where " + std::to_string(wanted) + " belong"};
}

struct Whole {
  Wide magnitude = 0;
  bool negative = false;
};

Whole any_whole(const Tree& tree, bool exact) {
  Whole whole;
  if (!exact && (tree.kind == Tree::True || tree.kind == Tree::False)) {
    whole.magnitude = tree.kind == Tree::True;
    return whole;
  }
  const bool tagged = tag_of(tree) == "int";
  if (!tagged && tree.kind != Tree::Integer) refuse(tree, "int");
  std::string_view digits = tagged ? tree.items[1].text : tree.text;
  whole.negative = !digits.empty() && digits[0] == '-';
  if (whole.negative) digits.remove_prefix(1);
  if (tagged) {
    if (digits.substr(0, 2) != "0x") throw Malformed{};
    digits.remove_prefix(2);
  }
  if (digits.empty()) throw Malformed{};
  const unsigned base = tagged ? 16 : 10;
  for (const char character : digits) {
    const unsigned digit = digit_of(character, base);
    if (digit == 16) throw Malformed{};
    if (whole.magnitude > (~Wide{0} - digit) / base)
      throw Raised{"OverflowError", "int too large for any C++ integer"};
    whole.magnitude = whole.magnitude * base + digit;
  }
  return whole;
}

Wide read_whole(const Tree& tree, bool exact, Wide most, bool is_signed) {
  const Whole whole = any_whole(tree, exact);
  const bool beyond = whole.negative && !is_signed ? whole.magnitude != 0
                                                   : whole.magnitude > most + whole.negative;
  if (beyond) throw Raised{"OverflowError", "int too large for the declared integer"};
  return whole.negative ? Wide{0} - whole.magnitude : whole.magnitude;
}

void write_whole(Writer& out, Wide magnitude, bool negative) {
  const bool tagged = magnitude >> 53 != 0;
  const unsigned base = tagged ? 16 : 10;
  char buffer[40];
  char* at = buffer + sizeof buffer;
  do {
    *--at = "0123456789abcdef"[static_cast<unsigned>(magnitude % base)];
    magnitude /= base;
  } while (magnitude != 0);
  if (tagged) out.put("{\"int\":\"");
  if (negative) out.put("-");
  if (tagged) out.put("0x");
  out.put({at, static_cast<std::size_t>(buffer + sizeof buffer - at)});
  if (tagged) out.put("\"}");
}

template <class Real>
Real read_real(const Tree& tree, bool exact) {
  const bool whole = tree.kind == Tree::Integer || tag_of(tree) == "int";
  const bool truth = tree.kind == Tree::True || tree.kind == Tree::False;
  if (tree.kind != Tree::Float && (exact || !(whole || truth))) refuse(tree, "float");
  if (truth) return tree.kind == Tree::True;
  std::string_view text = tree.kind == Tree::Object ? tree.items[1].text : tree.text;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  std::chars_format format = std::chars_format::general;
  if (tree.kind == Tree::Object) {
    if (text.substr(0, 2) != "0x") throw Malformed{};
    text.remove_prefix(2);
    format = std::chars_format::hex;
  }
  Real value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error == std::errc::result_out_of_range && (text.find("e-") == std::string_view::npos))
    throw Raised{"OverflowError", whole ? "int too large for a float" : "float out of range"};
  if (error == std::errc::invalid_argument || last != text.data() + text.size()) throw Malformed{};
  return negative ? -value : value;
}

template <class Real>
void put_real(Writer& out, Real value) {
  if (value != value) return out.put("NaN");
  if (value > std::numeric_limits<Real>::max()) return out.put("Infinity");
  if (value < std::numeric_limits<Real>::lowest()) return out.put("-Infinity");
  char buffer[64];
  const auto [last, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  const std::string_view text(buffer, static_cast<std::size_t>(last - buffer));
  out.put(text);
  if (text.find_first_of(".e") == std::string_view::npos) out.put(".0");
}

float read_float(const Tree& tree, bool exact) { return read_real<float>(tree, exact); }
double read_double(const Tree& tree, bool exact) { return read_real<double>(tree, exact); }
void write_real(Writer& out, float value) { put_real(out, value); }
void write_real(Writer& out, double value) { put_real(out, value); }

const std::string& read_text(const Tree& tree) {
  if (tree.kind != Tree::Text) refuse(tree, "str");
  return tree.text;
}

bool Codec<bool>::decode(const Tree& tree, bool) {
  if (tree.kind != Tree::True && tree.kind != Tree::False) refuse(tree, "bool");
  return tree.kind == Tree::True;
}
void Codec<bool>::encode(Writer& out, bool value) { out.put(value ? "true" : "false"); }

char Codec<char>::decode(const Tree& tree, bool) {
  if (read_text(tree).size() != 1)
    throw Raised{"TypeError", "a text of one ASCII character is wanted"};
  return tree.text[0];
}
void Codec<char>::encode(Writer& out, char value) { out.put_text({&value, 1}); }

std::string read_bytes(std::string_view digits) {
  std::string bytes;
  for (; !digits.empty(); digits.remove_prefix(2)) {
    if (digits.size() < 2 || digit_of(digits[0]) == 16 || digit_of(digits[1]) == 16)
      throw Malformed{};
    bytes += static_cast<char>(digit_of(digits[0]) << 4 | digit_of(digits[1]));
  }
  return bytes;
}

std::string Codec<std::string>::decode(const Tree& tree, bool exact) {
  if (!exact && tag_of(tree) == "bytes") return read_bytes(tree.items[1].text);
  return read_text(tree);
}
void Codec<std::string>::encode(Writer& out, const std::string& value) { out.put_text(value); }

// ---- Containers

const std::vector<Tree>& elements(const Tree& tree, bool plain, std::string_view tag,
                                  std::string_view other, const char* wanted) {
  if (plain && tree.kind == Tree::List) return tree.items;
  const std::string_view found = tag_of(tree);
  if (found.empty() || (found != tag && found != other)) refuse(tree, wanted);
  if (tree.items[1].kind != Tree::List) throw Malformed{};
  return tree.items[1].items;
}

const std::vector<Tree>& elements_of_tuple(const Tree& tree, bool exact, std::size_t size) {
  const std::vector<Tree>& items = elements(tree, !exact, "tuple", "", "tuple");
  if (items.size() != size) refuse_size(items.size(), size);
  return items;
}

const std::vector<Tree>& elements_of_dict(const Tree& tree) {
  const std::vector<Tree>& pairs = elements(tree, false, "dict", "", "dict");
  for (const Tree& pair : pairs)
    if (pair.kind != Tree::List || pair.items.size() != 2) throw Malformed{};
  return pairs;
}

std::any Codec<std::any>::decode(const Tree& tree, bool) {
  switch (tree.kind) {
    case Tree::Null:
      return {};
    case Tree::False:
    case Tree::True:
      return tree.kind == Tree::True;
    case Tree::Float:
      return read_double(tree, true);
    case Tree::Text:
      return tree.text;
    default:
      break;
  }
  const std::string_view tag = tag_of(tree);
  if (tree.kind == Tree::Integer || tag == "int") {
    const long number = Codec<long>::decode(tree, true);
    if (number < INT32_MIN || number > INT32_MAX) return number;
    return static_cast<int>(number);
  }
  if (tag == "dict") {
    const std::vector<Tree>& pairs = elements_of_dict(tree);
    if (!pairs.empty() && pairs[0].items[0].kind == Tree::Integer)
      return Codec<std::map<long, std::any>>::decode(tree, true);
    return Codec<std::map<std::string, std::any>>::decode(tree, true);
  }
  std::vector<std::any> values;
  for (const Tree& item : elements(tree, true, "tuple", "", "a value for std::any"))
    values.push_back(decode(item, true));
  return values;
}

template <class T>
bool encode_one(Writer& out, const T* value) {
  if (value != nullptr) Codec<T>::encode(out, *value);
  return value != nullptr;
}
template <class... Types>
bool encode_if(Writer& out, const std::any& value) {
  return (encode_one(out, std::any_cast<Types>(&value)) || ...);
}

void Codec<std::any>::encode(Writer& out, const std::any& value) {
  if (!value.has_value()) return out.put("null");
  const bool known =
      encode_if<bool, int, long, long long, unsigned, unsigned long, unsigned long long, float,
                double, char, std::string, std::string_view, const char*, std::nullopt_t,
                std::nullptr_t>(out, value) ||
      encode_if<std::vector<std::any>, std::vector<int>, std::vector<long>, std::vector<float>,
                std::vector<double>, std::vector<std::string>, std::map<std::string, std::any>,
                std::map<long, std::any>, std::map<std::string, std::string>,
                std::map<std::string, long>, std::map<std::string, int>, std::map<long, long>,
                std::map<int, int>>(out, value);
  if (!known) out.put("{\"opaque\":\"any\"}");
}

// ---- Calls

// One line of ASCII-escaped JSON, whatever the message is made of.
std::string raised(const char* type, const char* message) {
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

std::string answer(const Target& target, const std::vector<Tree>& args, bool named) {
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

void send(std::string_view content) {
  const std::size_t size = content.size();
  std::string frame;
  for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(size >> shift & 0xFF);
  frame += content;
  for (std::size_t sent = 0; sent < frame.size();) {
    const iovec part{frame.data() + sent, frame.size() - sent};
    const std::ptrdiff_t count = writev(channel, &part, 1);
    if (count < 0 && errno != EINTR) std::_Exit(protocol_error);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
}

// Returns false if the stream ends before the first byte.
bool receive_exactly(char* buffer, std::size_t size) {
  for (std::size_t have = 0; have < size;) {
    const iovec part{buffer + have, size - have};
    const std::ptrdiff_t count = readv(channel, &part, 1);
    if (count == 0 && have == 0) return false;
    if (count == 0 || (count < 0 && errno != EINTR)) throw Malformed{};
    if (count > 0) have += static_cast<std::size_t>(count);
  }
  return true;
}

bool receive(std::string& message) {
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
const Tree& field(const Tree& object, std::string_view key, Tree::Kind kind,
                         const Tree& absent) {
  if (object.kind != Tree::Object) throw Malformed{};
  const Tree* found = &absent;
  for (std::size_t i = 0; i < object.items.size(); i += 2)
    if (object.items[i].text == key) found = &object.items[i + 1];
  if (found->kind != kind) throw Malformed{};
  return *found;
}

// Whether an address lies in the file that the program was built to: not in a shared library.
bool is_own(const void* place) {
  Dl_info here, there;
  return dladdr(reinterpret_cast<const void*>(&channel), &here) == 0 ||
         dladdr(place, &there) == 0 || here.dli_fbase == there.dli_fbase;
}

void serve_target(const Target& target, const char* name, const void* place) {
  Tree nothing, no_kwargs;
  no_kwargs.kind = Tree::Object;
  if (!is_own(place)) {
    send("{\"failed\":\"no_code\",\"detail\":\"the program does not define " + std::string(name) +
         "\"}");
    return;
  }
  send("{\"loaded\":true}");
  for (std::string message; receive(message);) {
    const Tree batch = parse(message);
    for (const Tree& call : field(batch, "calls", Tree::List, nothing).items) {
      const Tree& args = field(call, "args", Tree::List, nothing);
      const bool named = !field(call, "kwargs", Tree::Object, no_kwargs).items.empty();
      send(answer(target, args.items, named));
    }
  }
}

void run() {
  try {
    if (overproof_program) overproof_program();
  } catch (const Malformed&) {
    std::_Exit(protocol_error);
  }
  std::_Exit(0);  // without the program's destructors, which might fail
}

}  // namespace overproof_driver

__attribute__((weak)) int main() { overproof_driver::run(); }
