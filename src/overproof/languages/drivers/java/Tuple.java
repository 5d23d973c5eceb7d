package org.javatuples;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/**
 * What Unit, Pair, Triplet, ... Decade have in common: values that do not change, equal if all of
 * them are, in order. They are used as those of the library of this name are; its KeyValue,
 * LabelValue, `addAt` and `removeFrom` are not here.
 */
public abstract class Tuple implements Iterable<Object>, Serializable, Comparable<Tuple> {
  private static final long serialVersionUID = 1;

  private final Object[] values;

  Tuple(Object... values) {
    this.values = values;
  }

  /** Returns the tuple of these values, or null if no class has as many. */
  public static Tuple of(Object[] values) {
    Object[] v = values;
    switch (v.length) {
      case 1: return new Unit<>(v[0]);
      case 2: return new Pair<>(v[0], v[1]);
      case 3: return new Triplet<>(v[0], v[1], v[2]);
      case 4: return new Quartet<>(v[0], v[1], v[2], v[3]);
      case 5: return new Quintet<>(v[0], v[1], v[2], v[3], v[4]);
      case 6: return new Sextet<>(v[0], v[1], v[2], v[3], v[4], v[5]);
      case 7: return new Septet<>(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
      case 8: return new Octet<>(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
      case 9: return new Ennead<>(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]);
      case 10: return new Decade<>(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]);
      default: return null;
    }
  }

  public final int getSize() {
    return values.length;
  }

  public final Object getValue(int place) {
    return values[place];
  }

  public final boolean contains(Object value) {
    return toList().contains(value);
  }

  public final boolean containsAll(Object... wanted) {
    return toList().containsAll(Arrays.asList(wanted));
  }

  public final int indexOf(Object value) {
    return toList().indexOf(value);
  }

  public final int lastIndexOf(Object value) {
    return toList().lastIndexOf(value);
  }

  public final List<Object> toList() {
    return Collections.unmodifiableList(Arrays.asList(values));
  }

  public final Object[] toArray() {
    return values.clone();
  }

  @Override
  public final Iterator<Object> iterator() {
    return toList().iterator();
  }

  @Override
  public final String toString() {
    return toList().toString();
  }

  @Override
  public final int hashCode() {
    return Arrays.hashCode(values);
  }

  @Override
  public final boolean equals(Object other) {
    return other instanceof Tuple && Arrays.equals(values, ((Tuple) other).values);
  }

  @Override
  @SuppressWarnings("unchecked")
  public final int compareTo(Tuple other) {
    int size = Math.min(values.length, other.values.length);
    for (int i = 0; i < size; i++) {
      int order = ((Comparable<Object>) values[i]).compareTo(other.values[i]);
      if (order != 0) return order;
    }
    return values.length - other.values.length;
  }
}
