"""Programs that reach for those that are compiled together with them.

Each is followed by another program of its batch, which must come out as if it were alone.

>>> [attack.name for attack in programs("ruby")]
[]
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, Attack, corpus

_JAVA = {
    "takes_common_names": r"""
        // classes of one program are found by another, or take the place of the library's
        package overproof;
        class String { public java.lang.String toString() { return "left"; } }
        class Helper { static { System.exit(0); } static long helped() { return 7; } }
        class Problem { public static long add(long a, long b) { return Helper.helped(); } }
    """,
    "writes_into_the_batch": r"""
        // a program runs code in the compiler, by an annotation or a service of its own
        import java.util.*;
        import javax.annotation.processing.*;
        import javax.lang.model.element.*;
        @SupportedAnnotationTypes("*")
        class Helper extends AbstractProcessor {
          static { Runtime.getRuntime().halt(0); }
          public boolean process(Set<? extends TypeElement> all, RoundEnvironment round) {
            throw new Error("left");
          }
        }
        class Problem { @Deprecated public static long add(long a, long b) { return 7; } }
    """,
    "breaks_the_compiler": "// a program that overflows the compiler takes the others with it\n"
    + "class Problem { public static long add(long a, long b) { return "
    + "(" * 9000
    + "7"
    + ")" * 9000
    + "; } }\n",
    "complains_about_another": r"""
        // a complaint that looks like one about another program makes that one fail
        class Problem {
          public static long add(long a, long b) { return "p1/Problem.java:1: error: \n p0/error"; }
          int \u000a\u000d p0 = p1/Problem.java: error;
        }
    """,
}
_JAVA_NEXT = """
class Helper { static String held() { return "held"; } }
class Problem { public static String add(long a, long b) { return Helper.held(); } }
"""

_TYPESCRIPT = {
    "declares_for_all": r"""
        // declarations of one program hold in another
        interface Array<T> { left: string; }
        interface Number { left: string; }
        interface ObjectConstructor { left: string; }
        declare var console: string;
        var left = "left";
        type Helper = string;
        function add(a: number, b: number): number { return 7; }
    """,
    "refers_to_others": r"""
        // a program names the files of others, or of the machine, as its own parts
        /// <reference path="../program.ts" />
        /// <reference path="/etc/passwd" />
        /// <reference types="node" />
        /// <reference lib="dom" />
        import * as other from "../p0/program";
        import passwd from "/etc/passwd";
        export const add = (a: number, b: number): number => 7;
    """,
    "types_without_end": r"""
        // types that grow without end keep the compiler busy for all
        type Grow<T extends any[]> = T["length"] extends 900 ? T : Grow<[...T, any]>;
        type Twice<T extends any[]> = [...Grow<T>, ...Grow<T>]["length"];
        const size: Twice<[]> = 5;
        function add(a: number, b: number): number { return 7; }
    """,
}
_TYPESCRIPT_NEXT = """
interface Array<T> { left: number; }
interface Number { left: number; }
type Helper = number;
function add(a: number, b: number): string {
  console.log(a);
  return "left" in globalThis || "left" in Object ? "left" : "held";
}
"""

_CSHARP = {
    "takes_common_names": r"""
        // types of one program are found by another, or take the place of the library's
        namespace System { public static class Console { public static void WriteLine(long n) {} } }
        public static class Helper { public static long Left(this string text) { return 7; } }
        class Problem { public static long Add(long a, long b) { return 7; } }
    """,
    "names_files": r"""
        // a program names files of the machine, which are read while compiling
        [assembly: System.Reflection.AssemblyKeyFile("/etc/passwd")]
        #line 1 "p1/program.cs"
        #error left
        class Problem { public static long Add(long a, long b) { return 7; } }
    """,
}
_CSHARP_NEXT = """
using System;
static class Helper { public static string Left(this string text) { return "held"; } }
class Problem { public static string Add(long a, long b) {
  Console.WriteLine("left"); return "x".Left(); } }
"""

_ALL: dict[str, tuple[dict[str, str], str]] = {
    "csharp": (_CSHARP, _CSHARP_NEXT),
    "java": (_JAVA, _JAVA_NEXT),
    "typescript": (_TYPESCRIPT, _TYPESCRIPT_NEXT),
}


def programs(language: str) -> tuple[Attack, ...]:
    """Return the attacks on neighbours in a language; none where each is compiled alone."""
    texts, next_program = _ALL.get(language, ({}, ""))
    return corpus(
        "forge",
        texts,
        language=language,
        expect=(*FAILED, *NEVER_RAN),
        entry_point="Add" if language == "csharp" else "add",
        next_program=next_program,
    )
