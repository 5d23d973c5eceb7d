// Numbers, characters and texts: Codec<T>::decode(tree, exact), Codec<T>::encode(writer, value).
//
// The trees are those of `codec.py`. `exact` refuses what is merely convertible; a variant tries
// its alternatives with it first. `float` is written with the fewest digits that give it back.

#pragma once

#include <charconv>
#include <limits>
#include <type_traits>

#include "overproof_json.hpp"

namespace overproof_driver {

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

inline std::string_view tag_of(const Tree& tree) {
  if (tree.kind != Tree::Object || tree.items.size() != 2) return {};
  return tree.items[0].text;
}

[[noreturn]] inline void refuse(const Tree& tree, const char* wanted) {
  constexpr std::string_view names[] = {"None", "bool", "bool", "int", "float", "str", "list"};
  const std::string_view name = tree.kind == Tree::Object ? tag_of(tree) : names[tree.kind];
  throw Raised{"TypeError", std::string(name) + " where " + wanted + " belongs"};
}

struct Whole {
  Wide magnitude = 0;
  bool negative = false;
};

inline Whole read_whole(const Tree& tree, bool exact) {
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

inline void write_whole(Writer& out, Wide magnitude, bool negative) {
  const bool tagged = magnitude >> 63 != 0;  // as `codec.encode` does
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
void write_real(Writer& out, Real value) {
  if (value != value) return out.put("NaN");
  if (value > std::numeric_limits<Real>::max()) return out.put("Infinity");
  if (value < std::numeric_limits<Real>::lowest()) return out.put("-Infinity");
  char buffer[64];
  const auto [last, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  const std::string_view text(buffer, static_cast<std::size_t>(last - buffer));
  out.put(text);
  if (text.find_first_of(".e") == std::string_view::npos) out.put(".0");
}

inline const std::string& read_text(const Tree& tree) {
  if (tree.kind != Tree::Text) refuse(tree, "str");
  return tree.text;
}

template <class T>
constexpr bool is_whole = (std::is_integral_v<T> || std::is_same_v<T, Wide> ||
                           std::is_same_v<T, SignedWide>)&&!std::is_same_v<T, bool> &&
                          !std::is_same_v<T, char>;

template <class T>
constexpr bool unsupported = false;

template <class T, class = void>
struct Codec {
  static_assert(unsupported<T>, "no plain data stands for this type of parameter or result");
};

template <class T>
struct Codec<T, std::enable_if_t<is_whole<T>>> {
  static constexpr bool is_signed = T(-1) < T(0);
  static constexpr Wide max = ~Wide{0} >> (128 - 8 * sizeof(T) + is_signed);

  static T decode(const Tree& tree, bool exact) {
    const Whole whole = read_whole(tree, exact);
    if (whole.magnitude > max + (whole.negative && is_signed) ||
        (whole.negative && !is_signed && whole.magnitude != 0))
      throw Raised{"OverflowError", "int too large for a C++ integer of " +
                                        std::to_string(8 * sizeof(T)) + " bits"};
    return static_cast<T>(whole.negative ? Wide{0} - whole.magnitude : whole.magnitude);
  }

  static void encode(Writer& out, const T& value) {
    const bool negative = value < T(0);
    const Wide magnitude = static_cast<Wide>(value);
    write_whole(out, negative ? Wide{0} - magnitude : magnitude, negative);
  }
};

template <>
struct Codec<bool> {
  static bool decode(const Tree& tree, bool) {
    if (tree.kind != Tree::True && tree.kind != Tree::False) refuse(tree, "bool");
    return tree.kind == Tree::True;
  }
  static void encode(Writer& out, const bool& value) { out.put(value ? "true" : "false"); }
};

template <>
struct Codec<char> {
  static char decode(const Tree& tree, bool) {
    if (read_text(tree).size() != 1)
      throw Raised{"TypeError", "a text of one ASCII character is wanted"};
    return tree.text[0];
  }
  static void encode(Writer& out, const char& value) { out.put_text({&value, 1}); }
};

// Read as `double`, like the value in Python that it comes from, unless it is a `float`: the
// `float` nearest to 0.1 is what 0.1f means.
template <class T>
struct Codec<T, std::enable_if_t<std::is_floating_point_v<T>>> {
  using Real = std::conditional_t<std::is_same_v<T, float>, float, double>;
  static T decode(const Tree& tree, bool exact) { return read_real<Real>(tree, exact); }
  static void encode(Writer& out, const T& value) { write_real(out, static_cast<Real>(value)); }
};

template <>
struct Codec<std::string> {
  static std::string decode(const Tree& tree, bool exact) {
    if (!exact && tag_of(tree) == "bytes") return read_bytes(tree.items[1].text);
    return read_text(tree);
  }
  static void encode(Writer& out, const std::string& value) { out.put_text(value); }

 private:
  static std::string read_bytes(std::string_view digits) {
    std::string bytes;
    for (; !digits.empty(); digits.remove_prefix(2)) {
      if (digits.size() < 2 || digit_of(digits[0]) == 16 || digit_of(digits[1]) == 16)
        throw Malformed{};
      bytes += static_cast<char>(digit_of(digits[0]) << 4 | digit_of(digits[1]));
    }
    return bytes;
  }
};

// The three kinds of view look into the tree, which lives until the result is written.
template <>
struct Codec<std::string_view> {
  static std::string_view decode(const Tree& tree, bool) { return read_text(tree); }
  static void encode(Writer& out, const std::string_view& value) { out.put_text(value); }
};

template <>
struct Codec<const char*> {
  static const char* decode(const Tree& tree, bool) {
    return tree.kind == Tree::Null ? nullptr : read_text(tree).c_str();
  }
  static void encode(Writer& out, const char* value) {
    value == nullptr ? out.put("null") : out.put_text(value);
  }
};

template <>
struct Codec<char*> : Codec<const char*> {
  static char* decode(const Tree& tree, bool exact) {
    return const_cast<char*>(Codec<const char*>::decode(tree, exact));
  }
};

}  // namespace overproof_driver
