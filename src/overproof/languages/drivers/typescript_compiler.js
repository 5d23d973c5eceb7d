// Compiles TypeScript programs, each for itself: FOLDER/program.ts to FOLDER/program.json, which
// holds the JavaScript and the entry point. What is wrong is said as tsc says it, to standard
// output, and makes the exit status 1.
//
//     (cat LIBRARY/typescript.js; cat typescript_compiler.js) > all.js
//     LIBRARY=… node --snapshot-blob compiler.blob --build-snapshot all.js
//     node --snapshot-blob compiler.blob FOLDER…
//
// The snapshot holds the compiler with the standard library parsed and bound, and so starts in a
// fifth of a second. Programs are scripts with the globals of Node.js, which they may declare
// themselves; no file is read but the program and the library.
"use strict";
(() => {
  const fs = require("fs"), path = require("path");
  const library = path.resolve(process.env.LIBRARY);
  const program = "/program.ts", surroundings = "/surroundings.d.ts";
  const MAX_COMPLAINTS = 3;
  const options = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    lib: ["lib.esnext.d.ts"],
    types: [],
    strict: false,
    esModuleInterop: true,
    skipLibCheck: true,
    newLine: ts.NewLineKind.LineFeed,
  };

  // Globals of Node.js, without types of their own. Not the DOM: it takes half of the time, and
  // names like `name`, `length` and `close` away.
  const globals = `
    AbortController Buffer TextDecoder TextEncoder URL URLSearchParams __dirname __filename atob
    btoa clearImmediate clearInterval clearTimeout console crypto exports fetch global module
    performance process queueMicrotask require setImmediate setInterval setTimeout
    structuredClone`.match(/\S+/g);
  const modules = `
    assert buffer child_process crypto events fs fs/promises http https module net os path
    perf_hooks process querystring readline readline/promises stream string_decoder timers url util
    v8 vm worker_threads zlib`.match(/\S+/g);

  const parse = (name, text) => ts.createSourceFile(name, text, options.target);
  const own = new Map(), standard = new Map();

  function sourceFile(name) {
    if (own.has(name) || !name.startsWith(library + path.sep)) return own.get(name);
    if (!standard.has(name)) standard.set(name, parse(name, fs.readFileSync(name, "utf8")));
    return standard.get(name);
  }

  function namesOf(node, found) {
    const { name } = node;
    if (name) ts.isIdentifier(name) ? found.add(name.text) : namesOf(name, found);
    if (node.declarationList) node = node.declarationList;
    for (const inner of node.declarations ?? node.elements ?? []) namesOf(inner, found);
    return found;
  }

  // Declarations of what the program does not declare itself at its top.
  function around(file) {
    const declared = new Set();
    for (const statement of file.statements) namesOf(statement, declared);
    const left = globals.filter((name) => !declared.has(name));
    const named = modules.flatMap((name) => [name, `node:${name}`]);
    return [
      ...left.map((name) => `declare var ${name}: any;`),
      ...named.map((name) => `declare module "${name}";`),
    ].join("\n");
  }

  const host = {
    getSourceFile: sourceFile,
    getDefaultLibFileName: () => path.join(library, "lib.d.ts"),
    getDefaultLibLocation: () => library,
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => own.has(name),
    readFile: (name) => own.get(name)?.text,
    writeFile: () => {},
    directoryExists: () => false,
    getDirectories: () => [],
    resolveModuleNames: (names) => names.map(() => undefined),
  };

  function complaint({ file, start, code, messageText }) {
    const [first] = ts.flattenDiagnosticMessageText(messageText, "\n").split("\n");
    if (file?.fileName !== program) return `error TS${code}: ${first}`;
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    return `(${line + 1},${character + 1}): error TS${code}: ${first}`;
  }

  function compile(text) {
    const file = parse(program, text);
    own.set(program, file);
    own.set(surroundings, parse(surroundings, around(file)));
    const whole = ts.createProgram([surroundings, program], options, host);
    const misspelt = whole.getSyntacticDiagnostics(file);  // types of what is none can crash it
    const found = misspelt.length > 0 ? misspelt : ts.getPreEmitDiagnostics(whole, file);
    const complaints = found.map(complaint);
    let result = "";
    if (complaints.length === 0) whole.emit(file, (_, content) => { result = content; });
    return { complaints, result };
  }

  function compileIn(folder) {
    const read = (name) => fs.readFileSync(path.join(folder, name), "utf8");
    let complaints, result;
    try {
      ({ complaints, result } = compile(read("program.ts")));
    } catch (error) {
      complaints = [`: error: the compiler failed: ${error?.message}`];
    }
    for (const each of complaints.slice(0, MAX_COMPLAINTS))
      fs.writeSync(1, `${path.join(folder, "program.ts")}${each}\n`);
    if (complaints.length > 0) return false;
    const built = JSON.stringify({ entry_point: read("entry_point"), source: result });
    fs.writeFileSync(path.join(folder, "program.json"), built);
    return true;
  }

  // What most programs use is loaded and checked once, into the snapshot.
  compile(`function warm(xs: number[], s: string, d: {[key: string]: number}): [string, boolean] {
    const m = new Map<string, number>(), all = new Set(xs.filter((x) => x > 0).map((x) => x + 1));
    for (const [k, v] of Object.entries(d)) m.set(k, (m.get(k) || 0) + v);
    for (let i = 0; i < s.length; i++) xs.push(parseInt(s[i], 10) + Math.floor(xs[i] % 2));
    const t = s.split("").reverse().sort((a, b) => a.localeCompare(b)).join("").replace(/a/g, "");
    console.log(\`\${t} \${[...all].reduce((a, b) => a + b, 0).toFixed(2)}\`);
    return [t.toUpperCase() + String(xs.slice(1).length), xs.every(Number.isInteger)];
  }`);

  require("v8").startupSnapshot.setDeserializeMainFunction(() => {
    process.exitCode = process.argv.slice(1).map(compileIn).every(Boolean) ? 0 : 1;
  });
})();
