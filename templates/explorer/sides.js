// Which model, pass or rank is meant: the one that is chosen; of two in step, the one that is being drawn or pointed at.

import { state } from "./state.js";

/** @typedef {import("./types.js").Subject} Subject */

/** What a page knows of one model, pass or rank. @returns {Subject} */
export function subject(side = state.side) {
  return state.page.subjects[side];
}

/** Whether two models stand side by side. */
export function isPair() {
  return state.page.layout === "pair";
}

/** What there are several of, seen one at a time. @returns {"pass" | "rank" | null} */
export function turns() {
  const { layout } = state.page;
  return layout === "passes" ? "pass" : layout === "ranks" ? "rank" : null;
}

/** How a pass or rank is counted. @param {number} side */
export function numberOf(side) {
  return turns() === "rank" ? subject(side).rank?.number ?? side : side;
}

/** Those that are seen. */
export function sides() {
  return isPair() ? [0, 1] : [state.side];
}

/**
 * Draw, or answer, for one of two.
 * @template T
 * @param {number} side
 * @param {() => T} act
 * @returns {T}
 */
export function onSide(side, act) {
  const before = state.side;
  state.side = side;
  try {
    return act();
  } finally {
    state.side = before;
  }
}

/** The side that an element is on. @param {Element} element */
export function sideOf(element) {
  return isPair() ? Number(element.closest("[data-side]")?.getAttribute("data-side") ?? 0) : state.side;
}

/** Which of the folded layers is shown; where one of two models has fewer, its last. @param {string[]} members */
export function layerOf(members) {
  return members.length > 1 ? Math.min(state.layers[members[0]] ?? 0, members.length - 1) : 0;
}
