// What all parts of the explorer's page need: its elements, and who has the focus.

export const $ = (id) => document.getElementById(id);

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

// Drawing replaces what had the focus: what stands in its place gets it.
export const focused = () => document.activeElement?.closest("[data-place]")?.dataset.place ?? null;
export function refocus(place) {
  if (!place || document.activeElement !== document.body) return;
  const [kind] = place.split(":");
  const there = document.querySelector(`[data-place="${CSS.escape(place)}"]:not(:disabled)`);
  (there ?? (kind === "offer" ? $("operations") : null))?.focus({ preventScroll: Boolean(there) });
}
