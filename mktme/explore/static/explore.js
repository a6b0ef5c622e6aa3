// The explorer's page: what it is told of a path, drawn; and what somebody does with it.
//
// Nothing of what it is told is parsed as HTML.

import { renderHead, renderSteps } from "./head.js";
import { renderLamps, renderState } from "./lamps.js";
import { renderBeside } from "./memory.js";
import { renderOffers } from "./offers.js";
import { $, focused, refocus } from "./page.js";
import { drawnBy, go, machinePath, redo, state, trouble, undo } from "./run.js";

function render() {
  const focus = focused();
  const { view } = state;
  document.title = `${view.design} · mktme explore`;
  renderHead(view);
  renderSteps(view);
  renderOffers(view);
  renderState(view);
  renderLamps(view);
  renderBeside(view);
  say(view);
  refocus(focus);
}

function say({ calls, lamps }) {
  const red = lamps.filter((lamp) => lamp.light === "violated").length;
  const last = calls.at(-1);
  const made = last ? `Step ${calls.length}: ${last.words}, ${last.answer.replaceAll("_", " ")}.` : "Booted.";
  $("said").textContent = `${made} ${red || "No"} ${red === 1 ? "property is" : "properties are"} violated.`;
}

drawnBy(render);

// What somebody does

$("undo").addEventListener("click", () => undo());
$("redo").addEventListener("click", () => redo());
$("design-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const design = $("design").value.trim();
  go(machinePath(state.view, { design }), { asFar: true });
});
$("machine-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(event.target);
  const bounds = Object.fromEntries(state.view.bounds.map(({ name }) => [name, given.get(name)]));
  const absent = given.getAll("absent").filter((p) => !bounds.packages || Number(p) < Number(bounds.packages));
  const has = state.view.boot;
  go(machinePath(state.view, {
    bounds,
    absent: has.packages.length ? absent : undefined,
    bypass: has.has_bypass ? given.has("bypass") : undefined,
  }), { asFar: true });
  $("machine").open = false;
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("operations").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.matches("input[list], input[type=number]")) return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) undo();
  else if (key === "y" || (key === "z" && event.shiftKey)) redo();
  else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
addEventListener("popstate", () => go(location.hash.slice(1), { push: false }));

// The token has done its work: it does not stay in the address.
const asked = location.hash.slice(1);
history.replaceState(null, "", `/${location.hash}`);
async function begin() {
  if (asked) await go(asked, { push: false });
  if (state.view) return;
  const first = await (await fetch("/api/first")).json();
  const refused = $("trouble").textContent;
  await go(first.path, { push: false });
  if (refused) trouble(refused.replace(/Close$/, ""));
}
begin();
