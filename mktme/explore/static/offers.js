// What can happen now: for each action a form whose every setting is possible.

import { $, capital, focused, refocus } from "./page.js";
import { go, state } from "./run.js";
import { element } from "./viewer.js";

const FEW = 2; // so many calls of an action have a button each

async function make(offer, at) {
  if (state.busy) return;
  state.busy = true;
  const labels = offer.calls[at];
  state.picked.set(offer.action, labels);
  const named = Object.fromEntries(offer.arguments.map(({ name }, n) => [name, labels[n]]));
  const then = { action: offer.action, arguments: named };
  await go(state.view.path, { then });
  state.busy = false;
}

export function renderOffers({ offers }) {
  $("offers").replaceChildren(
    ...(offers.length
      ? offers.map((offer) => (offer.calls.length <= FEW ? fewCalls(offer) : manyCalls(offer)))
      : [element("p", { class: "quiet" }, "Nothing can happen any more.")]),
  );
}

const callButton = (offer, at) =>
  element(
    "button",
    { type: "button", class: "do", "data-place": `offer:${offer.action}:${offer.calls.length <= FEW ? at : ""}`, onclick: () => make(offer, at) },
    capital(offer.words[at]),
  );

function fewCalls(offer) {
  return element(
    "section",
    { class: "offer", "aria-label": offer.title },
    element("h3", {}, offer.title),
    ...offer.calls.map((_, at) => callButton(offer, at)),
  );
}

// The arguments one after the other: each offers what goes with those before it.
function manyCalls(offer) {
  const controls = element("div", { class: "controls" });
  const place = element("div", {});
  let labels = state.picked.get(offer.action) ?? offer.calls[offer.usual];
  const settle = () => {
    let fitting = offer.calls;
    const settled = [];
    const shown = [];
    offer.arguments.forEach((argument, n) => {
      const possible = argument.choices.filter(({ label }) => fitting.some((call) => call[n] === label));
      const label = possible.some((choice) => choice.label === labels[n]) ? labels[n] : possible[0].label;
      fitting = fitting.filter((call) => call[n] === label);
      settled.push(label);
      if (argument.choices.length > 1) shown.push(controlOf(offer, argument, n, possible, label, pick));
    });
    labels = settled;
    const at = offer.calls.findIndex((call) => call.every((label, n) => label === labels[n]));
    const focus = focused();
    controls.replaceChildren(...shown);
    place.replaceChildren(callButton(offer, at));
    refocus(focus);
  };
  function pick(n, label) {
    labels = labels.map((old, m) => (m === n ? label : old));
    state.picked.set(offer.action, labels);
    settle();
  }
  settle();
  return element("section", { class: "offer", "aria-label": offer.title }, element("h3", {}, offer.title), controls, place);
}

function controlOf(offer, argument, n, possible, label, pick) {
  const place = `argument:${offer.action}:${argument.name}`;
  if (argument.is_switch) {
    const input = element("input", {
      type: "checkbox",
      "data-place": place,
      checked: label === "yes",
      disabled: possible.length < 2,
      onchange: () => pick(n, input.checked ? "yes" : "no"),
    });
    return element("label", { class: "tick" }, input, argument.words);
  }
  const select = element(
    "select",
    { "data-place": place, disabled: possible.length < 2, onchange: () => pick(n, select.value) },
    ...possible.map((choice) => element("option", { value: choice.label, selected: choice.label === label }, choice.words)),
  );
  return element("label", { class: "field" }, element("span", {}, argument.words), select);
}
