// The top of the page: the design with its knobs, the machine, sharing, and the steps of the run.

import { $, capital } from "./page.js";
import { ask, attempt, go, machinePath, redo, state, undo } from "./run.js";
import { copier, element } from "./viewer.js";

export function renderHead(view) {
  $("design").value = view.design;
  $("designs").replaceChildren(...view.designs.map(({ name }) => element("option", { value: name })));
  $("systems").replaceChildren(
    ...view.systems.map(({ name, words }) =>
      element(
        "button",
        {
          type: "button",
          "aria-current": name === view.system ? "page" : null,
          "data-place": `system:${name}`,
          onclick: () => go(machinePath(view, { system: name, calls: [] })),
        },
        words,
      ),
    ),
  );
  renderMachine(view);
  renderKnobs(view);
  renderShare(view);
}

// Each knob of the design: what it can be, and what that means.
function renderKnobs(view) {
  const [base, ...changes] = view.design.split(",");
  const turned = new Map(changes.map((change) => change.split("=")));
  $("knobs-body").replaceChildren(
    element("p", { class: "quiet" }, "The same calls are made under another setting, as far as they exist there."),
    ...view.knobs.map(({ name, value, values, kind }) => {
      const turn = () => {
        turned.set(name, select.value);
        const design = [base, ...[...turned].map(([knob, to]) => `${knob}=${to}`)].join(",");
        go(machinePath(view, { design }), { asFar: true });
      };
      const select = element("select", { "data-place": `knob:${name}`, onchange: turn },
        ...values.map(({ name: to, words }) => element("option", { value: to, selected: to === value, title: words }, to.replaceAll("_", " "))));
      const meaning = values.find(({ name: to }) => to === value)?.words ?? "";
      return element("div", { class: "knob" },
        element("label", { class: "field" }, element("span", {}, `${name.replaceAll("_", " ")} (${kind})`), select),
        element("p", { class: "quiet" }, capital(meaning)));
    }),
  );
}

const BOUNDS = {
  packages: "Packages",
  cpus: "CPUs of each",
  keyids: "KeyIDs",
  values: "User keys",
  vmas: "VMAs",
  threads: "Threads",
};

function renderMachine(view) {
  const { boot, bounds } = view;
  const field = (label, input) => element("label", { class: "field" }, element("span", {}, label), input);
  const tick = (label, attributes) =>
    element("label", { class: "tick" }, element("input", { type: "checkbox", ...attributes }), label);
  const parts = [
    element("p", {}, bounds.length > 1 ? `${capital(boot.words)}: ${view.scope}.` : `${capital(boot.words)}.`),
    ...bounds.map(({ name, value, least, greatest }) =>
      field(BOUNDS[name], element("input", { type: "number", name, value, min: least, max: greatest, required: true })),
    ),
    ...boot.packages.map((p) =>
      tick(`package ${p} is absent at boot`, { name: "absent", value: p, checked: boot.absent.includes(p) }),
    ),
    boot.has_bypass ? tick("TME in bypass: KeyID 0 is not encrypted", { name: "bypass", checked: boot.bypass }) : null,
  ];
  const has = bounds.length || boot.packages.length || boot.has_bypass;
  if (has) parts.push(element("button", { type: "submit" }, "Boot this machine, and make the same calls"));
  $("machine-form").replaceChildren(...parts.filter(Boolean));
}

function renderShare(view) {
  const address = `${location.origin}/#${view.path}`;
  const command = `mktme explore '${view.path}'`;
  const line = (label, text) =>
    element("div", { class: "shared" }, element("p", { class: "label" }, label),
      element("code", { tabindex: 0 }, text), " ", copier(text, label));
  const file = element("input", { type: "file", accept: ".json,application/json", id: "trace-file", onchange: openTrace });
  $("share-body").replaceChildren(
    line("The address of this run, for a browser that has this explorer open", address),
    line("The command that opens it anywhere", command),
    element("label", { class: "field", for: "trace-file" }, "Open a counterexample (a mktme-trace file)"),
    file,
  );
}

async function openTrace(event) {
  const [file] = event.target.files;
  if (!file) return;
  const opened = await attempt(async () => {
    let given;
    try {
      given = JSON.parse(await file.text());
    } catch {
      throw new Error(`${file.name} is no JSON`);
    }
    const { format, design, knobs, system, scope, absent, bypass, calls } = given ?? {};
    // All else in the file follows from these, and may be much.
    const made = Array.isArray(calls) ? calls.map((call) => ({ action: call?.action, arguments: call?.arguments })) : calls;
    return ask("/api/open", { format, design, knobs, system, scope, absent, bypass, calls: made });
  });
  if (opened) {
    $("share").open = false;
    go(opened.path);
  }
}

export function renderSteps({ calls, violated, boot }) {
  const step = (n, words, answer) => {
    const isNow = n === calls.length;
    const red = n < violated.length ? violated[n] : [];
    const before = n ? (violated[n - 1] ?? []) : [];
    const fresh = red.filter((id) => !before.includes(id)).length;
    return element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: n > calls.length ? "is-ahead" : null,
          "aria-current": isNow ? "step" : null,
          "data-place": `step:${n}`,
          onclick: () => (n < calls.length ? undo(calls.length - n) : redo(n - calls.length)),
        },
        element("span", { class: "number" }, `${n}`),
        element("span", { class: "words", title: words }, words),
        answer && !["ok", "goes_on", "reading"].includes(answer) ? element("span", { class: "errno" }, answer.replaceAll("_", " ")) : null,
        fresh ? element("span", { class: "fresh" }, `✗ ${fresh} violated`) : null,
        n > calls.length ? element("span", { class: "sr" }, " (taken back)") : null,
      ),
    );
  };
  $("steps").replaceChildren(
    step(0, boot.words, ""),
    ...calls.map((call, n) => step(n + 1, call.words, call.answer)),
    ...state.ahead.map((call, n) => step(calls.length + n + 1, call.split("(")[0].replaceAll("_", " "), "")),
  );
  $("undo").disabled = !calls.length;
  $("redo").disabled = !state.ahead.length;
  const now = $("steps").querySelector("[aria-current]");
  if (now) $("steps").scrollTo({ left: now.offsetLeft + now.offsetWidth - $("steps").clientWidth + 24 });
}
