package overproof;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON, and the words NaN, Infinity and -Infinity, into null, Boolean, Number (below),
 * String, List and Map; writes texts. What is read was written by the oracle, and is not checked.
 */
final class Json {
  /** A number as it was written: whether it has a point or an exponent tells int from float. */
  static final class Number {
    final String text;
    final boolean whole;

    Number(String text) {
      this.text = text;
      whole = text.chars().allMatch(c -> c == '-' || (c >= '0' && c <= '9'));
    }
  }

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  static Object read(String text) {
    return new Json(text).value();
  }

  private char next() {
    while (text.charAt(at) <= ' ') at++;
    return text.charAt(at);
  }

  private Object value() {
    switch (next()) {
      case '{':
        return object();
      case '[':
        return list();
      case '"':
        return string();
      default:
        return word();
    }
  }

  private Map<String, Object> object() {
    Map<String, Object> fields = new LinkedHashMap<>();
    at++;
    while (next() != '}') {
      if (text.charAt(at) == ',') {
        at++;
        next();
      }
      String key = string();
      next();
      at++;
      fields.put(key, value());
    }
    at++;
    return fields;
  }

  private List<Object> list() {
    List<Object> items = new ArrayList<>();
    at++;
    while (next() != ']') {
      if (text.charAt(at) == ',') at++;
      items.add(value());
    }
    at++;
    return items;
  }

  private String string() {
    int start = ++at;
    while (text.charAt(at) != '"' && text.charAt(at) != '\\') at++;
    if (text.charAt(at) == '"') return text.substring(start, at++);
    StringBuilder out = new StringBuilder().append(text, start, at);
    for (; text.charAt(at) != '"'; at++) {
      char character = text.charAt(at);
      if (character != '\\') {
        out.append(character);
        continue;
      }
      character = text.charAt(++at);
      int place = "bfnrt".indexOf(character);
      if (character == 'u') {
        out.append((char) Integer.parseInt(text, at + 1, at + 5, 16));
        at += 4;
      } else {
        out.append(place < 0 ? character : "\b\f\n\r\t".charAt(place));
      }
    }
    at++;
    return out.toString();
  }

  private Object word() {
    int start = at;
    while (at < text.length() && ",]} \n".indexOf(text.charAt(at)) < 0) at++;
    String word = text.substring(start, at);
    switch (word) {
      case "null":
        return null;
      case "true":
        return true;
      case "false":
        return false;
      default:
        return new Number(word);
    }
  }

  /** Writes a text, in ASCII but for what is no control character and no half of a pair. */
  static void write(StringBuilder out, CharSequence value) {
    out.append('"');
    for (int i = 0; i < value.length(); i++) {
      char character = value.charAt(i);
      if (character == '"' || character == '\\') out.append('\\').append(character);
      else if (character < ' ' || Character.isSurrogate(character)) escape(out, character);
      else out.append(character);
    }
    out.append('"');
  }

  private static void escape(StringBuilder out, char character) {
    out.append("\\u").append(Integer.toHexString(0x10000 | character), 1, 5);
  }
}
