package overproof;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Runs a compiled program and answers calls to its entry point, in plain data over descriptor 3;
 * without an entry point its `main` is run.
 *
 * <p>The entry point may be static, or of an object that is made without arguments; overloads are
 * tried in order. Calls have a stack of their own, since the first thread's is small.
 */
public final class Driver {
  private static final int CHANNEL = 3;
  private static final long STACK_BYTES = 64L << 20;
  private static final int MAX_DETAIL = 200;

  private final Channel channel;
  private final Program program;
  private Decoder decoder;
  private Object object;

  private Driver(Program program, Channel channel) {
    this.program = program;
    this.channel = channel;
  }

  public static void main(String[] args) throws Exception {
    Program program = Program.read(Path.of(Program.FILE));
    Channel channel = program.entryPoint.isEmpty() ? null : new Channel(CHANNEL);
    Runnable work = channel == null ? () -> runMain(program) : new Driver(program, channel)::serve;
    Thread thread = new Thread(null, work, "main", STACK_BYTES);
    thread.setContextClassLoader(program);
    thread.start();
  }

  private static void runMain(Program program) {
    try {
      for (Method method : program.methods("main")) {
        Class<?>[] types = method.getParameterTypes();
        if (types.length != 1 || types[0] != String[].class) continue;
        method.setAccessible(true);
        method.invoke(null, (Object) new String[0]);
        return;
      }
      System.err.println("error: no main method");
    } catch (InvocationTargetException error) {
      error.getCause().printStackTrace();
    } catch (ReflectiveOperationException | LinkageError error) {
      System.err.println("error: " + error);
    }
    System.exit(1);
  }

  private void serve() {
    int status = 0;
    try {
      List<Method> methods = load();
      String message = methods == null ? null : channel.receive();
      for (; message != null; message = channel.receive())
        for (Object call : (List<?>) ((Map<?, ?>) Json.read(message)).get("calls"))
          answer(methods, (List<?>) ((Map<?, ?>) call).get("args"));
    } catch (IOException | RuntimeException error) {
      status = 2;
    }
    Runtime.getRuntime().halt(status);
  }

  private List<Method> load() throws IOException {
    List<Method> methods;
    try {
      methods = program.methods(program.entryPoint);
      for (Method method : methods) {
        method.setAccessible(true);
        Class.forName(method.getDeclaringClass().getName(), true, program);
      }
    } catch (Throwable error) {
      send("failed", "error", kindOf(error) + ": " + detailOf(error));
      return null;
    }
    if (methods.isEmpty()) {
      send("failed", "no_code", "no method " + program.entryPoint);
      return null;
    }
    channel.send("{\"loaded\":true}".getBytes(StandardCharsets.UTF_8));
    return methods;
  }

  private void send(String key, String kind, String detail) throws IOException {
    StringBuilder out = new StringBuilder("{\"").append(key).append("\":");
    Json.write(out, kind);
    Json.write(out.append(",\"detail\":"), detail);
    channel.send(out.append('}').toString().getBytes(StandardCharsets.UTF_8));
  }

  private void answer(List<Method> methods, List<?> args) throws IOException {
    byte[] reply;
    try {
      StringBuilder out = new StringBuilder("{\"value\":");
      Encoder.encode(out, call(methods, args));
      reply = out.append('}').toString().getBytes(StandardCharsets.UTF_8);
      if (reply.length > Encoder.MAX_REPLY) throw Encoder.tooLarge();
    } catch (Throwable error) {
      send("raised", kindOf(error), detailOf(error));
      return;
    }
    channel.send(reply);
  }

  private Object call(List<Method> methods, List<?> args) throws Throwable {
    Refusal refusal = new Refusal("TypeError", "no method takes " + args.size() + " arguments");
    for (Method method : methods) {
      Type[] types = method.getGenericParameterTypes();
      if (types.length != args.size()) continue;
      Object[] values = new Object[types.length];
      try {
        for (int i = 0; i < types.length; i++) values[i] = decoder().decode(args.get(i), types[i]);
      } catch (Refusal error) {
        refusal = error;
        continue;
      }
      try {
        return method.invoke(receiver(method), values);
      } catch (InvocationTargetException error) {
        throw error.getCause();
      }
    }
    throw refusal;
  }

  private Decoder decoder() {
    if (decoder == null) {
      boolean narrow = knowsOnly("Integer", "Long"), precise = knowsOnly("Double", "Float");
      decoder = new Decoder(!narrow, !precise);
    }
    return decoder;
  }

  private boolean knowsOnly(String known, String unknown) {
    return program.mentions("java/lang/" + known) && !program.mentions("java/lang/" + unknown);
  }

  /** The object that an instance method is called on, made once. */
  private Object receiver(Method method) throws Throwable {
    if (Modifier.isStatic(method.getModifiers())) return null;
    if (object == null) {
      Constructor<?> constructor = method.getDeclaringClass().getDeclaredConstructor();
      constructor.setAccessible(true);
      try {
        object = constructor.newInstance();
      } catch (InvocationTargetException error) {
        throw error.getCause();
      }
    }
    return object;
  }

  private static String kindOf(Throwable error) {
    if (error instanceof Refusal) return ((Refusal) error).kind;
    if (error instanceof StackOverflowError) return "RecursionError";
    if (error instanceof OutOfMemoryError) return "MemoryError";
    if (error instanceof ExceptionInInitializerError && error.getCause() != null)
      return kindOf(error.getCause());
    Class<?> kind = error.getClass();
    while (kind.getSimpleName().isEmpty()) kind = kind.getSuperclass();  // of no name
    return kind.getSimpleName();
  }

  /** One line, whatever the program's exceptions do when they are asked. */
  private static String detailOf(Throwable error) {
    try {
      boolean wrapped = error instanceof ExceptionInInitializerError && error.getCause() != null;
      Throwable told = wrapped ? error.getCause() : error;
      String message = told.getMessage() == null ? told.getClass().getName() : told.getMessage();
      String line = message.strip().replaceAll("\\s+", " ");
      return line.length() > MAX_DETAIL ? line.substring(0, MAX_DETAIL) : line;
    } catch (Throwable other) {
      return "";
    }
  }
}
