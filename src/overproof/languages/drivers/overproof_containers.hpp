// What holds other values: containers, pair, tuple, array, optional, variant, any.
//
// Containers are told by what they can do, so that no header is loaded for those unused. Limits:
// no multiset, multimap, forward_list, or class of the program's own.

#pragma once

#include <any>
#include <array>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "overproof_scalars.hpp"

namespace overproof_driver {

// The elements of a list, or of a tagged one if its tag is among the two.
const std::vector<Tree>& elements(const Tree& tree, bool plain, std::string_view tag,
                                  std::string_view other, const char* wanted);
const std::vector<Tree>& elements_of_tuple(const Tree& tree, bool exact, std::size_t size);
// The pairs of a dict: lists of two.
const std::vector<Tree>& elements_of_dict(const Tree& tree);

template <class T, class = void>
constexpr bool is_sequence = false;
template <class T>
constexpr bool is_sequence<T, std::void_t<decltype(std::declval<T&>().push_back(
                                  std::declval<typename T::value_type>()))>> = true;

template <class T, class = void>
constexpr bool is_map = false;
template <class T>
constexpr bool is_map<T, std::void_t<decltype(std::declval<T&>()
                                                  .emplace(std::declval<typename T::key_type>(),
                                                           std::declval<typename T::mapped_type>())
                                                  .second)>> = true;

// `second` tells them from a multiset.
template <class T, class = void>
constexpr bool is_set = false;
template <class T>
constexpr bool is_set<T, std::void_t<decltype(std::declval<T&>()
                                                  .insert(std::declval<typename T::key_type>())
                                                  .second)>> =
    std::is_same_v<typename T::key_type, typename T::value_type>;

template <class T>
void encode_items(Writer& out, const T& values) {
  const char* separator = "[";
  for (const auto& value : values) {
    out.put(separator);
    Codec<typename T::value_type>::encode(out, value);
    separator = ",";
  }
  out.put(*separator == '[' ? "[]" : "]");
}

template <class T>
struct Codec<T, std::enable_if_t<is_sequence<T>>> {
  static T decode(const Tree& tree, bool exact) {
    T values;
    const char* const other = exact ? "" : "tuple";
    for (const Tree& item : elements(tree, true, exact ? "" : "iterator", other, "list"))
      values.push_back(Codec<typename T::value_type>::decode(item, exact));
    return values;
  }
  static void encode(Writer& out, const T& values) { encode_items(out, values); }
};

template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  static std::array<T, N> decode(const Tree& tree, bool exact) {
    std::array<T, N> values{};
    const auto decoded = Codec<std::vector<T>>::decode(tree, exact);
    if (decoded.size() != N) refuse_size(decoded.size(), N);
    for (std::size_t i = 0; i < N; ++i) values[i] = decoded[i];
    return values;
  }
  static void encode(Writer& out, const std::array<T, N>& values) { encode_items(out, values); }
};

template <class T>
struct Codec<T, std::enable_if_t<is_set<T>>> {
  static T decode(const Tree& tree, bool exact) {
    T values;
    for (const Tree& item : elements(tree, false, "set", "frozenset", "set"))
      values.insert(Codec<typename T::key_type>::decode(item, exact));
    return values;
  }
  static void encode(Writer& out, const T& values) {
    out.put("{\"set\":");
    encode_items(out, values);
    out.put("}");
  }
};

template <class T>
struct Codec<T, std::enable_if_t<is_map<T>>> {
  using Key = typename T::key_type;
  using Mapped = typename T::mapped_type;

  static T decode(const Tree& tree, bool exact) {
    T values;
    for (const Tree& pair : elements_of_dict(tree))
      values.emplace(Codec<Key>::decode(pair.items[0], exact),
                     Codec<Mapped>::decode(pair.items[1], exact));
    return values;
  }

  static void encode(Writer& out, const T& values) {
    out.put("{\"dict\":[");
    const char* separator = "[";
    for (const auto& [key, value] : values) {
      out.put(separator);
      Codec<Key>::encode(out, key);
      out.put(",");
      Codec<Mapped>::encode(out, value);
      out.put("]");
      separator = ",[";
    }
    out.put("]}");
  }
};

template <class T>
struct TupleCodec;

template <template <class...> class Tuple, class... Items>
struct TupleCodec<Tuple<Items...>> {
  using T = Tuple<Items...>;
  using Indices = std::index_sequence_for<Items...>;

  static T decode(const Tree& tree, bool exact) {
    T values;
    decode_into(values, elements_of_tuple(tree, exact, sizeof...(Items)), exact, Indices{});
    return values;
  }
  static void encode(Writer& out, const T& values) {
    out.put("{\"tuple\":[");
    encode_each(out, values, Indices{});
    out.put("]}");
  }

 private:
  template <std::size_t... I>
  static void decode_into(T& values, const std::vector<Tree>& items, bool exact,
                          std::index_sequence<I...>) {
    ((std::get<I>(values) = Codec<Items>::decode(items[I], exact)), ...);
    static_cast<void>(values), static_cast<void>(items), static_cast<void>(exact);
  }
  template <std::size_t... I>
  static void encode_each(Writer& out, const T& values, std::index_sequence<I...>) {
    ((out.put(I == 0 ? "" : ","), Codec<Items>::encode(out, std::get<I>(values))), ...);
    static_cast<void>(out), static_cast<void>(values);
  }
};

template <class... Items>
struct Codec<std::tuple<Items...>> : TupleCodec<std::tuple<Items...>> {};
template <class First, class Second>
struct Codec<std::pair<First, Second>> : TupleCodec<std::pair<First, Second>> {};

template <class T>
struct Codec<std::optional<T>> {
  static std::optional<T> decode(const Tree& tree, bool exact) {
    if (tree.kind == Tree::Null) return std::nullopt;
    return Codec<T>::decode(tree, exact);
  }
  static void encode(Writer& out, const std::optional<T>& value) {
    value.has_value() ? Codec<T>::encode(out, *value) : out.put("null");
  }
};

template <class T>
struct NullCodec {
  static T decode(const Tree& tree, bool) {
    if (tree.kind != Tree::Null) refuse(tree, "None");
    return T{};
  }
  static void encode(Writer& out, const T&) { out.put("null"); }
};
template <>
struct Codec<std::monostate> : NullCodec<std::monostate> {};
template <>
struct Codec<std::nullptr_t> : NullCodec<std::nullptr_t> {};
template <>
struct Codec<std::nullopt_t> {
  static std::nullopt_t decode(const Tree& tree, bool) {
    if (tree.kind != Tree::Null) refuse(tree, "None");
    return std::nullopt;
  }
  static void encode(Writer& out, const std::nullopt_t&) { out.put("null"); }
};

template <class... Alternatives>
struct Codec<std::variant<Alternatives...>> {
  using T = std::variant<Alternatives...>;

  static T decode(const Tree& tree, bool exact) {
    std::optional<T> found;
    try_all(found, tree, true, std::index_sequence_for<Alternatives...>{});
    if (!exact) try_all(found, tree, false, std::index_sequence_for<Alternatives...>{});
    if (!found.has_value()) refuse(tree, "an alternative of the variant");
    return *std::move(found);
  }
  static void encode(Writer& out, const T& value) {
    std::visit(
        [&out](const auto& held) {
          Codec<std::remove_cv_t<std::remove_reference_t<decltype(held)>>>::encode(out, held);
        },
        value);
  }

 private:
  template <std::size_t... I>
  static void try_all(std::optional<T>& found, const Tree& tree, bool exact,
                      std::index_sequence<I...>) {
    (try_one<I, Alternatives>(found, tree, exact), ...);
  }
  template <std::size_t I, class Alternative>
  static void try_one(std::optional<T>& found, const Tree& tree, bool exact) {
    if (found.has_value()) return;
    try {
      found.emplace(std::in_place_index<I>, Codec<Alternative>::decode(tree, exact));
    } catch (const Raised&) {
    }
  }
};

// Holds what a literal would be: bool, int (or long, if it must), double, std::string; for a list
// or tuple std::vector<std::any>; for a dict a std::map from std::string or long to std::any. None
// is empty. Comes back as long as it holds one of these, another number or text, or a vector or
// map of numbers or texts.
template <>
struct Codec<std::any> {
  static std::any decode(const Tree& tree, bool exact);
  static void encode(Writer& out, const std::any& value);
};

}  // namespace overproof_driver
