// Runs the JavaScript in program.json, {"entry_point": …, "source": …}, and answers calls to its entry
// point, in plain data over descriptor 3; without an entry point it is run as a whole program.
//
// The program is a script in the same process and may replace whatever it can reach. So what the
// driver calls after it was loaded is kept here, and nothing is spread or iterated over.
"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm"), Module = require("module");

const FILE = "program.json", CHANNEL = 3;
const MAX_REPLY = 8 << 20, MAX_DEPTH = 100, MAX_DETAIL = 200;

const { apply } = Reflect, { parse, stringify } = JSON;
const { isArray } = Array, { isNaN, isInteger, isSafeInteger } = Number, { isView } = ArrayBuffer;
const { alloc, byteLength, concat, from } = Buffer, { readSync, writeSync } = fs;
const bound = (method) => (self, ...args) => apply(method, self, args);
const textOf = bound(Buffer.prototype.toString), hexOf = bound(BigInt.prototype.toString);
const cut = bound(String.prototype.slice), replace = bound(String.prototype.replace);
const addTo = bound(Set.prototype.add), matches = bound(RegExp.prototype.exec);
const walkSet = bound(Set.prototype.forEach), walkMap = bound(Map.prototype.forEach);
const { is, keys, defineProperty } = Object, { iterator } = Symbol, { exit } = process;
const Native = { String, Number, BigInt, Set, Map, Error, RangeError };
const BOXES = [Number, String, Boolean];
const OPAQUE = [Promise, RegExp, Date, Error, ArrayBuffer];
const NAMES = ["Promise", "RegExp", "Date", "Error", "ArrayBuffer"];
const FIELD = { __proto__: null, writable: true, enumerable: true, configurable: true };

let room = 0;

class TooLarge {}

function readExactly(size) {
  const buffer = alloc(size);
  for (let got = 0; got < size; ) {
    const count = readSync(CHANNEL, buffer, got, size - got, null);
    if (count === 0) exit(0);
    got += count;
  }
  return buffer;
}

function receive() {
  const head = readExactly(4);
  const size = head[0] + head[1] * 0x100 + head[2] * 0x10000 + head[3] * 0x1000000;
  const text = textOf(readExactly(size), "utf8");
  try {
    return parse(text);
  } catch {  // NaN, Infinity and -Infinity are words of no JSON
    const word = /("(?:[^"\\]|\\.)*")|-?(?:NaN|Infinity)/g;
    return parse(replace(text, word, (all, string) => string ?? `{"float":"${all}"}`));
  }
}

function send(text) {
  const content = from(text, "utf8"), head = alloc(4);
  for (let i = 0, rest = content.length; i < 4; i++, rest >>>= 8) head[i] = rest & 255;
  const frame = concat([head, content]);
  for (let sent = 0; sent < frame.length; ) sent += writeSync(CHANNEL, frame, sent);
}

function decode(tree) {
  if (tree === null) return undefined;
  if (typeof tree !== "object") return tree;
  if (isArray(tree)) return decodeAll(tree);
  const tag = keys(tree)[0], content = tree[tag];
  switch (tag) {
    case "tuple":
      return decodeAll(content);
    case "set":
    case "frozenset": {
      const set = new Native.Set();
      for (let i = 0; i < content.length; i++) addTo(set, decode(content[i]));
      return set;
    }
    case "dict": {
      const object = {};
      for (let i = 0; i < content.length; i++) {
        FIELD.value = decode(content[i][1]);
        defineProperty(object, content[i][0], FIELD);
      }
      return object;
    }
    case "int":
      return content[0] === "-" ? -Native.Number(cut(content, 1)) : Native.Number(content);
    case "float":
      return Native.Number(content);
    default:
      throw new TypeError(`cannot take ${tag}`);
  }
}

function decodeAll(trees) {
  for (let i = 0; i < trees.length; i++) trees[i] = decode(trees[i]);
  return trees;
}

function encodeInteger(big) {
  const text = big < 0n ? `-0x${hexOf(-big, 16)}` : `0x${hexOf(big, 16)}`;
  return `{"int":"${text}"}`;
}

function encodeNumber(value) {
  if (isNaN(value)) return "NaN";
  if (value === Infinity || value === -Infinity) return value > 0 ? "Infinity" : "-Infinity";
  if (is(value, -0)) return "-0.0";
  const large = isInteger(value) && !isSafeInteger(value);
  return large ? encodeInteger(Native.BigInt(value)) : `${value}`;
}

function spend(text) {
  room -= text.length;
  if (room < 0) throw new TooLarge();
  return text;
}

function encode(value, depth) {
  if (value === null || value === undefined) return spend("null");
  switch (typeof value) {
    case "boolean":
      return spend(value ? "true" : "false");
    case "number":
      return spend(encodeNumber(value));
    case "bigint":
      return spend(isSafeInteger(Native.Number(value)) ? `${value}` : encodeInteger(value));
    case "string":
      return spend(stringify(value));
    case "object":
      return depth > MAX_DEPTH ? spend('{"opaque":"deep"}') : encodeObject(value, depth + 1);
    default:
      return spend(`{"opaque":"${typeof value}"}`);
  }
}

function encodeObject(value, depth) {
  let text = "";
  const put = (item) => { text += spend(text && ",") + item; };
  const pair = (item, key) => put(`[${encode(key, depth)},${encode(item, depth)}]`);
  if (isArray(value) || isView(value)) {
    for (let i = 0; i < value.length; i++) put(encode(value[i], depth));
    return `[${text}]`;
  }
  if (value instanceof Native.Set) {
    walkSet(value, (item) => put(encode(item, depth)));
    return `{"set":[${text}]}`;
  }
  if (value instanceof Native.Map) {
    walkMap(value, pair);
    return `{"dict":[${text}]}`;
  }
  for (let i = 0; i < BOXES.length; i++)
    if (value instanceof BOXES[i]) return encode(BOXES[i](value), depth);
  for (let i = 0; i < OPAQUE.length; i++)
    if (value instanceof OPAQUE[i]) return spend(`{"opaque":"${NAMES[i]}"}`);
  if (typeof value[iterator] === "function") return spend('{"opaque":"iterator"}');
  const names = keys(value);
  for (let i = 0; i < names.length; i++) pair(value[names[i]], names[i]);
  return `{"dict":[${text}]}`;
}

function oneLine(text) {
  return cut(replace(Native.String(text), /\s+/g, " "), 0, MAX_DETAIL);
}

function raised(kind, detail) {
  return `{"raised":${stringify(kind)},"detail":${stringify(detail)}}`;
}

// `error` may be anything, and its properties may throw.
function describe(error) {
  try {
    if (!(error instanceof Native.Error)) return raised("Error", oneLine(error));
    const { name, message } = error;
    const deep = error instanceof Native.RangeError && matches(/call stack/, message) !== null;
    return raised(deep ? "RecursionError" : oneLine(name), oneLine(message));
  } catch {
    return raised("Error", "");
  }
}

function answer(target, args) {
  room = MAX_REPLY;
  let value;
  try {
    value = apply(target, undefined, decodeAll(args));
  } catch (error) {
    return describe(error);
  }
  try {
    const reply = `{"value":${encode(value, 0)}}`;
    if (byteLength(reply) <= MAX_REPLY) return reply;
  } catch (error) {
    if (!(error instanceof TooLarge)) return describe(error);
  }
  return raised("OutputLimit", `the result: more than ${MAX_REPLY} bytes`);
}

function serve(source, name) {
  const refuse = (failed, detail) => { send(stringify({ failed, detail })); exit(0); };
  const here = path.resolve("program.js"), { runInThisContext } = vm;
  const exports = {}, module = { exports }, require = Module.createRequire(here);
  Object.assign(globalThis, { require, module, exports });
  let target;
  try {
    runInThisContext(source, { filename: here });
    target = runInThisContext(`typeof ${name} === "undefined" ? undefined : ${name}`);
    target ??= module.exports[name];
  } catch (error) {
    const { raised: kind, detail } = parse(describe(error));
    refuse(kind === "SyntaxError" ? "compile_error" : "error", `${kind}: ${detail}`);
  }
  if (typeof target !== "function") refuse("no_code", `no function ${name}`);
  send('{"loaded":true}');
  for (;;) {
    const { calls } = receive();
    for (let i = 0; i < calls.length; i++) send(answer(target, calls[i].args));
  }
}

function run(source) {
  const here = path.resolve("program.js"), module = new Module(here, null);
  module.filename = process.argv[1] = here;
  process.mainModule = module;
  module._compile(source, here);
}

const { entry_point, source } = parse(fs.readFileSync(FILE, "utf8"));
entry_point ? serve(source, entry_point) : run(source);
