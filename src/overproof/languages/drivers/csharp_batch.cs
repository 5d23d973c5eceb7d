// Compiles many programs in one process of mcs, each to a library of its own.
//
//     mono csharp_batch.exe OPTION... -- FOLDER...
//
// Each folder holds program.cs and entry.cs, and gets program.dll. Messages name files as
// FOLDER/program.cs; the status is 1 if any program is wrong. The compiler is the mcs.exe beside
// the class library, through the method that it offers for that; nothing of a program is executed.

using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;

static class Batch {
  static int Main(string[] args) {
    int split = Array.IndexOf(args, "--");
    string place = Path.GetDirectoryName(typeof(object).Assembly.Location);
    MethodInfo compile = Assembly.LoadFrom(Path.Combine(place, "mcs.exe"))
                             .GetType("Mono.CSharp.CompilerCallableEntryPoint", true)
                             .GetMethod("InvokeCompiler");
    int status = 0;
    for (int i = split + 1; i < args.Length; i++) {
      var command = new List<string>(args).GetRange(0, split);
      command.Add("-out:" + args[i] + "/program.dll");
      command.Add(args[i] + "/program.cs");
      command.Add(args[i] + "/entry.cs");
      try {
        var done = (bool)compile.Invoke(null, new object[] { command.ToArray(), Console.Out });
        if (!done) status = 1;
      } catch (TargetInvocationException error) {
        string reason = error.InnerException.GetType().Name;
        Console.WriteLine(args[i] + "/program.cs(0,0): error: the compiler failed: " + reason);
        status = 1;
      }
    }
    return status;
  }
}
