"use strict";
// The sample browser. Text from models reaches the page through textContent only.
(() => {
  const { models, variants, samples } = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 200;
  const find = (id) => document.getElementById(id);
  const [list, panel, count] = [find("list"), find("sample"), find("count")];
  const filters = ["model", "operator", "status", "text"].map((name) => find(`filter-${name}`));
  const HIDDEN =
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;
  const visible = (text) =>
    text.replace(HIDDEN, (c) =>
      `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

  // [variant, model, sample_index, status, detail, completion, key] with names.
  const rows = samples.map(([variant, model, index, status, detail, completion, key]) => {
    const [task, operator, seed, nominal, prompt] = variants[variant];
    const before = nominal < 0 ? "" : variants[nominal][4];
    return { variant, model, index, status, detail, completion, key, task, operator, seed, before, prompt };
  });
  const NOT_PASSED = "not passed";
  const operators = [...new Set(rows.map((row) => row.operator))];
  const statuses = [NOT_PASSED, ...[...new Set(rows.map((row) => row.status))].sort()];
  let shown = [];
  let drawn = 0;
  let current = null;

  function element(tag, text = "", className = "") {
    const node = document.createElement(tag);
    node.textContent = visible(text);
    if (className) node.className = className;
    return node;
  }

  // Nothing was learnt about these programs: they are not wrong.
  const UNKNOWN = ["harness_error", "missing_tool", "not executed"];
  const verdict = (row, passed, unknown, failed) =>
    row.status === "passed" ? passed : UNKNOWN.includes(row.status) ? unknown : failed;
  const mark = (row) => verdict(row, "✓", "–", "✗");
  const colour = (row) => verdict(row, "passed", "quiet", "failed");
  const words = (status) => status.replaceAll("_", " ");
  const place = (row) =>
    words(row.operator) + (row.seed ? `, seed ${row.seed}` : "") +
    (row.index ? `, sample ${row.index}` : "");

  // Options are numbered: their values are attributes, and names may hold anything.
  function fill(select, name, labels) {
    select.append(new Option(`all ${name}`, ""));
    labels.forEach((label, number) => select.append(new Option(visible(label), number)));
  }

  function listItem(row) {
    const button = element("button");
    button.type = "button";
    button.dataset.key = row.key;
    button.append(
      element("span", mark(row), `verdict ${colour(row)}`),
      element("span", `${row.task} · ${models[row.model]}`),
      element("small", `${place(row)} · ${words(row.status)}`),
    );
    if (row === current) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => open(row));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  function drawMore() {
    list.querySelector(".more")?.parentNode.remove();
    const next = shown.slice(drawn, drawn + PAGE);
    list.append(...next.map(listItem));
    drawn += next.length;
    if (drawn < shown.length) {
      const item = document.createElement("li");
      const more = element("button", `${shown.length - drawn} more`, "more");
      more.type = "button";
      more.addEventListener("click", () => {
        const first = drawn;
        drawMore();
        list.children[first].firstChild.focus();
      });
      item.append(more);
      list.append(item);
    }
  }

  function applyFilters() {
    const [model, operator, status, text] = filters.map((field) => field.value);
    const [wantedOperator, wantedStatus] = [operators[operator], statuses[status]];
    const needle = text.toLowerCase();
    const matches = (row) =>
      (model === "" || row.model === Number(model)) &&
      (operator === "" || row.operator === wantedOperator) &&
      (status === "" || row.status === wantedStatus ||
        (wantedStatus === NOT_PASSED && row.status !== "passed")) &&
      (needle === "" ||
        [row.task, row.prompt, row.completion].some((part) => part.toLowerCase().includes(needle)));
    shown = rows.filter(matches);
    drawn = 0;
    list.replaceChildren();
    drawMore();
    count.textContent = `${shown.length} of ${rows.length} samples`;
  }

  // Longest common subsequence over words: what stays is plain, what changed is marked.
  function difference(before, after) {
    const split = (text) => text.match(/\w+|\s+|[^\w\s]/gu) ?? [];
    const [a, b] = [split(before), split(after)];
    if (a.length * b.length > 4e6) return [b.map((word) => [word, false]), a.map((word) => [word, false])];
    const width = b.length + 1;
    const best = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        best[i * width + j] = a[i] === b[j]
          ? best[(i + 1) * width + j + 1] + 1
          : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    const [old, changed] = [[], []];
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        old.push([a[i++], false]);
        changed.push([b[j++], false]);
      } else if (j >= b.length || (i < a.length && best[(i + 1) * width + j] >= best[i * width + j + 1]))
        old.push([a[i++], true]);
      else changed.push([b[j++], true]);
    }
    return [changed, old];
  }

  function code(title, pieces) {
    const box = document.createElement("div");
    const pre = document.createElement("pre");
    pre.tabIndex = 0;
    pre.setAttribute("aria-label", title);
    for (const [text, isMarked] of pieces)
      pre.append(isMarked ? element("mark", text) : document.createTextNode(visible(text)));
    box.append(element("h4", title), pre);
    return box;
  }

  function open(row, { focus = false, record = true } = {}) {
    current = row;
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    list.querySelector(`[data-key="${CSS.escape(row.key)}"]`)?.setAttribute("aria-current", "true");
    const line = element("p", `${mark(row)} ${words(row.status)}`, colour(row));
    if (row.detail) line.append(element("span", ` – ${row.detail}`, "quiet"));
    const others = element("p", "", "others");
    for (const other of rows)
      if (other.variant === row.variant && other.index === row.index && other !== row) {
        const button = element("button", `${mark(other)} ${models[other.model]}`, colour(other));
        button.type = "button";
        button.addEventListener("click", () => open(other, { focus: true }));
        others.append(button);
      }
    const prompts = element("div", "", "prompts");
    if (row.before && row.before !== row.prompt) {
      const [after, before] = difference(row.before, row.prompt);
      prompts.append(code("Nominal prompt", before), code("Perturbed prompt", after));
    } else prompts.append(code("Prompt", [[row.prompt, false]]));
    panel.replaceChildren(
      element("h3", `${row.task} · ${models[row.model]}`),
      element("p", place(row), "quiet"),
      line,
      others,
      prompts,
      code("Completion", [[row.completion || "(empty)", false]]),
    );
    panel.scrollTop = 0;
    if (record) history.replaceState(null, "", `#sample=${row.key}`);
    if (focus) panel.focus();
  }

  function follow() {
    const key = /^#sample=([0-9a-f]+)$/.exec(location.hash)?.[1];
    const row = key && rows.find((candidate) => candidate.key === key);
    if (!row) return false;
    open(row, { record: false });
    find("samples").scrollIntoView();
    return true;
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !list.contains(document.activeElement)) return;
    const item = document.activeElement.closest("li");
    const next = step > 0 ? item.nextElementSibling : item.previousElementSibling;
    if (!next) return;
    event.preventDefault();
    next.firstChild.focus();
    if (!next.firstChild.classList.contains("more")) next.firstChild.click();
  });
  fill(filters[0], "models", models);
  fill(filters[1], "operators", operators.map(words));
  fill(filters[2], "verdicts", statuses.map(words));
  filters.slice(0, 3).forEach((field) => field.addEventListener("change", applyFilters));
  let pause = 0;
  filters[3].addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(applyFilters, 120);
  });
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  find("filters").hidden = find("browser").hidden = false;
  applyFilters();
  if (!follow() && rows.length) open(rows[0], { record: false });
})();
