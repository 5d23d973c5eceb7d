package overproof;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.tools.Diagnostic;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Compiles programs, each for itself: FOLDER/Problem.java, whatever its classes are called, to
 * FOLDER/program.bin. What is wrong is written as javac does, to standard output, and makes the
 * exit status 1. Nothing of a program is executed.
 */
public final class Compiler {
  private static final String SOURCE = "Problem.java";
  private static final int MAX_COMPLAINTS = 3;
  private static final long STACK_BYTES = 64L << 20;

  /** Concatenation by StringBuilder: the other way takes a tenth of a second to begin with. */
  private static final List<String> OPTIONS = Arrays.asList(
      "-proc:none", "-nowarn", "-Xlint:none", "-g:none", "-XDstringConcat=inline",
      "-classpath", System.getProperty("java.class.path"));

  private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
  private final StandardJavaFileManager files =
      compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8);
  private boolean failed;

  public static void main(String[] folders) throws InterruptedException {
    Compiler compiler = new Compiler();
    Runnable work = () -> Arrays.stream(folders).map(Path::of).forEach(compiler::compileIn);
    Thread thread = new Thread(null, work, "compiler", STACK_BYTES);
    thread.start();
    thread.join();
    System.exit(compiler.failed ? 1 : 0);
  }

  private void compileIn(Path folder) {
    int complaints = 0;
    String where = folder.resolve(SOURCE).normalize().toString();
    try {
      String text = read(folder.resolve(SOURCE));
      Classes classes = new Classes(files);
      List<Diagnostic<? extends JavaFileObject>> found = new ArrayList<>();
      boolean done = compiler
          .getTask(null, classes, found::add, OPTIONS, null, List.of(new Source(text)))
          .call();
      for (Diagnostic<?> each : found)
        if (each.getKind() == Diagnostic.Kind.ERROR && complaints++ < MAX_COMPLAINTS)
          complain(where + ":" + each.getLineNumber(), each.getMessage(Locale.ROOT));
      String entryPoint = read(folder.resolve("entry_point"));
      if (done) Program.write(folder.resolve(Program.FILE), entryPoint, classes.codes());
      else if (complaints++ == 0) complain(where, "not compiled");
    } catch (IOException | RuntimeException | Error error) {
      complaints++;
      complain(where, "the compiler failed: " + error);
    }
    failed |= complaints > 0;
  }

  private static void complain(String where, String message) {
    System.out.println(where + ": error: " + message.strip().replaceAll("\\s+", " "));
  }

  private static String read(Path file) throws IOException {
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    return text.startsWith("\ufeff") ? text.substring(1) : text;
  }

  /** A source that may hold a public class of any name. */
  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String text) {
      super(URI.create("string:///" + SOURCE), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }

    @Override
    public boolean isNameCompatible(String simpleName, Kind kind) {
      return kind == Kind.SOURCE;
    }
  }

  /** Keeps classes in memory, in the order in which they are made. */
  private static final class Classes extends ForwardingJavaFileManager<StandardJavaFileManager> {
    private final Map<String, ByteArrayOutputStream> streams = new LinkedHashMap<>();

    Classes(StandardJavaFileManager files) {
      super(files);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      streams.put(name, stream);
      URI uri = URI.create("memory:///" + streams.size() + kind.extension);
      return new SimpleJavaFileObject(uri, kind) {
        @Override
        public OutputStream openOutputStream() {
          return stream;
        }
      };
    }

    Map<String, byte[]> codes() {
      Map<String, byte[]> codes = new LinkedHashMap<>();
      streams.forEach((name, stream) -> codes.put(name, stream.toByteArray()));
      return codes;
    }
  }
}
