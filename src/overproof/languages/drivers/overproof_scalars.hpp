// Numbers, characters and texts: Codec<T>::decode(tree, exact), Codec<T>::encode(writer, value).
//
// `exact` refuses what is merely convertible; a variant tries its alternatives with it first. A
// real is written with the fewest digits that give it back in its own type: 1.33f as 1.33. The
// bodies that are no templates are in `overproof_runtime.hpp`.

#pragma once

#include <type_traits>

#include "overproof_json.hpp"

namespace overproof_driver {

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

std::string_view tag_of(const Tree& tree);
[[noreturn]] void refuse(const Tree& tree, const char* wanted);
[[noreturn]] void refuse_size(std::size_t found, std::size_t wanted);

// The integer of a tree, if it lies between -`most` - 1 (0 if unsigned) and `most`, modulo 2**128.
Wide read_whole(const Tree& tree, bool exact, Wide most, bool is_signed);
void write_whole(Writer& out, Wide magnitude, bool negative);

float read_float(const Tree& tree, bool exact);
double read_double(const Tree& tree, bool exact);
void write_real(Writer& out, float value);
void write_real(Writer& out, double value);

const std::string& read_text(const Tree& tree);

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
  static constexpr Wide most = ~Wide{0} >> (128 - 8 * sizeof(T) + is_signed);

  static T decode(const Tree& tree, bool exact) {
    return static_cast<T>(read_whole(tree, exact, most, is_signed));
  }
  static void encode(Writer& out, T value) {
    const bool negative = value < T(0);
    const Wide magnitude = static_cast<Wide>(value);
    write_whole(out, negative ? Wide{0} - magnitude : magnitude, negative);
  }
};

template <>
struct Codec<bool> {
  static bool decode(const Tree& tree, bool exact);
  static void encode(Writer& out, bool value);
};

template <>
struct Codec<char> {
  static char decode(const Tree& tree, bool exact);
  static void encode(Writer& out, char value);
};

// Read as `double`, like the value in Python that it comes from, unless it is a `float`: the
// `float` nearest to 0.1 is what 0.1f means.
template <>
struct Codec<float> {
  static float decode(const Tree& tree, bool exact) { return read_float(tree, exact); }
  static void encode(Writer& out, float value) { write_real(out, value); }
};

template <class T>
struct Codec<T, std::enable_if_t<std::is_floating_point_v<T>>> {
  static T decode(const Tree& tree, bool exact) { return read_double(tree, exact); }
  static void encode(Writer& out, T value) { write_real(out, static_cast<double>(value)); }
};

template <>
struct Codec<std::string> {
  static std::string decode(const Tree& tree, bool exact);
  static void encode(Writer& out, const std::string& value);
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
