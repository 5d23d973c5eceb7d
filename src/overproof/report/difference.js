// What changed between two texts: longest common subsequence over words, between the part that
// both start with and the part that both end with. [before, after], lists of [text, isChanged].
const MOST_CELLS = 4e6;

function difference(before, after) {
  const split = (text) => text.match(/\w+|\s|[^\w\s]/gu) ?? [];
  const [a, b] = [split(before), split(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const [old, fresh] = x.length * y.length > MOST_CELLS
    ? [x.map((word) => [word, true]), y.map((word) => [word, true])]
    : subsequence(x, y);
  const plain = (words) => words.map((word) => [word, false]);
  const [head, tail] = [plain(a.slice(0, start)), plain(a.slice(a.length - end))];
  return [merge([...head, ...old, ...tail]), merge([...head, ...fresh, ...tail])];
}

function subsequence(a, b) {
  const width = b.length + 1;
  const best = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      best[i * width + j] = a[i] === b[j]
        ? best[(i + 1) * width + j + 1] + 1
        : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
  const [old, fresh] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      old.push([a[i++], false]);
      fresh.push([b[j++], false]);
    } else if (j >= b.length || (i < a.length && best[(i + 1) * width + j] >= best[i * width + j + 1]))
      old.push([a[i++], true]);
    else fresh.push([b[j++], true]);
  }
  return [old, fresh];
}

function merge(pieces) {
  const joined = [];
  for (const [text, changed] of pieces)
    if (joined.length && joined.at(-1)[1] === changed) joined.at(-1)[0] += text;
    else joined.push([text, changed]);
  return joined;
}
