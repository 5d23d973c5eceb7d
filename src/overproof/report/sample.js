// One sample: its prompt beside the published one, the completion, the tests, what came of them.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;
const LONG = 20000; // characters that are shown before a reader asks for all
const codePoint = (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
const visible = (text) => text.replace(HIDDEN, codePoint);

function element(tag, text = "", className = "") {
  const node = document.createElement(tag);
  node.textContent = visible(text);
  if (className) node.className = className;
  return node;
}

// Characters that one cannot see are written out, and look other than text that says the same.
function write(node, text) {
  let end = 0;
  for (const found of text.matchAll(HIDDEN)) {
    node.append(text.slice(end, found.index), element("span", found[0], "unseen"));
    end = found.index + found[0].length;
  }
  node.append(text.slice(end));
  return node;
}

function code(title, language, text) {
  const draw = (part) => highlight(part, language).map(([piece, kind]) =>
    write(kind ? element("span", "", kind) : document.createDocumentFragment(), piece));
  return block(title, text.length, (size) => draw(text.slice(0, size)));
}

// `changed` is the element for what changed: what was taken away, or what came.
function marked(title, pieces, changed) {
  const size = pieces.reduce((sum, [text]) => sum + text.length, 0);
  return block(title, size, (most) => {
    const nodes = [];
    for (const [text, isChanged] of pieces) {
      const node = isChanged ? element(changed) : document.createDocumentFragment();
      nodes.push(write(node, text.slice(0, most)));
      most -= text.length;
      if (most <= 0) break;
    }
    return nodes;
  });
}

function block(title, size, draw) {
  const box = document.createElement("div");
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", title);
  pre.append(...(size ? draw(LONG) : [element("span", "(empty)", "quiet")]));
  box.append(element("h4", title), pre);
  if (size > LONG) {
    const all = element("button", `Show all ${size.toLocaleString("en")} characters`, "plain");
    all.type = "button";
    all.addEventListener("click", () => {
      pre.replaceChildren(...draw(size));
      all.remove();
      pre.focus();
    });
    box.append(all);
  }
  return box;
}

function jump(row, label, spoken) {
  const button = element("button", label, `plain ${colour(row)}`);
  button.type = "button";
  button.dataset.row = row;
  if (spoken) {
    button.title = visible(spoken);
    button.setAttribute("aria-label", visible(spoken));
  }
  return button;
}

function sampleView(row) {
  const variant = samples.variant[row];
  const nominal = variants.nominal[variant];
  const heading = element("h3", title(row));
  const anchor = element("a", "link to this sample");
  anchor.setAttribute("href", link(row));
  const where = element("p", `${place(row)} · `, "quiet");
  where.append(anchor);
  const test = texts.tests[variants.task[variant]];
  return [
    heading, where, ...verdictView(row), othersView(row), strip(row), promptView(variant, nominal),
    code("Completion", language(row), texts.completions[samples.completion[row]]),
    folded_("Tests", test.language, test.test), folded_("Reference solution", language(row), test.solution),
    facts(row, variant),
  ];
}

function verdictView(row) {
  const line = element("p", `${mark(row)} ${words(status(row))}`, `result ${colour(row)}`);
  if (flips[row]) line.append(element("span", flips[row] < 0 ? " – the published prompt passes" : " – the published prompt fails", "quiet"));
  const detail = texts.details[samples.detail[row]];
  if (!detail) return [line];
  return [line, block("What went wrong", detail.length, (size) => [write(element("span"), detail.slice(0, size))])];
}

function othersView(row) {
  const line = element("p", "", "others");
  for (let other = 0; other < samples.key.length; other++)
    if (samples.variant[other] === samples.variant[row] && other !== row && same(other, row))
      line.append(jump(other, `${mark(other)} ${model(other)}`));
  if (line.childNodes.length) line.prepend(element("span", "Same prompt: ", "quiet"));
  return line;
}

// All prompts of the task that this model was asked: one mark each.
function strip(row) {
  const line = element("p", "", "strip");
  const own = variants.task[samples.variant[row]];
  for (let other = 0; other < samples.key.length; other++)
    if (samples.model[other] === samples.model[row] && same(other, row) && variants.task[samples.variant[other]] === own) {
      const button = jump(other, mark(other), `${place(other)}: ${words(status(other))}`);
      if (other === row) button.setAttribute("aria-current", "true");
      line.append(button);
    }
  line.prepend(element("span", `All ${line.childNodes.length} prompts of this task: `, "quiet"));
  return line;
}

function promptView(variant, nominal) {
  const box = element("div", "", "prompts");
  const now = prompt(variant);
  if (nominal < 0 || nominal === variant || prompt(nominal) === now) {
    box.append(code(nominal === variant || nominal < 0 ? "Prompt" : "Prompt, as published", variants.language[variant], now));
    return box;
  }
  const [before, after] = difference(prompt(nominal), now);
  box.append(marked("Published prompt", before, "del"), marked("Perturbed prompt", after, "ins"));
  return box;
}

function folded_(title, language, text) {
  if (!text) return document.createDocumentFragment();
  const details = document.createElement("details");
  details.append(element("summary", title), code(title, language, text));
  details.querySelector("h4").remove();
  return details;
}

function facts(row, variant) {
  const pairs = [["Made", index.notes[samples.note[row]]]];
  if (samples.tokens[row]) pairs.push(["Answer", `${samples.tokens[row]} tokens, ${samples.seconds[row]} s in its batch`]);
  if (samples.cpu_ms[row]) pairs.push(["Program", `${samples.cpu_ms[row]} ms of CPU, ${samples.memory_mib[row]} MiB`]);
  if (variants.distance[variant])
    pairs.push(["Perturbation", `${variants.distance[variant]} characters edited, naturalness ${variants.naturalness[variant]}`]);
  pairs.push(["Key", samples.key[row]]);
  const table = element("dl", "", "facts");
  for (const [name, value] of pairs) table.append(element("dt", name), element("dd", value));
  return table;
}
