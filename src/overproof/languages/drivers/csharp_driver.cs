// Answers calls to one method of a C# program, in plain data over descriptor 3.
//
//     mono csharp_driver.exe program.dll
//
// The program is a library with a class `OverproofEntry`, whose constant `Name` is the method that
// is wanted; an empty one asks for `Main`, on the standard streams. Descriptor 3 is a socket, which
// FileStream refuses: hence read and write of the C library. All of this is compiled anew in every
// process, so it is plain: no LINQ, no lambdas, and large integers apart.
//
// Limits: no generic method; of several methods of one name the first that takes the arguments.

using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace Overproof {

static class Driver {
  const int MaxDetail = 200, StackBytes = 256 << 20;
  const BindingFlags All = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public |
                           BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

  static Type[] types;
  static string name;
  static string[] rest;
  static int status;

  static int Main(string[] args) {
    try {
      Assembly program = Assembly.LoadFrom(args[0]);
      types = program.GetTypes();
      name = (string)program.GetType("OverproofEntry").GetField("Name").GetRawConstantValue();
    } catch (Exception error) {
      Fail("error", error.Message);
      return 1;
    }
    rest = new string[args.Length - 1];
    Array.Copy(args, 1, rest, 0, rest.Length);
    // What recurses deeply shall have room for it.
    var thread = new Thread(name == "" ? new ThreadStart(RunMain) : Serve, StackBytes);
    thread.Start();
    thread.Join();
    if (name != "") Channel.Exit(0);  // other threads of the program do not keep it alive
    return status;
  }

  static void RunMain() {
    MethodInfo main = null;
    foreach (Type type in types)
      if (main == null) main = type.GetMethod("Main", All & ~BindingFlags.Instance);
    if (main == null) {
      Console.Error.WriteLine("no Main");
      status = 1;
      return;
    }
    try {
      object[] values = main.GetParameters().Length == 0 ? null : new object[] { rest };
      object result = main.Invoke(null, values);
      if (result is System.Threading.Tasks.Task) ((System.Threading.Tasks.Task)result).Wait();
      if (result is int) status = (int)result;
    } catch (TargetInvocationException error) {
      Console.Error.WriteLine(error.InnerException);
      status = 1;
    }
  }

  static void Serve() {
    List<MethodInfo> targets = Find();
    if (targets.Count == 0) {
      Fail("no_code", "the program does not define " + name);
      return;
    }
    Channel.Send("{\"loaded\":true}");
    for (;;) {
      string message = Channel.Receive();
      if (message == null) return;
      var batch = (Tagged)new Parser(message).Parse();
      foreach (object call in (List<object>)batch["calls"])
        Channel.Send(Answer(targets, (List<object>)((Tagged)call)["args"]));
    }
  }

  // Methods of this name; if there are none, those whose name differs in capitals and underscores
  // only. Those of a class `Problem` come first, then static ones.
  static List<MethodInfo> Find() {
    var found = new List<MethodInfo>();
    for (int loose = 0; loose < 2 && found.Count == 0; loose++)
      for (int rank = 0; rank < 4; rank++)
        foreach (Type type in types)
          foreach (MethodInfo method in type.GetMethods(All))
            if (Rank(method) == rank && IsNamed(method, loose == 1)) found.Add(method);
    return found;
  }

  static int Rank(MethodInfo method) {
    bool open = method.IsGenericMethodDefinition || method.DeclaringType.ContainsGenericParameters;
    if (open || method.IsAbstract) return -1;
    return (method.DeclaringType.Name == "Problem" ? 0 : 2) + (method.IsStatic ? 0 : 1);
  }

  static bool IsNamed(MethodInfo method, bool loosely) =>
      loosely ? string.Equals(method.Name.Replace("_", ""), name.Replace("_", ""),
                              StringComparison.OrdinalIgnoreCase)
              : method.Name == name;

  static string Answer(List<MethodInfo> targets, List<object> args) {
    try {
      Refused refused = null;
      foreach (MethodInfo method in targets) {
        object[] values;
        try {
          values = Arguments(method, args);
        } catch (Refused error) {
          refused = refused ?? error;
          continue;
        }
        object self = method.IsStatic ? null : Activator.CreateInstance(method.DeclaringType, true);
        return Encoder.Reply(method.Invoke(self, values));
      }
      return Raised(refused.Kind, refused.Message);
    } catch (Exception error) {
      return Describe(error);
    }
  }

  static string Describe(Exception error) {
    while ((error is TargetInvocationException || error is TypeInitializationException) &&
           error.InnerException != null)
      error = error.InnerException;
    if (error is Refused) return Raised(((Refused)error).Kind, error.Message);
    if (error is OutOfMemoryException) return Raised("MemoryError", "");
    if (error is InsufficientExecutionStackException) return Raised("RecursionError", "");
    string message;
    try {
      message = error.Message;
    } catch (Exception) {
      message = "";
    }
    return Raised(error.GetType().Name, message);
  }

  static object[] Arguments(MethodInfo method, List<object> args) {
    ParameterInfo[] parameters = method.GetParameters();
    int needed = parameters.Length;
    while (needed > 0 && parameters[needed - 1].IsOptional) needed--;
    if (args.Count < needed || args.Count > parameters.Length)
      throw new Refused("TypeError",
                        args.Count + " arguments where " + parameters.Length + " belong");
    var values = new object[parameters.Length];
    for (int i = 0; i < values.Length; i++) {
      Type type = parameters[i].ParameterType;
      if (type.IsByRef) type = type.GetElementType();
      values[i] = i < args.Count ? Decoder.Convert(args[i], type) : parameters[i].DefaultValue;
    }
    return values;
  }

  static string Raised(string kind, string detail) =>
      "{\"raised\":" + Encoder.Quote(kind) + ",\"detail\":" + Encoder.Quote(Line(detail)) + "}";

  static void Fail(string status, string detail) =>
      Channel.Send("{\"failed\":" + Encoder.Quote(status) +
                   ",\"detail\":" + Encoder.Quote(Line(detail)) + "}");

  static string Line(string text) {
    string line = (text ?? "").Split('\n', '\r')[0];
    return line.Length > MaxDetail ? line.Substring(0, MaxDetail) : line;
  }
}

static unsafe class Channel {
  const int Descriptor = 3, MaxMessage = 64 << 20, Interrupted = 4;

  [DllImport("libc", SetLastError = true)]
  static extern IntPtr read(int descriptor, byte* buffer, IntPtr size);
  [DllImport("libc", SetLastError = true)]
  static extern IntPtr write(int descriptor, byte* buffer, IntPtr size);
  [DllImport("libc")]
  static extern void _exit(int status);

  public static void Exit(int status) => _exit(status);

  public static void Send(string text) {
    int size = text.Length;  // all of it is ASCII
    var frame = new byte[4 + size];
    for (int i = 0; i < 4; i++) frame[i] = (byte)(size >> 8 * i);
    Encoding.ASCII.GetBytes(text, 0, size, frame, 4);
    fixed (byte* start = frame) {
      for (int done = 0; done < frame.Length;) {
        long count = (long)write(Descriptor, start + done, (IntPtr)(frame.Length - done));
        if (count < 0 && Marshal.GetLastWin32Error() != Interrupted) _exit(2);
        if (count > 0) done += (int)count;
      }
    }
  }

  // The next message; null at the end.
  public static string Receive() {
    byte[] head = Exactly(4);
    if (head == null) return null;
    int size = head[0] | head[1] << 8 | head[2] << 16 | head[3] << 24;
    if (size <= 0 || size > MaxMessage) _exit(2);
    byte[] content = Exactly(size);
    return content == null ? null : Encoding.UTF8.GetString(content);
  }

  static byte[] Exactly(int size) {
    var buffer = new byte[size];
    fixed (byte* start = buffer) {
      for (int done = 0; done < size;) {
        long count = (long)read(Descriptor, start + done, (IntPtr)(size - done));
        if (count < 0 && Marshal.GetLastWin32Error() == Interrupted) continue;
        if (count <= 0) return null;
        done += (int)count;
      }
    }
    return buffer;
  }
}

// What becomes {"raised": …} without being an exception of the program.
sealed class Refused : Exception {
  public readonly string Kind;
  public Refused(string kind, string message) : base(message) { Kind = kind; }
}

}  // namespace Overproof
