package overproof;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.javatuples.Tuple;

/** Writes what a method returned. A Float is written with the fewest digits that give it back. */
final class Encoder {
  static final int MAX_REPLY = 8 << 20;
  private static final int MAX_DEPTH = 100;
  private static final int MAX_DIGITS = 9;
  private static final long SAFE = 1L << 53;

  private final StringBuilder out;

  private Encoder(StringBuilder out) {
    this.out = out;
  }

  static void encode(StringBuilder out, Object value) {
    new Encoder(out).put(value, 0);
  }

  static Refusal tooLarge() {
    return new Refusal("OutputLimit", "the result: more than " + MAX_REPLY + " bytes");
  }

  private void put(Object value, int depth) {
    if (out.length() > MAX_REPLY) throw tooLarge();
    if (value == null) out.append("null");
    else if (value instanceof Boolean) out.append(value);
    else if (value instanceof CharSequence) Json.write(out, value.toString());
    else if (value instanceof Character) Json.write(out, value.toString());
    else if (value instanceof Number) number((Number) value);
    else if (depth > MAX_DEPTH) opaque("deep");
    else object(value, depth + 1);
  }

  private void number(Number value) {
    if (value instanceof Float) single((Float) value);
    else if (value instanceof Double) real(value.toString());
    else if (value instanceof BigInteger) whole((BigInteger) value);
    else if (value instanceof BigDecimal) real(Double.toString(value.doubleValue()));
    else if (value.getClass().getName().startsWith("java.")) whole(value.longValue());
    else opaque(value.getClass().getSimpleName());
  }

  /** As Java writes it, always with a point; NaN and Infinity are the words that are meant. */
  private void real(String text) {
    out.append(text);
  }

  private void single(float value) {
    String text = Float.toString(value);
    if (Float.isFinite(value) && value != (long) value) {
      BigDecimal exact = new BigDecimal(value);
      for (int digits = 1; digits <= MAX_DIGITS; digits++) {
        String fewer = exact.round(new MathContext(digits)).toString();
        if (Float.parseFloat(fewer) == value) {
          text = fewer;
          break;
        }
      }
    }
    real(text);
  }

  private void whole(long value) {
    if (-SAFE < value && value < SAFE) out.append(value);
    else whole(BigInteger.valueOf(value));
  }

  private void whole(BigInteger value) {
    if (value.bitLength() <= 53) {
      long small = value.longValue();
      if (-SAFE < small && small < SAFE) {
        out.append(small);
        return;
      }
    }
    out.append("{\"int\":\"").append(value.signum() < 0 ? "-" : "");
    out.append("0x").append(value.abs().toString(16)).append("\"}");
  }

  private void opaque(String name) {
    out.append("{\"opaque\":");
    Json.write(out, name.replaceFirst("\\$.*", ""));  // not the number of a lambda
    out.append('}');
  }

  private void object(Object value, int depth) {
    if (value.getClass().isArray()) array(value, depth);
    else if (value instanceof Tuple) tagged("tuple", (Tuple) value, depth);
    else if (value instanceof Set) tagged("set", (Set<?>) value, depth);
    else if (value instanceof Collection) items((Collection<?>) value, depth);
    else if (value instanceof Map) map((Map<?, ?>) value, depth);
    else if (value instanceof Map.Entry) entry((Map.Entry<?, ?>) value, depth);
    else if (value instanceof Optional) put(((Optional<?>) value).orElse(null), depth);
    else if (value instanceof OptionalInt) optional((OptionalInt) value);
    else if (value instanceof OptionalLong) optional((OptionalLong) value);
    else if (value instanceof OptionalDouble) optional((OptionalDouble) value);
    else opaque(value.getClass().getSimpleName());
  }

  private void optional(OptionalInt value) {
    put(value.isPresent() ? value.getAsInt() : null, 0);
  }

  private void optional(OptionalLong value) {
    put(value.isPresent() ? value.getAsLong() : null, 0);
  }

  private void optional(OptionalDouble value) {
    put(value.isPresent() ? value.getAsDouble() : null, 0);
  }

  private void array(Object array, int depth) {
    out.append('[');
    for (int i = 0; i < Array.getLength(array); i++) {
      if (i > 0) out.append(',');
      put(Array.get(array, i), depth);
    }
    out.append(']');
  }

  private void items(Iterable<?> items, int depth) {
    String separator = "[";
    for (Object item : items) {
      out.append(separator);
      put(item, depth);
      separator = ",";
    }
    out.append(separator.equals("[") ? "[]" : "]");
  }

  private void tagged(String tag, Iterable<?> items, int depth) {
    out.append("{\"").append(tag).append("\":");
    items(items, depth);
    out.append('}');
  }

  private void map(Map<?, ?> map, int depth) {
    String separator = "{\"dict\":[[";
    if (map.isEmpty()) out.append("{\"dict\":[");
    for (Map.Entry<?, ?> each : map.entrySet()) {
      out.append(separator);
      put(each.getKey(), depth);
      out.append(',');
      put(each.getValue(), depth);
      out.append(']');
      separator = ",[";
    }
    out.append("]}");
  }

  private void entry(Map.Entry<?, ?> pair, int depth) {
    out.append("{\"tuple\":[");
    put(pair.getKey(), depth);
    out.append(',');
    put(pair.getValue(), depth);
    out.append("]}");
  }
}
