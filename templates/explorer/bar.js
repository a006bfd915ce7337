// The bar below the figure: the axis that is lit, the row of it that is followed, the entry that is looked at.

import { book, shownBy } from "./book.js";
import { byId, fill, h } from "./dom.js";
import { dimsOf, nameOf } from "./equations.js";
import { endsAt, hasAxis, middleOf, outerAxes, sizeOfAxis } from "./marking.js";
import { onSide } from "./sides.js";
import { state } from "./state.js";
import { titleOf } from "./tree.js";
import { grouped, say } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/** Say what is lit; nothing for nothing. */
export function showBar() {
  const bar = byId("bar"), focused = document.activeElement?.getAttribute("data-number");
  const told = state.entry ? entryTold() : state.axis >= 0 ? onSide(state.axisSide, axisTold) : null;
  bar.hidden = told === null;
  document.body.classList.toggle("told", told !== null);
  if (told === null) return fill(bar);
  const isWriting = bar.contains(document.activeElement);
  const main = byId("main").getBoundingClientRect();
  bar.style.left = `${main.left + main.width / 2}px`;
  fill(bar, h("p", {}, told), h("button", { class: "icon", "data-clear": "", "aria-label": say("Close"), title: "Esc" }, "✕"));
  if (isWriting && focused) /** @type {HTMLElement | null} */ (bar.querySelector(`[data-number="${focused}"]`))?.focus();
}

/** Where an axis stands, by step. @param {number} axis */
export function stepsWith(axis) {
  return book().steps.flatMap((step, n) => (shownBy(step).some((operand) => hasAxis(operand, axis)) ? [n] : []));
}

/** @returns {Child[]} */
function axisTold() {
  const { axis } = state, size = sizeOfAxis(axis), places = stepsWith(axis);
  const name = book().steps.flatMap(shownBy).map((operand) => operand.dims?.[operand.axes?.indexOf(axis) ?? -1]).find(Boolean);
  const head = [h("b", { class: "match" }, String(size)), name ? ` ${name}` : "", " "];
  if (state.row >= 0) return [...head, ...followTold(size, places)];
  const others = book().steps.flatMap(shownBy).reduce((sum, operand) => sum + (operand.shape ?? []).filter((n, at) => n === size && (operand.axes?.[at] ?? -1) !== axis).length, 0);
  const rest = others ? ` ${say("{n} others of this size are not proved to be it.", { n: others })}` : "";
  return [...head, say("the same axis in {n} steps, by what ran.", { n: places.length }), rest, " ", size > 1 ? h("button", { class: "go", "data-row": middleOf(size) }, say("Follow one of them")) : ""];
}

/**
 * @param {number} size
 * @param {number[]} places
 * @returns {Child[]}
 */
function followTold(size, places) {
  const ends = places.filter(endsAt), word = labelOf(state.row);
  const all = book().steps.filter(Boolean).length;
  const end = ends.length ? [` ${say("It has no row of its own after")} `, ...ends.slice(0, 3).flatMap((n, at) => [at ? ", " : "", h("button", { class: "go", "data-go": `t${n}` }, titleOf(`t${n}`))]), ends.length > 3 ? " …" : "", "."] : [];
  return [say("Follow number"), " ", number("row", state.row, size), word ? ` “${word}”` : "", ` · ${say("marked in {n} of {all} steps", { n: places.length, all })}.`, ...end];
}

/** The word of a position, where the input was words. @param {number} row */
function labelOf(row) {
  const named = book().steps.flatMap(shownBy).find(({ labels, axes }) => labels?.length && axes?.includes(state.axis));
  return named?.labels?.[row] ?? "";
}

/**
 * A field for one of many, counted from 1, with the way to the one before and after.
 * @param {string} what "row", "i" or "j"
 * @param {number | undefined} index from 0 on
 * @param {number} size
 */
export function number(what, index, size) {
  return h("span", { class: "number" }, h("input", { type: "number", "data-number": what, value: index === undefined ? "" : index + 1, min: 1, max: size, "aria-label": say(what === "j" ? "Column" : "Row") }), h("span", { class: "mute" }, ` / ${grouped(size)}`));
}

/** `S[412, 87] = Σ Q[412, k] · Kᵀ[k, 87]`, over what is summed. @returns {Child[] | null} */
function entryTold() {
  const step = state.place[0] === "t" ? onSide(state.entrySide, () => book().steps[Number(state.place.slice(1))]) : null;
  const outer = outerAxes(step), [i, j] = state.entry ?? [0, 0];
  if (!step || !outer) return null;
  const [a, b] = step.operands ?? [], [result] = step.results ?? [];
  const at = (/** @type {number} */ axis, /** @type {number} */ index) => (axis === 0 ? `[${index + 1}, k]` : `[k, ${index + 1}]`);
  const inner = dimsOf(a)[1 - outer[0]], isHidden = result.sees && result.shape?.[0] === result.shape?.[1] && (j > i + result.sees[1] || j < i - result.sees[0]);
  const stack = result.stack?.length ? ` ${say("for each of the {n} in the stack", { n: result.stack.join("×") })}` : "";
  return [
    nameOf(result), `[${i + 1}, ${j + 1}] = Σ `, nameOf(a), at(outer[0], i), " · ", nameOf(b), at(outer[1], j), ", ",
    say("a sum of {n} products", { n: inner }), stack,
    isHidden ? `. ${say("The mask hides it.")}` : "",
  ];
}
