// One rank of several that share a model: which one is seen, and what it holds and sends.

import { h } from "./dom.js";
import { isPair, numberOf, subject, turns } from "./sides.js";
import { state } from "./state.js";
import { say } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/** A tab for each rank, and what is said of the one that is seen; nothing where a model is on one machine. @returns {Child} */
export function ranksBar() {
  const { rank } = subject();
  if (!rank || isPair()) return null;
  return h(
    "div",
    { class: "turns" },
    turns() === "rank" ? tabs() : null,
    h("div", { class: "bill told" }, rank.told[state.lang].map((line) => h("span", {}, line))),
  );
}

function tabs() {
  const made = state.page.subjects.map((_, side) => {
    const chosen = side === state.side;
    return h("button", { role: "tab", "data-pass": side, "aria-selected": String(chosen), tabindex: chosen ? 0 : -1 }, say("Rank {n}", { n: numberOf(side) }));
  });
  return h("div", { class: "seg", role: "tablist", "aria-label": say("Ranks") }, made);
}
