// The run that somebody makes: what is shown of it, how it goes on, and what is asked for that.
//
// The page remembers a path and what was taken back of it. Everything else comes with each answer
// (mktme/explore/view.py).

import { $ } from "./page.js";
import { element } from "./viewer.js";

export const state = {
  view: null, // what is shown
  ahead: [], // calls that were taken back, the next one first
  chosen: null, // the property whose lamp is looked at
  picked: new Map(), // by action, the labels that were chosen last
  search: null, // what ends the search that is going on
  asked: 0, // requests so far: an answer that is not the last one's is dropped
  busy: false, // a call is being made: another is meant for the state that it leads to
};

let draw = () => {};

// Says who draws what is shown, each time that it is something else.
export const drawnBy = (drawing) => (draw = drawing);

// Asking

export async function ask(where, body, signal) {
  const answer = await fetch(where, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

export function trouble(words) {
  const close = element("button", { type: "button", onclick: () => trouble("") }, "Close");
  $("trouble").replaceChildren(...(words ? [element("p", {}, words), close] : []));
}

// Does something that may be refused, and says so.
export async function attempt(doing) {
  try {
    trouble("");
    return await doing();
  } catch (error) {
    if (error.name !== "AbortError") {
      trouble(error instanceof TypeError ? "The explorer does not answer: is it still running?" : error.message);
    }
    return null;
  }
}

// Paths: a machine and a run of calls, in one line

const RUN = "&run=";
const callsOf = (path) => (path.includes(RUN) ? path.split(RUN)[1].split(";") : []);
const upto = (path, n) => {
  const calls = callsOf(path).slice(0, n);
  return path.split(RUN)[0] + (calls.length ? RUN + calls.join(";") : "");
};
const onwards = (path, calls) => {
  const all = [...callsOf(path), ...calls];
  return path.split(RUN)[0] + (all.length ? RUN + all.join(";") : "");
};

// Goes along a path. What was taken back stays for redo only while the path is a part of it.
export async function go(path, { then = null, ahead = [], push = true, asFar = false } = {}) {
  endSearch();
  const number = ++state.asked;
  const view = await attempt(() => ask("/api/view", { path, then, as_far: asFar }));
  if (!view || number !== state.asked) return;
  const before = state.view;
  state.view = view;
  state.ahead = ahead;
  const address = `/#${view.path}`;
  if (push && location.hash !== `#${view.path}`) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  choose(before);
  draw();
  if (view.notice) trouble(view.notice);
}

export const undo = (n = 1) => {
  const calls = callsOf(state.view.path);
  const left = Math.max(0, calls.length - n);
  if (left < calls.length) go(upto(state.view.path, left), { ahead: [...calls.slice(left), ...state.ahead] });
};
export const redo = (n = 1) => {
  if (!state.ahead.length) return;
  go(onwards(state.view.path, state.ahead.slice(0, n)), { ahead: state.ahead.slice(n) });
};

// The lamp that is looked at: the first that just turned red, or the one from before.
function choose(before) {
  const { lamps, calls } = state.view;
  const wasRed = new Set((before?.lamps ?? []).filter((l) => l.light === "violated").map((l) => l.property));
  const red = lamps.filter((lamp) => lamp.light === "violated");
  const fresh = red.find((lamp) => !wasRed.has(lamp.property) && lamp.steps.at(-1) === calls.length);
  const same = lamps.find((lamp) => lamp.property === state.chosen);
  state.chosen = (fresh ?? (same?.light === "violated" ? same : red[0]) ?? same ?? lamps[0])?.property ?? null;
}

// The path of another machine with the same calls, or with none.
export function machinePath(view, { design = view.design, system = view.system, bounds = {}, absent, bypass, calls }) {
  const parts = new Map(upto(view.path, 0).split("&").map((part) => part.split(/=(.*)/s).slice(0, 2)));
  if (system !== view.system) ["absent", "bypass"].forEach((part) => parts.delete(part));
  parts.set("design", design);
  if (system) parts.set("system", system);
  else parts.delete("system");
  for (const [name, value] of Object.entries(bounds)) parts.set(name, value);
  if (absent !== undefined) {
    if (absent.length) parts.set("absent", absent.join(","));
    else parts.delete("absent");
  }
  if (bypass !== undefined) {
    if (bypass) parts.set("bypass", "yes");
    else parts.delete("bypass");
  }
  const machine = [...parts].map(([name, value]) => `${name}=${value}`).join("&");
  return onwards(machine, calls ?? callsOf(view.path));
}

export function endSearch() {
  state.search?.abort();
  state.search = null;
}
