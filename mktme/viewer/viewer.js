// Draws a counterexample (format mktme-trace, see mktme/traces/document.py) into a page.
//
// An ES module without imports. A page that is one file has its text inside a module script; a page
// that is served imports it. Nothing here parses text as HTML: what the data say becomes text.
//
//   mountViewer(root, trace, {level, commands})  the whole viewer; gives {step, last, show(n)}
//   renderFrame(frame, {onEntry, level})         the panels of a state
//   renderPanel(panel, {onEntry})                one of them
//   renderCall(call, {number, level})            a call: who, answer, PCONFIGs, changes
//   renderBroken(broken, {price, level})         why the property is false
//   renderReplay(replay, {level})                what the implementation did
//   watch(box)                                   lets a box that scrolls say where there is more
//   renderMarks(marks)                           what the marks mean
//   element(tag, attributes, ...children)        a node; children are nodes or text
//   copier(text, label)                          a button that copies
//
// `level` is the level of the first heading that is drawn (2 to 5). `onEntry(entry, {panel, row,
// column})` is called when somebody activates an entry, which is a button then.

export const MARKS = {
  changed: ["*", "the call changed it"],
  broken: ["✗", "what is false of it breaks the property"],
  stale: ["≠", "not what its owner last asked for, or of a key that is gone"],
  saved: ["⌂", "key material that the kernel keeps to program packages later"],
  erased: ["∅", "held key material before, and holds none now"],
  residual: ["!", "key material that nobody uses any more"],
};

const NOTHING = "–";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const heading = (level, ...children) => element(`h${Math.min(level, 6)}`, {}, ...children);

const list = (kind, items, attributes = {}) =>
  element(kind, attributes, ...items.map((item) => element("li", {}, item)));

// A wide grid scrolls inside its own box. Only a box that does scroll is a stop of the Tab key, and
// has a shade (see viewer.css) on the sides where there is more.
const scrolling = new ResizeObserver((boxes) => boxes.forEach((box) => settle(box.target)));

export function watch(box) {
  scrolling.observe(box);
  box.addEventListener("scroll", () => settle(box), { passive: true });
}

function settle(box) {
  const hidden = box.scrollWidth - box.clientWidth;
  if (hidden > 1) box.setAttribute("tabindex", "0");
  else box.removeAttribute("tabindex");
  const sides = { left: box.scrollLeft > 1, right: hidden - box.scrollLeft > 1 };
  box.dataset.more = Object.keys(sides).filter((side) => sides[side]).join(" ");
}

function scroller(label, table) {
  const box = element("div", { class: "scroll", role: "group", "aria-label": label }, table);
  watch(box);
  return box;
}

// Keys

// A fingerprint has a tint of its own, so that equal keys are seen to be equal; it is always written.
function keyChip(key) {
  const chip = element("code", { class: "key", title: `fingerprint of a key: ${key}` }, key);
  chip.style.setProperty("--hue", String((Math.imul(parseInt(key, 16) || 0, 2654435761) >>> 20) % 360));
  return chip;
}

// Panels

function badge(mark) {
  const [sign, meaning] = MARKS[mark] ?? ["·", mark];
  return element(
    "span",
    { class: `mark mark-${mark}`, title: meaning },
    element("span", { "aria-hidden": "true" }, sign),
    ` ${mark}`,
  );
}

function entryContent(entry) {
  const parts = [element("span", { class: "text" }, entry.text)];
  if (entry.key) parts.push(" ", keyChip(entry.key));
  if (entry.marks.length) {
    parts.push(" ", element("span", { class: "marks" }, ...entry.marks.flatMap((m) => [badge(m), " "])));
  }
  if (entry.was !== null && entry.was !== undefined) {
    parts.push(" ", element("span", { class: "was" }, `was: ${entry.was}`));
  }
  return parts;
}

function entryCell(entry, place, onEntry) {
  const classes = [...entry.marks.map((mark) => `is-${mark}`)];
  if (entry.text === NOTHING) classes.push("is-nothing");
  const content = entryContent(entry);
  const inside = onEntry
    ? [element("button", { type: "button", class: "entry", onclick: () => onEntry(entry, place) }, ...content)]
    : content;
  return element("td", { class: classes.join(" ") || null }, ...inside);
}

export function renderPanel(panel, { onEntry } = {}) {
  const columns = panel.columns.map(([title, note]) =>
    element("th", { scope: "col" }, title, note ? element("span", { class: "note" }, note) : null),
  );
  const corner = panel.corner
    ? element("th", { scope: "col" }, panel.corner)
    : element("td", {});
  const rows = panel.rows.map((row) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, row.head),
      ...row.entries.map((entry, column) => entryCell(entry, { panel, row, column }, onEntry)),
    ),
  );
  const table = element(
    "table",
    {},
    element("caption", {}, panel.title),
    element("thead", {}, element("tr", {}, corner, ...columns)),
    element("tbody", {}, ...rows),
  );
  const changes = panel.rows.some((row) => row.entries.some((entry) => entry.marks.length));
  return element(
    "div",
    { class: `panel panel-${panel.id}${changes ? "" : " is-quiet"}` },
    scroller(panel.title, table),
  );
}

export function renderFrame(frame, options = {}) {
  return element("div", { class: "frame" }, ...frame.panels.map((panel) => renderPanel(panel, options)));
}

export function renderMarks(marks = Object.keys(MARKS)) {
  const items = marks.map((mark) => [
    element("dt", {}, badge(mark)),
    element("dd", {}, (MARKS[mark] ?? ["", mark])[1]),
  ]);
  return element("dl", { class: "legend" }, ...items.map((pair) => element("div", {}, ...pair)));
}

// Calls

// A name such as SET_KEY_DIRECT, which may be broken behind each underscore.
const breakable = (name) =>
  element("code", {}, ...name.split(/(?<=_)/).flatMap((part, n) => (n ? [element("wbr"), part] : [part])));

// The status stands where it is seen first: a narrow page may have to scroll to the rest.
function executionsTable(executions) {
  const head = ["package", "CPU", "status", "command", "KeyID", "algorithm", "key"];
  const rows = executions.map((done) =>
    element(
      "tr",
      { class: done.status === "PROG_SUCCESS" ? null : "is-failed" },
      element("th", { scope: "row" }, String(done.package)),
      element("td", {}, String(done.cpu)),
      element("td", {}, done.status === "PROG_SUCCESS" ? "" : "✗\u00a0", breakable(done.status)),
      element("td", {}, breakable(done.command)),
      element("td", {}, String(done.keyid)),
      element("td", {}, done.algorithm || NOTHING),
      element("td", {}, done.key ? keyChip(done.key) : NOTHING),
    ),
  );
  const title = executions.length === 1 ? "1 PCONFIG executed" : `${executions.length} PCONFIGs executed`;
  return scroller(
    title,
    element(
      "table",
      { class: "executions" },
      element("caption", {}, title),
      element("thead", {}, element("tr", {}, ...head.map((word) => element("th", { scope: "col" }, word)))),
      element("tbody", {}, ...rows),
    ),
  );
}

const PLAIN = ["ok", "goes_on", "reading"];

function answerBadge(answer) {
  const isPlain = PLAIN.includes(answer);
  return element(
    "span",
    { class: isPlain ? "answer-word" : "answer-word is-errno" },
    `${isPlain ? "" : "✗ "}${answer.replaceAll("_", " ")}`,
  );
}

export function renderCall(call, { number, level = 4 } = {}) {
  const title = number === undefined ? call.words : `${number}. ${call.words}`;
  const said = call.refusal ? element("p", { class: "refusal" }, `“${call.refusal}”`) : null;
  const facts = element(
    "dl",
    { class: "facts" },
    element("div", {}, element("dt", {}, "who"), element("dd", {}, call.who)),
    element("div", {}, element("dt", {}, "answer"), element("dd", {}, answerBadge(call.answer))),
  );
  const changes = call.changes.length
    ? element("div", { class: "changes" }, element("p", { class: "label" }, "what it changed"), list("ul", call.changes))
    : null;
  return element(
    "div",
    { class: "call" },
    heading(level, title),
    facts,
    said,
    call.executions.length ? executionsTable(call.executions) : null,
    changes,
  );
}

export function renderBroken(broken, { price = null, level = 4 } = {}) {
  const part = (label, items) =>
    items.length ? [element("p", { class: "label" }, label), list("ul", items)] : [];
  return element(
    "div",
    { class: "broken" },
    heading(level, element("span", { "aria-hidden": "true" }, "✗ "), "Why the property is false"),
    element("p", { class: "why" }, `${capitalised(broken.words)}.`),
    ...part("What decides it", broken.facts),
    ...part("What the variables are", broken.variables),
    ...part("How it came about", broken.causes),
    price ? element("p", { class: "price" }, `§ ${price}`) : null,
  );
}

export function renderReplay(replay, { level = 4 } = {}) {
  const verdict = replay.agrees
    ? "Replayed on the implementation: the same answers and states, and there:"
    : `THE REPLAY DISAGREES: ${replay.disagreement}`;
  return element(
    "div",
    { class: replay.agrees ? "replayed" : "replayed disagrees" },
    heading(level, "What the implementation's bytes show"),
    element("p", {}, verdict),
    list("ul", replay.observed, { class: "observed" }),
  );
}

// Copying

// The clipboard may be closed to a page that was opened from disk; then the text is selected.
export function copier(text, label) {
  const said = element("span", { class: "copied", role: "status" });
  const button = element("button", { type: "button", class: "copy", "aria-label": `Copy ${label}` }, "copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "copied";
    } catch {
      const written = button.parentElement?.querySelector("code");
      if (written) getSelection()?.selectAllChildren(written);
      said.textContent = "selected: copy it with the keyboard";
    }
    setTimeout(() => (said.textContent = ""), 4000);
  });
  return element("span", { class: "copier" }, button, said);
}

// The viewer

function control(label, sign, onclick) {
  return element("button", { type: "button", "aria-label": label, title: label, onclick }, sign);
}

const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// What stands at step n: the call that was made, or how the run begins.
function stepWords(trace, n) {
  const total = trace.calls.length;
  return n === 0 ? `Start, before ${total} steps: ${trace.start}` : `Step ${n} of ${total}: ${trace.calls[n - 1].words}`;
}

function marksOf(trace) {
  const used = new Set();
  for (const frame of trace.frames)
    for (const panel of frame.panels)
      for (const row of panel.rows) for (const entry of row.entries) entry.marks.forEach((mark) => used.add(mark));
  return Object.keys(MARKS).filter((mark) => used.has(mark));
}

// A key that means something where it was pressed is left alone: in a text field, in a box that scrolls.
const OWN_ARROWS = "input, select, textarea, .scroll[tabindex]";

const MOVES = {
  ArrowRight: (at) => at + 1,
  ArrowLeft: (at) => at - 1,
  Home: () => 0,
  End: (_, last) => last,
};

export function mountViewer(root, trace, { level = 3, commands = [], onStep } = {}) {
  const last = trace.calls.length;
  const viewer = { step: -1, last, show };
  const said = element("p", { class: "step-words", role: "status", "aria-live": "polite" });
  const slider = element("input", {
    type: "range", min: 0, max: last, step: 1, value: 0, "aria-label": "Step of the counterexample",
    oninput: () => show(Number(slider.value)),
  });
  const first = control("First step", "«", () => show(0));
  const back = control("Step back", "‹", () => show(viewer.step - 1));
  const on = control("Step on", "›", () => show(viewer.step + 1));
  const end = control("Last step", "»", () => show(last));
  const steps = [capitalised(trace.start), ...trace.calls.map((call) => call.words)].map((words, n) =>
    element("button", { type: "button", class: "to-step", onclick: () => show(n) },
      element("span", { class: "number" }, String(n)), element("span", {}, words,
        n && !PLAIN.includes(trace.calls[n - 1].answer) ? element("span", { class: "errno" }, ` → ${trace.calls[n - 1].answer}`) : null)),
  );
  const reason = element("div", { class: "told reason" });
  const told = element("div", { class: "told happened" });
  const drawn = element("div", { class: "drawn" });
  const legend = marksOf(trace);

  function show(asked) {
    const n = Math.max(0, Math.min(last, asked));
    if (n === viewer.step) return;
    viewer.step = n;
    slider.value = String(n);
    slider.setAttribute("aria-valuetext", stepWords(trace, n));
    said.textContent = stepWords(trace, n);
    [first, back].forEach((button) => button.setAttribute("aria-disabled", String(n === 0)));
    [on, end].forEach((button) => button.setAttribute("aria-disabled", String(n === last)));
    steps.forEach((step, at) => (at === n ? step.setAttribute("aria-current", "step") : step.removeAttribute("aria-current")));
    reason.replaceChildren(...why(n));
    told.replaceChildren(...tell(n));
    drawn.replaceChildren(renderFrame(trace.frames[n], { level: level + 1 }));
    onStep?.(n);
  }

  function why(n) {
    return n === last ? [renderBroken(trace.broken, { price: trace.price, level: level + 1 })] : [];
  }

  function tell(n) {
    const options = { level: level + 1 };
    const call = n === 0 ? [] : [renderCall(trace.calls[n - 1], { number: n, ...options })];
    return n === last ? [...call, renderReplay(trace.replay, options)] : call;
  }

  const bar = element("div", { class: "stepper", role: "group", "aria-label": "Steps" },
    first, back, slider, on, end);
  const identity = element("p", { class: "identity" }, "trace ",
    element("code", {}, trace.id), " ", copier(trace.id, "the trace's identity"),
    trace.is_least ? null : " (a shortest one, perhaps not the least)");
  const again = commands.map((command) =>
    element("p", { class: "command" }, element("code", {}, command), " ", copier(command, "the command")));
  root.classList.add("viewer");
  root.replaceChildren(
    element("div", { class: "side" }, heading(level, "Steps"), bar, said,
      element("ol", { class: "steps", start: 0 }, ...steps.map((step) => element("li", {}, step))),
      element("p", { class: "keys-help" }, "Keys: ← → step, Home and End jump.")),
    reason,
    drawn,
    told,
    element("div", { class: "below" }, legend.length ? renderMarks(legend) : null, identity, ...again),
  );
  root.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey || event.target.closest(OWN_ARROWS)) return;
    event.preventDefault();
    show(move(viewer.step, last));
  });
  show(0);
  return viewer;
}
