// The implementation beside the model: whether it does the same, and what lies in its memory.

import { $ } from "./page.js";
import { element, watch } from "./viewer.js";

function chip(key) {
  const node = element("code", { class: "key", title: `fingerprint of a key: ${key}` }, key);
  node.style.setProperty("--hue", String((parseInt(key, 16) * 137) % 360));
  return node;
}

export function renderBeside({ implementation, calls }) {
  const { agrees, disagreement, note, regions } = implementation;
  const verdict = agrees
    ? element("p", { class: "agrees" }, element("span", { "aria-hidden": "true" }, "✓ "),
        calls.length ? "The running implementation made the same calls: same answers, same states." : "The implementation has booted into the same state.",
        note ? ` ${note}` : "")
    : element("p", { class: "disagrees", role: "alert" }, `✗ MODEL AND IMPLEMENTATION DISAGREE. ${disagreement}`);
  $("beside").replaceChildren(verdict);
  const empty = regions.filter((region) => region.lines.every((line) => line.zeros));
  const full = regions.filter((region) => !empty.includes(region));
  $("memory").replaceChildren(
    ...(regions.length
      ? [
          element("p", { class: "quiet" }, "Its memory, 16 bytes in a row. Of a key only where it lies and its fingerprint are shown. Bytes that the last call changed are underlined."),
          element("div", { class: "regions" }, ...full.map(regionTable)),
          empty.length ? element("p", { class: "quiet" }, `Nothing but zero bytes: ${empty.map(({ name, kind }) => `${name}${kind === "freed" ? ", freed" : ""}`).join("; ")}.`) : null,
        ].filter(Boolean)
      : []),
  );
}

const KINDS = { area: "static", live: "live", freed: "freed", page: "page" };

function regionTable(region) {
  const rows = region.lines.map((line) =>
    element("tr", { class: line.zeros ? "is-zeros" : null },
      element("th", { scope: "row" }, `+${line.offset.toString(16).padStart(3, "0")}`),
      element("td", {}, ...(line.zeros ? [`${line.zeros} zero bytes`] : line.pieces.flatMap((piece) => [pieceOf(piece), " "])))));
  const box = element(
    "div",
    { class: `region is-${region.kind}`, role: "region", "aria-label": `${region.name}, ${region.seen}` },
    element("table", {},
      element("caption", {},
        element("span", { class: "region-name" }, region.name),
        element("span", { class: `tag is-${region.kind}` }, KINDS[region.kind]),
        element("span", { class: "note" }, `${region.size} bytes at 0x${region.address.toString(16)}, ${region.seen}`)),
      element("tbody", {}, ...rows)),
  );
  watch(box);
  return box;
}

function pieceOf(piece) {
  if (!piece.key) return element("span", { class: piece.is_new ? "is-new" : null }, piece.digits);
  const node = element("span", { class: piece.is_new ? "key-bytes is-new" : "key-bytes", title: `${piece.size} bytes of key ${piece.key}` },
    element("span", {}, `${piece.size} bytes of key `), chip(piece.key));
  node.style.setProperty("--bytes", String(piece.size));
  return node;
}
