// The messages of the driver: a parser of JSON, and the writer of one reply.
//
// A message becomes null, bool, long, double, string, List<object>, Tagged (an object), and Large
// (an integer beyond long). A reply is ASCII, at most 8 MiB and 100 levels.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Overproof {

sealed class Tagged : Dictionary<string, object> {}

sealed class Parser {
  const int MaxDepth = 512;
  readonly string text;
  int at;

  public Parser(string message) { text = message; }

  public object Parse() {
    object tree = Value(0);
    if (Peek() != '\0') throw Malformed();
    return tree;
  }

  static Exception Malformed() => new FormatException("no message of the protocol");

  char Peek() {
    while (at < text.Length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' ||
                                text[at] == '\t'))
      at++;
    return at < text.Length ? text[at] : '\0';
  }

  bool Skip(string word) {
    if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) return false;
    at += word.Length;
    return true;
  }

  object Value(int depth) {
    if (depth > MaxDepth) throw Malformed();
    switch (Peek()) {
      case '[': return Items(depth);
      case '{': return Members(depth);
      case '"': return Text();
    }
    if (Skip("null")) return null;
    if (Skip("true")) return true;
    if (Skip("false")) return false;
    if (Skip("NaN")) return double.NaN;
    if (Skip("Infinity")) return double.PositiveInfinity;
    if (Skip("-Infinity")) return double.NegativeInfinity;
    return Number();
  }

  object Number() {
    int start = at;
    bool whole = true;
    for (; at < text.Length; at++) {
      char c = text[at];
      if (c == '.' || c == 'e' || c == 'E')
        whole = false;
      else if ((c < '0' || c > '9') && c != '-' && c != '+')
        break;
    }
    string number = text.Substring(start, at - start);
    if (!whole) return double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture);
    long value;
    const NumberStyles Style = NumberStyles.AllowLeadingSign;
    bool fits = long.TryParse(number, Style, CultureInfo.InvariantCulture, out value);
    return fits ? (object)value : Large.Of(number, false);
  }

  // After an item: whether another follows.
  bool Another(char closing) {
    char next = Peek();
    at++;
    if (next != closing && next != ',') throw Malformed();
    return next == ',';
  }

  bool Empty(char closing) {
    at++;
    if (Peek() != closing) return false;
    at++;
    return true;
  }

  List<object> Items(int depth) {
    var items = new List<object>();
    if (Empty(']')) return items;
    do items.Add(Value(depth + 1));
    while (Another(']'));
    return items;
  }

  Tagged Members(int depth) {
    var members = new Tagged();
    if (Empty('}')) return members;
    do {
      if (Peek() != '"') throw Malformed();
      string key = Text();
      if (Peek() != ':') throw Malformed();
      at++;
      members[key] = Value(depth + 1);
    } while (Another('}'));
    return members;
  }

  string Text() {
    at++;
    int end = at;
    while (end < text.Length && text[end] != '"' && text[end] != '\\') end++;
    var result = new StringBuilder(text, at, end - at, end - at + 16);
    for (at = end;;) {
      if (at >= text.Length) throw Malformed();
      char next = text[at++];
      if (next == '"') return result.ToString();
      result.Append(next == '\\' ? Escape() : next);
    }
  }

  char Escape() {
    char name = at < text.Length ? text[at++] : '\0';
    int which = "\"\\/bfnrt".IndexOf(name);
    if (which >= 0) return "\"\\/\b\f\n\r\t"[which];
    if (name != 'u' || at + 4 > text.Length) throw Malformed();
    at += 4;
    return (char)int.Parse(text.Substring(at - 4, 4), NumberStyles.AllowHexSpecifier);
  }
}

sealed class Encoder {
  const int MaxReply = 8 << 20, MaxDepth = 100;
  const long FirstTagged = 1L << 53;
  readonly StringBuilder output = new StringBuilder();

  public static string Reply(object value) {
    var encoder = new Encoder();
    encoder.Put("{\"value\":");
    encoder.Write(value, 0);
    encoder.Put("}");
    return encoder.output.ToString();
  }

  public static string Quote(string text) {
    var quoted = new StringBuilder("\"", text.Length + 2);
    foreach (char c in text) {
      if (c == '"' || c == '\\')
        quoted.Append('\\').Append(c);
      else if (c < 0x20 || c >= 0x7F)
        quoted.Append("\\u").Append(((int)c).ToString("x4"));
      else
        quoted.Append(c);
    }
    return quoted.Append('"').ToString();
  }

  void Put(string part) {
    if (output.Length + part.Length > MaxReply)
      throw new Refused("CodecError", "the result is too large");
    output.Append(part);
  }

  void Write(object value, int depth) {
    if (depth >= MaxDepth) {
      Put("{\"opaque\":\"deep\"}");
      return;
    }
    string scalar = Scalar(value);
    if (scalar != null)
      Put(scalar);
    else if (value is IDictionary)
      WritePairs((IDictionary)value, depth);
    else if (Shapes.IsTuple(value.GetType()))
      WriteItems("{\"tuple\":[", Shapes.Members(value), "]}", depth);
    else if (value is IEnumerable)
      WriteMany(value.GetType(), (IEnumerable)value, depth);
    else
      Put("{\"opaque\":" + Quote(value.GetType().Name) + "}");
  }

  // Null for what is no scalar.
  static string Scalar(object value) {
    if (value == null) return "null";
    switch (value is Enum ? TypeCode.Object : Type.GetTypeCode(value.GetType())) {
      case TypeCode.Boolean: return (bool)value ? "true" : "false";
      case TypeCode.String: return Quote((string)value);
      case TypeCode.Char: return Quote(value.ToString());
      case TypeCode.Double: return Real((double)value);
      case TypeCode.Single: return Real((float)value);
      case TypeCode.Decimal:
        return WithPoint(((decimal)value).ToString(CultureInfo.InvariantCulture));
      case TypeCode.UInt64: return Whole((ulong)value, false);
      case TypeCode.Int64:
      case TypeCode.Int32:
      case TypeCode.UInt32:
      case TypeCode.Int16:
      case TypeCode.UInt16:
      case TypeCode.SByte:
      case TypeCode.Byte:
        long whole = Convert.ToInt64(value);
        return Whole(whole < 0 ? 0 - (ulong)whole : (ulong)whole, whole < 0);
    }
    if (value is StringBuilder) return Quote(value.ToString());
    return Shapes.IsLarge(value.GetType()) ? Large.Written(value) : null;
  }

  static string Whole(ulong magnitude, bool negative) {
    string sign = negative ? "-" : "";
    if (magnitude < FirstTagged) return sign + magnitude.ToString(CultureInfo.InvariantCulture);
    return "{\"int\":\"" + sign + "0x" + magnitude.ToString("x") + "\"}";
  }

  void WriteMany(Type type, IEnumerable many, int depth) {
    if (Shapes.IsMap(type))
      WritePairs(many, depth);
    else if (Shapes.Find(type, typeof(ISet<>)) != null)
      WriteItems("{\"set\":[", many, "]}", depth);
    else
      WriteItems("[", many, "]", depth);
  }

  void WritePairs(IEnumerable map, int depth) {
    var pairs = new List<object>();
    foreach (object pair in map) pairs.Add(Shapes.Members(pair));
    WriteItems("{\"dict\":[", pairs, "]}", depth);
  }

  void WriteItems(string opening, IEnumerable items, string closing, int depth) {
    Put(opening);
    bool first = true;
    foreach (object item in items) {
      if (!first) Put(",");
      first = false;
      Write(item, depth + 1);
    }
    Put(closing);
  }

  // The fewest digits that give the number back in its own type: 1.33f as 1.33.
  static string Real(float value) {
    if (float.IsNaN(value) || float.IsInfinity(value)) return Endless(value);
    for (int digits = 7; digits < 9; digits++) {
      string shown = ((double)value).ToString("G" + digits, CultureInfo.InvariantCulture);
      float back;
      if (float.TryParse(shown, NumberStyles.Float, CultureInfo.InvariantCulture, out back) &&
          back == value)
        return value == 0 ? Zero(value) : WithPoint(shown);
    }
    return WithPoint(value.ToString("G9", CultureInfo.InvariantCulture));
  }

  static string Real(double value) {
    if (double.IsNaN(value) || double.IsInfinity(value)) return Endless(value);
    for (int digits = 15; digits < 17; digits++) {
      string shown = value.ToString("G" + digits, CultureInfo.InvariantCulture);
      double back;
      if (double.TryParse(shown, NumberStyles.Float, CultureInfo.InvariantCulture, out back) &&
          back == value)
        return value == 0 ? Zero(value) : WithPoint(shown);
    }
    return WithPoint(value.ToString("G17", CultureInfo.InvariantCulture));
  }

  static string Endless(double value) =>
      double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  static string Zero(double value) => 1 / value < 0 ? "-0.0" : "0.0";
  static string WithPoint(string shown) =>
      shown.IndexOf('.') < 0 && shown.IndexOf('E') < 0 ? shown + ".0" : shown;
}

}  // namespace Overproof
