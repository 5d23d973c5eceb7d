package overproof;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.AbstractMap.SimpleEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import org.javatuples.Tuple;

/**
 * Makes arguments of the types that a method declares: numbers, texts, arrays, collections, maps,
 * Optional, tuples. Where it declares Object, a type variable or the like, an integer is a Long, a
 * float a Float, as literals of the prompt are, unless the program only knows Integer or Double.
 */
final class Decoder {
  private final boolean wide;
  private final boolean single;

  Decoder(boolean wide, boolean single) {
    this.wide = wide;
    this.single = single;
  }

  Object decode(Object tree, Type type) {
    if (type instanceof WildcardType || type instanceof TypeVariable)
      return decode(tree, bound(type));
    if (type instanceof GenericArrayType) {
      Type item = ((GenericArrayType) type).getGenericComponentType();
      return array(tree, item, rawOf(item));
    }
    Class<?> raw = rawOf(type);
    if (raw.isArray()) return array(tree, raw.getComponentType(), raw.getComponentType());
    Type[] inner = type instanceof ParameterizedType
        ? ((ParameterizedType) type).getActualTypeArguments()
        : new Type[0];
    if (raw == Optional.class) return Optional.ofNullable(decode(tree, argument(inner, 0)));
    if (tree == null) return nothing(raw);
    if (tree instanceof Boolean) return truth((Boolean) tree, raw);
    if (tree instanceof String) return text((String) tree, raw);
    if (tree instanceof Json.Number) return number((Json.Number) tree, raw);
    if (tree instanceof List) return sequence((List<?>) tree, raw, inner, "list");
    Map.Entry<?, ?> tagged = ((Map<?, ?>) tree).entrySet().iterator().next();
    String tag = (String) tagged.getKey();
    if (tag.equals("int")) return number(hexadecimal((String) tagged.getValue()), raw);
    if (!(tagged.getValue() instanceof List)) throw new Refusal("TypeError", "cannot take " + tag);
    List<?> items = (List<?>) tagged.getValue();
    return tag.equals("dict") ? map(items, raw, inner) : sequence(items, raw, inner, tag);
  }

  private static Type bound(Type type) {
    if (type instanceof WildcardType) return ((WildcardType) type).getUpperBounds()[0];
    return ((TypeVariable<?>) type).getBounds()[0];
  }

  private static Class<?> rawOf(Type type) {
    if (type instanceof Class) return (Class<?>) type;
    if (type instanceof ParameterizedType) return rawOf(((ParameterizedType) type).getRawType());
    if (!(type instanceof GenericArrayType)) return rawOf(bound(type));
    Type item = ((GenericArrayType) type).getGenericComponentType();
    return Array.newInstance(rawOf(item), 0).getClass();
  }

  private static Type argument(Type[] inner, int place) {
    return place < inner.length ? inner[place] : Object.class;
  }

  private static Refusal refusal(String found, Class<?> wanted) {
    return new Refusal("TypeError", found + " where " + wanted.getSimpleName() + " belongs");
  }

  private static Object nothing(Class<?> raw) {
    if (raw == OptionalInt.class) return OptionalInt.empty();
    if (raw == OptionalLong.class) return OptionalLong.empty();
    if (raw == OptionalDouble.class) return OptionalDouble.empty();
    if (raw.isPrimitive()) throw refusal("None", raw);
    return null;
  }

  private Object truth(Boolean value, Class<?> raw) {
    if (raw == boolean.class || raw.isAssignableFrom(Boolean.class)) return value;
    return number(new Json.Number(value ? "1" : "0"), raw);
  }

  private static Object text(String value, Class<?> raw) {
    if (raw.isAssignableFrom(String.class)) return value;
    boolean single = raw == char.class || raw == Character.class;
    if (single && value.length() == 1) return value.charAt(0);
    if (raw == StringBuilder.class) return new StringBuilder(value);
    throw refusal("str", raw);
  }

  private static Json.Number hexadecimal(String text) {
    String sign = text.startsWith("-") ? "-" : "";
    return new Json.Number(sign + new BigInteger(text.substring(sign.length() + 2), 16));
  }

  private Object number(Json.Number number, Class<?> raw) {
    if (raw == float.class || raw == Float.class) return Float.parseFloat(number.text);
    if (raw == double.class || raw == Double.class) return Double.parseDouble(number.text);
    if (raw == BigDecimal.class) return new BigDecimal(number.text);
    if (raw == OptionalDouble.class) return OptionalDouble.of(Double.parseDouble(number.text));
    if (raw.isAssignableFrom(Float.class) && !number.whole) {
      // not in one expression with `?:`, which would widen the Float
      if (single) return Float.valueOf(number.text);
      return Double.valueOf(number.text);
    }
    if (!number.whole) {
      try {
        return whole(new BigDecimal(number.text).toBigIntegerExact(), raw);
      } catch (ArithmeticException | NumberFormatException error) {
        throw refusal("float", raw);
      }
    }
    return whole(new BigInteger(number.text), raw);
  }

  private Object whole(BigInteger value, Class<?> raw) {
    int bits = value.bitLength();
    if (raw == BigInteger.class) return value;
    if (raw == OptionalInt.class) return OptionalInt.of(fitting(value, bits < 32).intValue());
    if (raw == OptionalLong.class) return OptionalLong.of(fitting(value, bits < 64).longValue());
    if (raw == int.class || raw == Integer.class) return fitting(value, bits < 32).intValue();
    if (raw == short.class || raw == Short.class) return fitting(value, bits < 16).shortValue();
    if (raw == byte.class || raw == Byte.class) return fitting(value, bits < 8).byteValue();
    if (raw == long.class || raw == Long.class) return fitting(value, bits < 64).longValue();
    if (!raw.isAssignableFrom(Long.class)) throw refusal("int", raw);
    if (!wide && bits < 32) return value.intValue();
    if (bits < 64) return value.longValue();
    return value;
  }

  private static BigInteger fitting(BigInteger value, boolean fits) {
    if (!fits) throw new Refusal("OverflowError", "int too large for the type of the parameter");
    return value;
  }

  private Object array(Object tree, Type item, Class<?> raw) {
    if (tree == null) return null;
    if (tree instanceof String && raw == char.class) return ((String) tree).toCharArray();
    List<?> items = itemsOf(tree, Array.newInstance(raw, 0).getClass());
    Object array = Array.newInstance(raw, items.size());
    for (int i = 0; i < items.size(); i++) Array.set(array, i, decode(items.get(i), item));
    return array;
  }

  /** The elements of a list, tuple or set. */
  private static List<?> itemsOf(Object tree, Class<?> wanted) {
    if (tree instanceof List) return (List<?>) tree;
    if (tree instanceof Map) {
      Map.Entry<?, ?> tagged = ((Map<?, ?>) tree).entrySet().iterator().next();
      if (tagged.getValue() instanceof List && !tagged.getKey().equals("dict"))
        return (List<?>) tagged.getValue();
    }
    throw refusal(nameOf(tree), wanted);
  }

  private static String nameOf(Object tree) {
    if (tree instanceof Boolean) return "bool";
    if (tree instanceof String) return "str";
    if (tree instanceof Map) return ((Map<?, ?>) tree).keySet().iterator().next().toString();
    return ((Json.Number) tree).whole ? "int" : "float";
  }

  private Object sequence(List<?> items, Class<?> raw, Type[] inner, String tag) {
    boolean free = tag.equals("tuple") && raw.isAssignableFrom(Tuple.class);
    if (free || Tuple.class.isAssignableFrom(raw)) return tuple(items, raw, inner);
    if (raw == Map.Entry.class || raw == SimpleEntry.class) {
      if (items.size() != 2) throw refusal(items.size() + " elements", raw);
      return new SimpleEntry<Object, Object>(
          decode(items.get(0), argument(inner, 0)), decode(items.get(1), argument(inner, 1)));
    }
    if (raw == Iterator.class) return collect(items, new ArrayList<>(), inner).iterator();
    if (tag.endsWith("set") && raw.isAssignableFrom(HashSet.class))
      return collect(items, new LinkedHashSet<>(), inner);
    return collect(items, collection(raw, tag), inner);
  }

  private static Collection<?> collection(Class<?> raw, String tag) {
    if (raw.isAssignableFrom(ArrayList.class)) return new ArrayList<>();
    if (raw.isAssignableFrom(LinkedHashSet.class)) return new LinkedHashSet<>();
    if (raw.isAssignableFrom(LinkedList.class)) return new LinkedList<>();
    if (raw.isAssignableFrom(TreeSet.class)) return new TreeSet<>();
    if (Collection.class.isAssignableFrom(raw)) return (Collection<?>) made(raw);
    throw refusal(tag, raw);
  }

  @SuppressWarnings("unchecked")
  private Collection<?> collect(List<?> items, Collection<?> target, Type[] inner) {
    Type type = argument(inner, 0);
    for (Object item : items) ((Collection<Object>) target).add(decode(item, type));
    return target;
  }

  private Object tuple(List<?> items, Class<?> raw, Type[] inner) {
    Object[] values = new Object[items.size()];
    for (int i = 0; i < values.length; i++) values[i] = decode(items.get(i), argument(inner, i));
    Tuple tuple = Tuple.of(values);
    if (tuple == null && raw.isAssignableFrom(ArrayList.class))
      return collect(items, new ArrayList<>(), inner);
    if (!raw.isInstance(tuple)) throw refusal(values.length + " elements", raw);
    return tuple;
  }

  @SuppressWarnings("unchecked")
  private Object map(List<?> pairs, Class<?> raw, Type[] inner) {
    Map<Object, Object> target;
    if (raw.isAssignableFrom(LinkedHashMap.class)) target = new LinkedHashMap<>();
    else if (raw.isAssignableFrom(TreeMap.class)) target = new TreeMap<>();
    else if (Map.class.isAssignableFrom(raw)) target = (Map<Object, Object>) made(raw);
    else throw refusal("dict", raw);
    for (Object each : pairs) {
      List<?> pair = (List<?>) each;
      target.put(decode(pair.get(0), argument(inner, 0)), decode(pair.get(1), argument(inner, 1)));
    }
    return target;
  }

  private static Object made(Class<?> raw) {
    try {
      if (!Modifier.isAbstract(raw.getModifiers())) return raw.getConstructor().newInstance();
    } catch (ReflectiveOperationException | RuntimeException error) {
      // as for an abstract class
    }
    throw refusal("this kind of value", raw);
  }
}
