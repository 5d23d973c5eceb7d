package overproof;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A compiled program: its classes in one file, which it is loaded from; they hide ours. */
final class Program extends ClassLoader {
  static final String FILE = "program.bin";
  private static final List<String> USUAL = Arrays.asList("Problem", "Solution", "Main");

  final String entryPoint;
  private final Map<String, byte[]> codes;

  private Program(String entryPoint, Map<String, byte[]> codes) {
    super(Program.class.getClassLoader());
    this.entryPoint = entryPoint;
    this.codes = codes;
  }

  static void write(Path file, String entryPoint, Map<String, byte[]> codes) throws IOException {
    try (DataOutputStream out = new DataOutputStream(Files.newOutputStream(file))) {
      out.writeUTF(entryPoint);
      out.writeInt(codes.size());
      for (Map.Entry<String, byte[]> each : codes.entrySet()) {
        out.writeUTF(each.getKey());
        out.writeInt(each.getValue().length);
        out.write(each.getValue());
      }
    }
  }

  static Program read(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      String entryPoint = in.readUTF();
      Map<String, byte[]> codes = new LinkedHashMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        String name = in.readUTF();
        codes.put(name, in.readNBytes(in.readInt()));
      }
      return new Program(entryPoint, codes);
    }
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    byte[] code = codes.get(name);
    if (code == null) return super.loadClass(name, resolve);
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : defineClass(name, code, 0, code.length);
    }
  }

  /** Returns whether some class mentions this one otherwise than in signatures. */
  boolean mentions(String name) {
    String entry = "\u0001\0" + (char) name.length() + name;
    byte[] constant = entry.getBytes(StandardCharsets.ISO_8859_1);
    return codes.values().stream().anyMatch(code -> contains(code, constant));
  }

  private static boolean contains(byte[] code, byte[] part) {
    for (int start = 0; start + part.length <= code.length; start++)
      if (Arrays.equals(code, start, start + part.length, part, 0, part.length)) return true;
    return false;
  }

  private static int rank(String name) {
    return USUAL.contains(name) ? 0 : name.contains("$") ? 2 : 1;
  }

  /** Returns the methods of this name in the class that most likely is meant; empty if none. */
  List<Method> methods(String name) throws ClassNotFoundException {
    List<String> names = new ArrayList<>(codes.keySet());
    names.sort(Comparator.comparingInt(Program::rank));
    for (String each : names) {
      List<Method> found = new ArrayList<>();
      for (Method method : Class.forName(each, false, this).getDeclaredMethods())
        if (method.getName().equals(name) && !method.isSynthetic()
            && !Modifier.isAbstract(method.getModifiers())) found.add(method);
      if (found.isEmpty()) continue;
      found.sort(Comparator.comparing(Method::toString));
      return found;
    }
    return new ArrayList<>();
  }
}
