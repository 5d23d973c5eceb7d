// From plain data to the types that a method declares.
//
// Where `object` is declared: bool, long (BigInteger if it must), double, string, List<object> for
// lists and tuples, HashSet<object>, and for a map Dictionary<string, object> if all keys are text,
// else Dictionary<object, object>.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Numerics;
using System.Reflection;

namespace Overproof {

static class Decoder {
  public static object Convert(object tree, Type type) {
    Type optional = Nullable.GetUnderlyingType(type);
    if (tree == null) {
      if (type.IsValueType && optional == null) throw Mismatch(tree, type);
      return null;
    }
    type = optional ?? type;
    if (type == typeof(object)) return Natural(tree);
    switch (type.IsEnum ? TypeCode.Object : Type.GetTypeCode(type)) {
      case TypeCode.Boolean:
        if (tree is bool) return tree;
        throw Mismatch(tree, type);
      case TypeCode.String:
        if (tree is string) return tree;
        throw Mismatch(tree, type);
      case TypeCode.Char:
        if (tree is string && ((string)tree).Length == 1) return ((string)tree)[0];
        throw Mismatch(tree, type);
      case TypeCode.Double:
      case TypeCode.Single:
      case TypeCode.Decimal: return Real(tree, type);
      case TypeCode.Object: break;
      default: return Whole(tree, type);
    }
    if (Shapes.IsLarge(type)) {
      object whole = WholeOf(tree);
      if (whole == null) throw Mismatch(tree, type);
      return Large.From(whole);
    }
    if (Shapes.IsTuple(type)) return OfMembers(tree, type);
    return OfMany(tree, type);
  }

  static Refused Mismatch(object tree, Type type) =>
      new Refused("TypeError", Named(tree) + " where " + type.Name + " belongs");

  static string Named(object tree) {
    if (tree == null) return "None";
    if (tree is bool) return "bool";
    if (tree is long || tree is Large) return "int";
    if (tree is double) return "float";
    if (tree is string) return "str";
    if (tree is Tagged)
      foreach (string tag in ((Tagged)tree).Keys) return tag;
    return "list";
  }

  static object Tag(object tree, string tag) {
    object content = null;
    if (tree is Tagged) ((Tagged)tree).TryGetValue(tag, out content);
    return content;
  }

  // A long, a Large, or null for what is no integer.
  static object WholeOf(object tree) {
    if (tree is long || tree is Large) return tree;
    var written = (string)Tag(tree, "int");
    if (written == null) return null;
    bool negative = written[0] == '-';
    ulong magnitude;
    if (ulong.TryParse(written.Substring(negative ? 3 : 2), NumberStyles.AllowHexSpecifier,
                       CultureInfo.InvariantCulture, out magnitude)) {
      if (magnitude <= long.MaxValue) return negative ? -(long)magnitude : (long)magnitude;
      if (negative && magnitude == 1UL << 63) return long.MinValue;
    }
    return Large.Of(written, true);
  }

  static object Whole(object tree, Type type) {
    object whole = WholeOf(tree);
    if (whole == null) throw Mismatch(tree, type);
    if (type == typeof(long) && whole is long) return whole;
    try {
      if (whole is Large) {
        if (type == typeof(ulong)) return Large.Unsigned(whole);
        throw new OverflowException();
      }
      return System.Convert.ChangeType(whole, type, CultureInfo.InvariantCulture);
    } catch (OverflowException) {
      throw new Refused("OverflowError", "int too large for " + type.Name);
    }
  }

  static object Real(object tree, Type type) {
    object whole = WholeOf(tree);
    double value;
    if (whole is long)
      value = (long)whole;
    else if (whole is Large)
      value = Large.Real(whole);
    else if (tree is double)
      value = (double)tree;
    else
      throw Mismatch(tree, type);
    if (type == typeof(double)) return value;
    if (type == typeof(float)) return (float)value;
    try {
      return (decimal)value;
    } catch (OverflowException) {
      throw new Refused("OverflowError", "number too large for decimal");
    }
  }

  static object Natural(object tree) {
    if (tree is Tagged) {
      object whole = WholeOf(tree);
      if (whole != null) return whole is Large ? Large.From(whole) : whole;
      if (Tag(tree, "set") != null || Tag(tree, "frozenset") != null)
        return Convert(tree, typeof(HashSet<object>));
      var pairs = Tag(tree, "dict") as List<object>;
      if (pairs == null) return Naturals(Elements(tree, typeof(object), "tuple"));
      foreach (object pair in pairs)
        if (!(((List<object>)pair)[0] is string))
          return Convert(tree, typeof(Dictionary<object, object>));
      return Convert(tree, typeof(Dictionary<string, object>));
    }
    if (tree is List<object>) return Naturals((List<object>)tree);
    return tree is Large ? Large.From(tree) : tree;
  }

  static List<object> Naturals(List<object> items) {
    var values = new List<object>(items.Count);
    foreach (object item in items) values.Add(Natural(item));
    return values;
  }

  // The elements of a list, or of one with one of these tags.
  static List<object> Elements(object tree, Type type, params string[] tags) {
    foreach (string tag in tags) {
      object items = tag == "list" ? tree as List<object> : Tag(tree, tag);
      if (items != null) return (List<object>)items;
    }
    throw Mismatch(tree, type);
  }

  static object OfMembers(object tree, Type type) {
    List<object> items = Elements(tree, type, "tuple", "list");
    object value = Shapes.Make(type, items, 0);
    if (value == null)
      throw new Refused("TypeError",
                        items.Count + " elements where " + Shapes.Count(type) + " belong");
    return value;
  }

  static Array OfItems(List<object> items, Type type) {
    var array = Array.CreateInstance(type, items.Count);
    for (int i = 0; i < items.Count; i++) array.SetValue(Convert(items[i], type), i);
    return array;
  }

  static object OfMany(object tree, Type type) {
    if (type.IsArray && type.GetArrayRank() == 1)
      return OfItems(Elements(tree, type, "list", "tuple"), type.GetElementType());
    if (type.IsArray && type.GetArrayRank() == 2) return Grid(tree, type);
    if (Tag(tree, "dict") != null) return Map(tree, type);
    if (Tag(tree, "set") != null || Tag(tree, "frozenset") != null)
      return Collect(Elements(tree, type, "set", "frozenset"), type, true);
    return Collect(Elements(tree, type, "list", "tuple"), type, false);
  }

  static object Grid(object tree, Type type) {
    List<object> rows = Elements(tree, type, "list", "tuple");
    Array grid = null;
    for (int i = 0; i < rows.Count; i++) {
      List<object> cells = Elements(rows[i], type, "list", "tuple");
      grid = grid ?? Array.CreateInstance(type.GetElementType(), rows.Count, cells.Count);
      if (cells.Count != grid.GetLength(1))
        throw new Refused("TypeError", "rows of different lengths");
      for (int j = 0; j < cells.Count; j++)
        grid.SetValue(Convert(cells[j], type.GetElementType()), i, j);
    }
    return grid ?? Array.CreateInstance(type.GetElementType(), 0, 0);
  }

  // A collection of the declared class, or of the usual one if an interface is declared.
  static object Collect(List<object> items, Type type, bool isSet) {
    Type item = Shapes.Argument(type, typeof(IEnumerable<>), 0) ?? typeof(object);
    bool declaresSet = Shapes.Find(type, typeof(ISet<>)) != null;
    if (isSet != declaresSet && type != typeof(IEnumerable<>).MakeGenericType(item))
      throw new Refused("TypeError", (isSet ? "set" : "list") + " where " + type.Name + " belongs");
    Array values = OfItems(items, item);
    if (!type.IsAbstract) {
      // Of the one argument that it is made of, as List<T>, HashSet<T>, Queue<T>, ArrayList are.
      foreach (ConstructorInfo constructor in type.GetConstructors()) {
        ParameterInfo[] parameters = constructor.GetParameters();
        if (parameters.Length == 1 && parameters[0].ParameterType != typeof(object) &&
            parameters[0].ParameterType.IsInstanceOfType(values))
          return constructor.Invoke(new object[] { values });
      }
    }
    Type usual = (isSet ? typeof(HashSet<>) : typeof(List<>)).MakeGenericType(item);
    if (type.IsAssignableFrom(usual)) return Activator.CreateInstance(usual, values);
    throw new Refused("TypeError", "list where " + type.Name + " belongs");
  }

  static object Map(object tree, Type type) {
    Type form = Shapes.Find(type, typeof(IDictionary<,>)) != null ? typeof(IDictionary<,>)
                                                                  : typeof(IReadOnlyDictionary<,>);
    Type key = Shapes.Argument(type, form, 0) ?? typeof(object);
    Type held = Shapes.Argument(type, form, 1) ?? typeof(object);
    Type usual = typeof(Dictionary<,>).MakeGenericType(key, held);
    bool own = !type.IsAbstract && typeof(IDictionary).IsAssignableFrom(type);
    if (!own && !type.IsAssignableFrom(usual)) throw Mismatch(tree, type);
    var map = (IDictionary)Activator.CreateInstance(own ? type : usual);
    foreach (object pair in Elements(tree, type, "dict")) {
      var members = (List<object>)pair;
      map[Convert(members[0], key)] = Convert(members[1], held);
    }
    return map;
  }
}

// Integers beyond long. Whatever mentions BigInteger is in methods of this class, so that its
// library is only loaded when one of them is called.
sealed class Large {
  string digits;
  bool hexadecimal;

  public static Large Of(string digits, bool hexadecimal) =>
      new Large { digits = digits, hexadecimal = hexadecimal };

  static BigInteger Value(object whole) {
    if (whole is long) return (long)whole;
    var large = (Large)whole;
    bool negative = large.digits[0] == '-';
    string magnitude = large.digits.Substring((negative ? 1 : 0) + (large.hexadecimal ? 2 : 0));
    var style = large.hexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
    BigInteger value = BigInteger.Parse("0" + magnitude, style, CultureInfo.InvariantCulture);
    return negative ? -value : value;
  }

  public static object From(object whole) => Value(whole);
  public static object Unsigned(object whole) => (ulong)Value(whole);
  public static double Real(object whole) => (double)Value(whole);

  public static string Written(object value) {
    var whole = (BigInteger)value;
    if (BigInteger.Abs(whole) < 1L << 53) return whole.ToString(CultureInfo.InvariantCulture);
    string magnitude = BigInteger.Abs(whole).ToString("x").TrimStart('0');
    return "{\"int\":\"" + (whole.Sign < 0 ? "-0x" : "0x") + magnitude + "\"}";
  }
}

// Tuples of all kinds, and what generic types are made of.
static class Shapes {
  const int MaxFlat = 7;

  public static bool IsLarge(Type type) => type.FullName == "System.Numerics.BigInteger";

  public static bool IsTuple(Type type) {
    if (!type.IsGenericType || type.Namespace == null || !type.Namespace.StartsWith("System"))
      return false;
    return type.Name.StartsWith("Tuple`") || type.Name.StartsWith("ValueTuple`") ||
           type.Name == "KeyValuePair`2";
  }

  public static object[] Members(object value) {
    Type type = value.GetType();
    if (type.Name == "KeyValuePair`2" || value is DictionaryEntry)
      return new[] { Member(value, "Key"), Member(value, "Value") };
    var members = new object[Count(type)];
    for (int i = 0; i < members.Length && i < MaxFlat; i++)
      members[i] = Member(value, "Item" + (i + 1));
    if (members.Length > MaxFlat) {
      object[] rest = Members(Member(value, "Rest"));
      Array.Copy(rest, 0, members, MaxFlat, rest.Length);
    }
    return members;
  }

  static object Member(object value, string name) {
    PropertyInfo property = value.GetType().GetProperty(name);
    return property != null ? property.GetValue(value, null)
                            : value.GetType().GetField(name).GetValue(value);
  }

  public static int Count(Type type) {
    Type[] types = type.GetGenericArguments();
    return types.Length > MaxFlat ? MaxFlat + Count(types[MaxFlat]) : types.Length;
  }

  // The tuple of the items from a place on; null if there are too many or too few.
  public static object Make(Type type, List<object> items, int from) {
    if (items.Count - from != Count(type)) return null;
    Type[] types = type.GetGenericArguments();
    var members = new object[types.Length];
    for (int i = 0; i < members.Length; i++)
      members[i] = i < MaxFlat ? Decoder.Convert(items[from + i], types[i])
                               : Make(types[i], items, from + MaxFlat);
    return Activator.CreateInstance(type, members);
  }

  // The type itself or what it implements of a generic type.
  public static Type Find(Type type, Type wanted) {
    if (Is(type, wanted)) return type;
    foreach (Type each in type.GetInterfaces())
      if (Is(each, wanted)) return each;
    return null;
  }

  static bool Is(Type type, Type wanted) =>
      type.IsGenericType && type.GetGenericTypeDefinition() == wanted;

  public static bool IsMap(Type type) =>
      Find(type, typeof(IDictionary<,>)) != null ||
      Find(type, typeof(IReadOnlyDictionary<,>)) != null;

  public static Type Argument(Type type, Type wanted, int place) {
    Type found = Find(type, wanted);
    return found == null ? null : found.GetGenericArguments()[place];
  }
}

}  // namespace Overproof
