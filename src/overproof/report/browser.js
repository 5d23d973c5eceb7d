// The sample browser. Text from models reaches the page through textContent only.
const PAGE = 60;
const NOT_PASSED = "not passed";
const BROKEN = "broken: passed as published";
const REPAIRED = "repaired: failed as published";
// Nothing was learnt about these programs: they are not wrong.
const UNKNOWN = ["harness_error", "missing_tool", "not executed"];
const find = (id) => document.getElementById(id);
const [list, panel, count] = [find("list"), find("sample"), find("count")];
const field = {};
for (const name of ["model", "status", "operator", "language", "text"]) field[name] = find(`filter-${name}`);

let index, samples, variants, flips; // the data, as columns
let texts = null; // prompts, completions, tests, details: unpacked after the list
let shown = []; // numbers of the samples that the filters let through
let drawn = 0;
let current = -1;

const words = (name) => name.replaceAll("_", " ");
const status = (row) => index.statuses[samples.status[row]];
const verdict = (row, passed, unknown, failed) =>
  status(row) === "passed" ? passed : UNKNOWN.includes(status(row)) ? unknown : failed;
const mark = (row) => verdict(row, "✓", "–", "✗");
const colour = (row) => verdict(row, "passed", "quiet", "failed");
const task = (row) => variants.task_id[samples.variant[row]];
const model = (row) => index.models[samples.model[row]];
const language = (row) => variants.language[samples.variant[row]];
const link = (row) => `#sample=${encodeURIComponent(samples.key[row])}`;
const title = (row) => (index.models.length > 1 ? `${task(row)} · ${model(row)}` : task(row));
const same = (row, other) => samples.index[row] === samples.index[other];
function place(row) {
  const variant = samples.variant[row];
  return words(variants.operator[variant]) +
    (variants.seed[variant] ? `, seed ${variants.seed[variant]}` : "") +
    (samples.index[row] ? `, sample ${samples.index[row]}` : "");
}

// +1 for a sample that passes where the same model fails on the published prompt, -1 for the
// reverse, 0 for neither.
function findFlips() {
  const size = samples.key.length;
  const verdicts = new Map();
  const width = samples.index.reduce((most, each) => Math.max(most, each), 0) + 1;
  const key = (variant, row) => (variant * index.models.length + samples.model[row]) * width + samples.index[row];
  for (let row = 0; row < size; row++)
    if (variants.operator[samples.variant[row]] === "nominal")
      verdicts.set(key(samples.variant[row], row), verdict(row, 1, 0, -1));
  return Int8Array.from({ length: size }, (_, row) => {
    const nominal = variants.nominal[samples.variant[row]];
    if (nominal === samples.variant[row]) return 0;
    const [before, now] = [verdicts.get(key(nominal, row)) ?? 0, verdict(row, 1, 0, -1)];
    return before * now === -1 ? now : 0;
  });
}

// Options are numbered: their values are attributes, and names may hold anything.
function fill(select, all, labels, groups = []) {
  select.append(new Option(all, ""));
  let group = null;
  labels.forEach((label, number) => {
    if (groups[number] && group?.label !== groups[number]) {
      group = document.createElement("optgroup");
      group.label = visible(groups[number]);
      select.append(group);
    }
    (group ?? select).append(new Option(visible(words(label)), number));
  });
}

function choices() {
  const operators = new Map(variants.operator.map((name, i) => [name, variants.family[i]]));
  const order = [...new Set(operators.values())];
  const sorted = [...operators].sort((a, b) => order.indexOf(a[1]) - order.indexOf(b[1]));
  return {
    model: index.models,
    status: [NOT_PASSED, BROKEN, REPAIRED, ...[...index.statuses].sort()],
    operator: sorted.map(([name]) => name),
    families: sorted.map(([, family]) => family),
    language: [...new Set(variants.language)],
  };
}

let options; // what the selects offer
function wantedRows() {
  const chosen = {};
  for (const name of ["model", "status", "operator", "language"])
    if (field[name].value !== "") chosen[name] = options[name][field[name].value];
  const matches = textMatcher(field.text.value);
  const kept = [];
  for (let row = 0; row < samples.key.length; row++) {
    const variant = samples.variant[row];
    if (chosen.model !== undefined && samples.model[row] !== Number(field.model.value)) continue;
    if (chosen.operator !== undefined && variants.operator[variant] !== chosen.operator) continue;
    if (chosen.language !== undefined && variants.language[variant] !== chosen.language) continue;
    if (chosen.status !== undefined && !hasVerdict(row, chosen.status)) continue;
    if (matches(row)) kept.push(row);
  }
  return kept;
}

function hasVerdict(row, wanted) {
  if (wanted === NOT_PASSED) return status(row) !== "passed";
  if (wanted === BROKEN) return flips[row] < 0;
  if (wanted === REPAIRED) return flips[row] > 0;
  return status(row) === wanted;
}

// Every text is in memory once as it is and once in small letters, and is looked at once per
// search, however many samples share it. A longer search asks only what the shorter one kept.
const caches = [];
let searched = "";
function cacheOf(size, textAt) {
  const lower = new Array(size);
  const known = new Int8Array(size).fill(-1);
  const low = (i) => (lower[i] ??= textAt(i).toLowerCase());
  caches.push({ known, low });
  return (i) => (known[i] < 0 ? (known[i] = low(i).includes(searched) ? 1 : 0) : known[i]) === 1;
}
let hit = null;
function textMatcher(text) {
  const needle = text.toLowerCase();
  if (needle === "" || !texts) return () => true;
  for (const { known } of caches)
    if (searched !== "" && needle.includes(searched)) known.forEach((value, i) => { if (value > 0) known[i] = -1; });
    else known.fill(-1);
  searched = needle;
  return (row) => hit.task(samples.variant[row]) || hit.detail(samples.detail[row]) ||
    hit.completion(samples.completion[row]) || hit.prompt(samples.variant[row]);
}

function prompt(variant) {
  const stored = texts.prompts[variant];
  return typeof stored === "string" ? stored : applyEdit(texts.prompts[variants.nominal[variant]], stored);
}

function prepareSearch() {
  hit = {
    task: cacheOf(variants.task_id.length, (i) => variants.task_id[i]),
    detail: cacheOf(texts.details.length, (i) => texts.details[i]),
    completion: cacheOf(texts.completions.length, (i) => texts.completions[i]),
    prompt: cacheOf(variants.task_id.length, prompt),
  };
  const waiting = caches.map(({ known, low }) => ({ size: known.length, low, next: 0 }));
  const work = (idle) => {
    while (waiting.length && idle.timeRemaining() > 2) {
      const first = waiting[0];
      for (const stop = Math.min(first.next + 200, first.size); first.next < stop; first.next++) first.low(first.next);
      if (first.next >= first.size) waiting.shift();
    }
    if (waiting.length) whenIdle(work);
    else document.body.dataset.search = "ready";
  };
  whenIdle(work);
}
const whenIdle = (work) =>
  window.requestIdleCallback ? requestIdleCallback(work) : setTimeout(() => work({ timeRemaining: () => 5 - 5 * Math.random() }), 20);

function listItem(row) {
  const button = element("button");
  button.type = "button";
  button.dataset.row = row;
  button.tabIndex = -1;
  button.append(
    element("span", mark(row), `verdict ${colour(row)}`),
    element("span", title(row)),
    element("small", `${place(row)} · ${words(status(row))}`),
  );
  if (row === current) button.setAttribute("aria-current", "true");
  const item = document.createElement("li");
  item.append(button);
  return item;
}

// Tab reaches one sample of the list: the shown one, or the first.
function setTabStop() {
  for (const button of list.querySelectorAll("[tabindex='0']")) button.tabIndex = -1;
  const stop = list.querySelector("[aria-current]") ?? list.querySelector("button");
  if (stop) stop.tabIndex = 0;
}

function drawMore() {
  list.querySelector(".more")?.parentNode.remove();
  const next = shown.slice(drawn, drawn + PAGE);
  list.append(...next.map(listItem));
  drawn += next.length;
  if (drawn >= shown.length) return;
  const item = document.createElement("li");
  const more = element("button", `${(shown.length - drawn).toLocaleString("en")} more`, "more");
  more.type = "button";
  item.append(more);
  list.append(item);
}

function applyFilters() {
  shown = wantedRows();
  drawn = 0;
  list.replaceChildren();
  drawMore();
  setTabStop();
  list.scrollTop = 0;
  const all = samples.key.length.toLocaleString("en");
  count.textContent = `${shown.length.toLocaleString("en")} of ${all} samples`;
  find("reset").hidden = Object.values(field).every((one) => one.value === "");
}

function reset() {
  for (const one of Object.values(field)) one.value = "";
  applyFilters();
}

function open(row, { focus = false, record = true } = {}) {
  current = row;
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  list.querySelector(`[data-row="${row}"]`)?.setAttribute("aria-current", "true");
  setTabStop();
  panel.replaceChildren(...sampleView(row));
  panel.scrollTop = 0;
  if (record) {
    history.replaceState(null, "", link(row));
    find("said").textContent = visible(`${task(row)}, ${model(row)}, ${place(row)}: ${words(status(row))}`);
  }
  if (focus) panel.focus();
}

function follow() {
  const wanted = /^#sample=(.+)$/.exec(location.hash)?.[1];
  if (wanted === undefined) return false;
  let key = "";
  try { key = decodeURIComponent(wanted); } catch { /* not one of ours */ }
  const row = samples.key.indexOf(key);
  if (row < 0) {
    panel.replaceChildren(element("p", "No sample of this run has the key of this link."));
    find("samples").scrollIntoView();
    return true;
  }
  if (row !== current) open(row, { record: false });
  find("samples").scrollIntoView();
  return true;
}

function walk(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  const step = steps[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  const buttons = [...list.querySelectorAll("button")];
  const here = buttons.indexOf(document.activeElement);
  if (here < 0) return;
  event.preventDefault();
  const next = buttons[Math.min(Math.max(here + step, 0), buttons.length - 1)];
  next.focus();
  if (next.dataset.row && Number(next.dataset.row) !== current) open(Number(next.dataset.row));
}

function listen() {
  list.addEventListener("keydown", walk);
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.row) return open(Number(button.dataset.row));
    const first = drawn;
    drawMore();
    list.children[first].firstChild.focus();
  });
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-row]");
    if (button) open(Number(button.dataset.row), { focus: true });
  });
  for (const name of ["model", "status", "operator", "language"]) field[name].addEventListener("change", applyFilters);
  let waiting = 0; // keys that come faster than the filter are taken together
  field.text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(applyFilters, 0);
  });
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  find("reset").addEventListener("click", reset);
  addEventListener("hashchange", follow);
}

async function start() {
  if (!window.DecompressionStream) {
    count.textContent = "The sample browser needs a browser from 2023 or later.";
    return;
  }
  index = await unpack("index");
  ({ samples, variants } = index);
  flips = findFlips();
  options = choices();
  for (const name of ["model", "status", "operator", "language"])
    fill(field[name], { model: "all models", status: "all verdicts", operator: "all operators", language: "all languages" }[name],
      options[name], name === "operator" ? options.families : []);
  field.language.parentNode.hidden = options.language.length < 2;
  find("filters").hidden = find("browser").hidden = false;
  applyFilters();
  performance.mark("listed");
  texts = await unpack("texts");
  prepareSearch();
  listen();
  if (!follow() && samples.key.length) open(0, { record: false });
  document.body.dataset.browser = "ready";
  performance.mark("ready");
}

// Paper has no summaries to click on.
const folded = [];
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    folded.push(details);
    details.open = true;
  }
});
addEventListener("afterprint", () => folded.splice(0).forEach((details) => { details.open = false; }));
start();
