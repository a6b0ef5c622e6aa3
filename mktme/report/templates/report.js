// What the page does: it puts a counterexample together when its answer is opened, and lays all of
// its steps out for print. Opening and closing is done by links and the style sheet alone.

const packed = JSON.parse(document.getElementById("traces").textContent);

function unpackedPanel(number) {
  const [id, title, corner, columns, ...rows] = packed.panels[number];
  return { id, title, corner, columns: packed.columns[columns], rows: rows.map(unpackedRow) };
}

function unpackedRow(number) {
  const [head, ...entries] = packed.rows[number];
  return { head, entries: entries.map((entry) => packed.entries[entry]) };
}

function unpacked(number) {
  const trace = { ...packed.traces[number] };
  trace.knobs = packed.knobs[trace.knobs];
  trace.calls = trace.calls.map((call) => packed.calls[call]);
  trace.frames = trace.frames.map((panels) => ({ panels: panels.map(unpackedPanel) }));
  return trace;
}

function saver(trace) {
  const save = () => {
    const file = new Blob([JSON.stringify(trace, null, 1)], { type: "application/json" });
    const link = element("a", { href: URL.createObjectURL(file), download: `mktme-${trace.id}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  return element("button", { type: "button", class: "copy", onclick: save }, "save the trace as a file");
}

// The same property in the other designs, as the matrix has it.
function neighbours(place) {
  const judged = document.querySelectorAll(".matrix:not(.pairs) td a");
  const chosen = [...judged].find((link) => placeOf(link) === place);
  const cells = chosen ? [...chosen.closest("tr").querySelectorAll("td a")] : [];
  if (cells.length < 2) return null;
  const links = cells.map((cell) => {
    const link = cell.cloneNode(true);
    link.className = cell.parentElement.className;
    const [design] = placeOf(cell).split("/");
    link.prepend(element("span", { class: "design" }, design));
    if (cell === chosen) link.setAttribute("aria-current", "page");
    return element("li", {}, link);
  });
  return element("nav", { class: "neighbours", "aria-label": "The same property in each design" }, element("ul", {}, ...links));
}

const placeOf = (link) => decodeURIComponent(link.hash.slice(1));

let opened = null;

function open() {
  const place = decodeURIComponent(location.hash.slice(1));
  const answer = document.getElementById(place);
  document.querySelectorAll(".matrix [aria-current]").forEach((link) => link.removeAttribute("aria-current"));
  opened = null;
  if (!answer?.classList.contains("answer")) return;
  const link = [...document.querySelectorAll(".matrix td a")].find((one) => placeOf(one) === place);
  link?.setAttribute("aria-current", "true");
  const mount = answer.querySelector(".mount");
  if (!answer.dataset.drawn) {
    answer.dataset.drawn = "yes";
    const row = neighbours(place);
    if (row) answer.querySelector("h3").after(row);
    for (const code of answer.querySelectorAll(".command code")) code.after(" ", copier(code.textContent, "the command"));
    if (mount) draw(mount);
  }
  if (mount) opened = unpacked(Number(mount.dataset.trace));
}

function draw(mount) {
  const trace = unpacked(Number(mount.dataset.trace));
  const answer = mount.closest(".answer");
  mountViewer(mount, trace, { level: 4 });
  mount.querySelector(".identity").append(" ", saver(trace));
  answer.classList.add("is-drawn");
  // An answer that was opened has the focus itself, and arrows step there too.
  answer.addEventListener("keydown", (event) => {
    if (mount.contains(event.target) || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    if (event.target.closest("a, button, .scroll") || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    mount.dispatchEvent(new KeyboardEvent("keydown", { key: event.key }));
  });
}

// On paper there is no slider: the opened trace has all of its steps.
function lay() {
  clear();
  if (!opened) return;
  const steps = opened.frames.map((frame, n) =>
    element("div", { class: "laid" },
      n ? renderCall(opened.calls[n - 1], { number: n, level: 4 }) : element("h4", {}, `0. ${opened.start}`),
      renderFrame(frame)));
  const place = decodeURIComponent(location.hash.slice(1));
  document.getElementById(place).append(element("div", { class: "laid-out viewer" }, ...steps));
}

function clear() {
  document.querySelectorAll(".laid-out").forEach((laid) => laid.remove());
}

for (const box of document.querySelectorAll(".scroll")) watch(box);
addEventListener("hashchange", open);
addEventListener("beforeprint", lay);
addEventListener("afterprint", clear);
matchMedia("print").addEventListener("change", (media) => (media.matches ? lay() : clear()));
open();
