// Colours for code: comments, strings, numbers and keywords of thirteen languages, told apart by
// one pass of one expression each. Not a parser: what it takes for a string may be none (nested
// templates, heredocs), which costs a colour and nothing else; the text is always shown whole.
const HASH = "#[^\\n]*";
const SLASHES = "//[^\\n]*|/\\*[^]*?(?:\\*/|$)";
const QUOTED = "\"(?:\\\\[^]|[^\"\\\\\\n])*\"?|'(?:\\\\[^]|[^'\\\\\\n])*'?";
const TEMPLATE = "`(?:\\\\[^]|[^`\\\\])*`?";
const TRIPLE = "\"\"\"[^]*?(?:\"\"\"|$)|'''[^]*?(?:'''|$)";
const C_LIKE =
  "break case catch class const continue default do else enum false finally for if import in " +
  "instanceof interface new null private protected public return static super switch this throw " +
  "true try void while";
const GRAMMARS = {
  python: [HASH, `${TRIPLE}|${QUOTED}`, "and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return True try while with yield match case"],
  javascript: [SLASHES, `${QUOTED}|${TEMPLATE}`, `${C_LIKE} async await delete export extends function let of typeof undefined var yield`],
  typescript: [SLASHES, `${QUOTED}|${TEMPLATE}`, `${C_LIKE} any as async await boolean declare export extends function implements let never number of readonly string type typeof undefined var yield`],
  java: [SLASHES, `${TRIPLE}|${QUOTED}`, `${C_LIKE} abstract boolean byte char double extends final float implements int long package record short synchronized throws var`],
  cpp: [SLASHES, QUOTED, `${C_LIKE} auto bool char constexpr delete double float include int long namespace nullptr operator short signed sizeof struct template typename unsigned using virtual`],
  csharp: [SLASHES, `@"(?:""|[^"])*"?|${QUOTED}`, `${C_LIKE} as async await base bool byte char decimal double float foreach int is long namespace object out override readonly ref string struct using var virtual where yield`],
  go: [SLASHES, `${QUOTED}|${TEMPLATE}`, "any bool break byte case chan const continue default defer else error fallthrough false float64 for func go goto if import int int64 interface map nil package range return rune select string struct switch true type var"],
  rust: [SLASHES, "\"(?:\\\\[^]|[^\"\\\\])*\"?|'(?:\\\\[^\\n]|[^'\\\\\\n])'", "as async await bool break const continue crate dyn else enum extern false fn for i32 i64 if impl in let loop match mod move mut pub ref return Self self static String struct super trait true type u8 unsafe use usize Vec where while"],
  ruby: [HASH, QUOTED, "alias and begin break case class def do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield require"],
  php: [`${SLASHES}|${HASH}`, QUOTED, `${C_LIKE} abstract and array as callable clone declare echo elseif extends final fn foreach function global implements isset list match mixed or print require string int float bool unset use var yield`],
  perl: [HASH, QUOTED, "and cmp defined do each else elsif eq for foreach ge gt if keys last le lt map my ne next no not or our package print push qw redo return scalar shift sort sub undef unless until use values while"],
  lua: ["--\\[\\[[^]*?(?:\\]\\]|$)|--[^\\n]*", `${QUOTED}|\\[\\[[^]*?(?:\\]\\]|$)`, "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"],
  bash: [HASH, "\"(?:\\\\[^]|[^\"\\\\])*\"?|'[^']*'?", "break case continue declare do done echo elif else esac exit export fi for function if in local printf read return set shift then until while"],
};
const compiled = new Map();

function grammarOf(language) {
  if (!compiled.has(language)) {
    const [comment, string, words] = GRAMMARS[language] ?? GRAMMARS.python;
    const number = "\\b\\d[\\w.]*";
    const source = `(${comment})|(${string})|(${number})|([A-Za-z_]\\w*)`;
    compiled.set(language, { tokens: new RegExp(source, "g"), words: new Set(words.split(" ")) });
  }
  return compiled.get(language);
}

// [text, class] pieces that together are the text; the class is empty for plain code.
function highlight(text, language) {
  const { tokens, words } = grammarOf(language);
  const pieces = [];
  let end = 0;
  for (const found of text.matchAll(tokens)) {
    const [token, comment, string, number] = found;
    const kind = comment !== undefined ? "comment" : string !== undefined ? "string"
      : number !== undefined ? "number" : words.has(token) ? "keyword" : "";
    if (!kind) continue;
    if (found.index > end) pieces.push([text.slice(end, found.index), ""]);
    pieces.push([token, kind]);
    end = found.index + token.length;
  }
  if (end < text.length) pieces.push([text.slice(end), ""]);
  return pieces;
}
