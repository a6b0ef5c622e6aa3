// The state, and the lamps of the properties: which are red, why, and the way to the next violation.

import { $, capital, focused, refocus } from "./page.js";
import { ask, attempt, endSearch, go, machinePath, state } from "./run.js";
import { copier, element, renderBroken, renderCall, renderFrame, renderMarks } from "./viewer.js";

const SIGNS = { holds: "✓", violated: "✗", "was-violated": "!", "not-applicable": "–" };
const MEANINGS = {
  holds: "holds so far",
  violated: "violated now",
  "was-violated": "was violated before",
  "not-applicable": "does not apply",
};

const JUDGED = {
  state: "It must be true in every state, after booting and after each call",
  step: "It must be true of every call: of its answer, the state before it and the state after",
};

export function renderState(view) {
  const last = view.calls.at(-1);
  $("call").className = "told";
  $("call").replaceChildren(
    last
      ? renderCall(last, { number: view.calls.length, level: 3 })
      : element("div", { class: "call" }, element("h3", {}, capital(view.boot.words)), element("p", { class: "quiet" }, "No call was made yet.")),
  );
  const lamp = view.lamps.find(({ property }) => property === state.chosen);
  const reads = new Set(lamp?.light === "violated" ? (lamp.broken?.reads ?? []) : []);
  $("frame").replaceChildren(renderFrame(broken(view.frame, reads)));
  if (!$("legend").querySelector("dl")) $("legend").append(renderMarks());
}

// The frame with those entries marked that what is false reads.
function broken(frame, reads) {
  const entry = (e) => (e.shows.some((name) => reads.has(name)) ? { ...e, marks: [...e.marks, "broken"] } : e);
  const row = (r) => ({ ...r, entries: r.entries.map(entry) });
  return { panels: frame.panels.map((panel) => ({ ...panel, rows: panel.rows.map(row) })) };
}

export function renderLamps(view) {
  $("lamps").replaceChildren(
    ...view.lamps.map((lamp) =>
      element(
        "li",
        {},
        element(
          "button",
          {
            type: "button",
            class: `lamp is-${lamp.light}`,
            "aria-pressed": String(lamp.property === state.chosen),
            "data-place": `lamp:${lamp.property}`,
            "data-light": lamp.light,
            title: MEANINGS[lamp.light],
            onclick: () => look(lamp.property),
          },
          element("span", { class: "bulb", "aria-hidden": "true" }, SIGNS[lamp.light]),
          element("span", { class: "name" }, lamp.property),
          element("span", { class: "sr" }, `: ${MEANINGS[lamp.light]}`),
        ),
      ),
    ),
  );
  $("lights").replaceChildren(...lightsOf(view.lamps));
  $("elsewhere").replaceChildren(
    "Judged elsewhere: ",
    ...view.elsewhere.flatMap(({ system, title, properties }, n) => [
      n ? "; " : "",
      element("button", { type: "button", class: "link", "data-place": `elsewhere:${system}`,
        onclick: () => go(machinePath(view, { system, calls: [] })) }, title),
      ` (${properties.length})`,
    ]),
  );
  renderWhy(view.lamps.find(({ property }) => property === state.chosen));
}

// What the signs mean that some lamp has.
function lightsOf(lamps) {
  const lit = new Set(lamps.map(({ light }) => light));
  const known = Object.keys(MEANINGS).filter((light) => lit.has(light));
  return known.map((light) => element("span", {}, element("b", { class: `light is-${light}` }, SIGNS[light]), ` ${MEANINGS[light]}`));
}

function look(property) {
  state.chosen = property;
  const focus = focused();
  renderLamps(state.view);
  renderState(state.view);
  refocus(focus);
}

function lightWords({ light, steps }) {
  const said = capital(MEANINGS[light]);
  const first = steps[0] === 0 ? "after booting" : `in step ${steps[0]}`;
  if (light === "violated") return `${said}${steps[0] < state.view.calls.length ? `; it was first ${first}` : ""}`;
  if (light === "was-violated") return `${said}, first ${first}`;
  return said;
}

function renderWhy(lamp) {
  if (!lamp) {
    $("why").replaceChildren();
    return;
  }
  const canJump = lamp.light !== "not-applicable" && !(lamp.kind === "state" && lamp.light === "violated");
  const parts = [
    element(
      "div",
      { class: "why-box" },
      element("h3", {}, lamp.property),
      element("p", {}, lamp.sentence),
      element("p", { class: `light is-${lamp.light}` }, element("span", { "aria-hidden": "true" }, `${SIGNS[lamp.light]} `), `${lightWords(lamp)}.`),
      lamp.words && !lamp.broken ? element("p", {}, `${capital(lamp.words)}.`) : null,
      element("p", { class: "quiet" }, `${JUDGED[lamp.kind]}. Source: ${lamp.source}`),
      canJump ? jumpButton(lamp) : null,
      element("p", { id: "search", role: "status" }),
    ),
    lamp.broken ? element("div", { class: "told" }, renderBroken(lamp.broken, { price: lamp.price, level: 3 })) : null,
    lamp.trace
      ? element("p", { class: "identity" }, "As a counterexample: ", element("code", {}, lamp.trace), " ", copier(lamp.trace, "the trace's identity"))
      : null,
  ];
  $("why").replaceChildren(...parts.filter(Boolean));
}

function jumpButton({ property }) {
  const button = { type: "button", id: "jump", class: "do", "data-place": "jump", onclick: () => jump(property) };
  return element("button", button, "Go to its nearest violation from here");
}

async function jump(property) {
  endSearch();
  const search = new AbortController();
  state.search = search;
  const began = Date.now();
  const line = $("search");
  const seconds = element("span", {}, "0 s");
  const cancel = element("button", { type: "button", onclick: endSearch }, "Cancel");
  line.replaceChildren(`Searching for a violation of ${property}… `, seconds, " ", cancel);
  line.scrollIntoView({ block: "nearest" });
  $("jump").disabled = true;
  const clock = setInterval(() => (seconds.textContent = `${Math.round((Date.now() - began) / 1000)} s`), 500);
  const found = await attempt(() => ask("/api/nearest", { path: state.view.path, property }, search.signal));
  clearInterval(clock);
  if (state.search === search) state.search = null;
  if ($("jump")) $("jump").disabled = false;
  line.replaceChildren(found ? `${capital(found.words)}.` : search.signal.aborted ? "The search was given up." : "");
  if (!found?.path) return;
  state.chosen = property;
  await go(found.path);
  look(property);
  if ($("search")) $("search").textContent = `${capital(found.words)}; these calls were made.`;
}
