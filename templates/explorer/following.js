// Following a value, or an axis: what is the same lights up wherever it stands. Nothing is dimmed.

import { showBar, stepsWith } from "./bar.js";
import { book } from "./book.js";
import { byId, fill } from "./dom.js";
import { nameOf } from "./equations.js";
import { drawMarks, middleOf, sizeOfAxis, tokenAxis } from "./marking.js";
import { isPair, onSide } from "./sides.js";
import { state } from "./state.js";
import { dot, titleOf } from "./tree.js";
import { say } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * Light a value: who made it, and who reads it; null for none.
 * @param {number | null} value
 * @param {number} side
 */
export function lightValue(value, side = state.side) {
  for (const element of document.querySelectorAll(".on")) element.classList.remove("on");
  const known = value === null ? undefined : book(side).values.get(value);
  if (!known) {
    dot(lit.keys);
    hideTip();
    return;
  }
  for (const element of on(side, "#main", `[data-v="${value}"]`)) element.classList.add("on");
  for (const element of on(side, "#details", `.ops [data-v="${value}"]`)) element.classList.add("on");
  onSide(side, () => tellValue(known));
}

/**
 * Elements of one of two models, or of the only one.
 * @param {number} side
 * @param {string} area
 * @param {string} selector
 */
function on(side, area, selector) {
  return document.querySelectorAll(`${area} ${isPair() ? `[data-side="${side}"] ` : ""}${selector}`);
}

/** @param {import("./book.js").Value} known */
function tellValue(known) {
  const readers = [...new Set(known.read)];
  dot([known.made, ...readers].filter((n) => n >= 0).map((n) => `t${n}`));
  const made = known.made >= 0 ? [`${say("made by")} `, titleOf(`t${known.made}`)] : [known.operand.role ? say("weights") : say("input of the model")];
  const names = readers.slice(0, 6).map((n) => titleOf(`t${n}`)).join(", ") + (readers.length > 6 ? " …" : "");
  tip(nameOf(known.operand), " ", ...made, readers.length ? ` → ${say("read by")} ${names}` : "");
}

/** Keys of the steps that have the axis that is lit. @type {{keys: string[]}} */
const lit = { keys: [] };

/**
 * Light an axis wherever it stands; -1 for none. Another one is not followed yet.
 * @param {number} axis
 * @param {number} side
 */
export function lightAxis(axis, side = state.side) {
  const places = axis < 0 ? [] : onSide(side, () => stepsWith(axis));
  if (axis !== state.axis || side !== state.axisSide || !places.length) state.row = -1;
  Object.assign(state, { axis: places.length ? axis : -1, axisSide: side });
  lit.keys = places.map((n) => `t${n}`);
  relight();
}

/** Light the axis, and the row that is followed, in what stands there now. */
export function relight() {
  for (const element of document.querySelectorAll(".same")) element.classList.remove("same");
  if (state.axis >= 0) for (const element of on(state.axisSide, ":is(#main, #details)", `[data-a="${state.axis}"]`)) element.classList.add("same");
  dot(lit.keys);
  drawMarks();
  showBar();
}

/** Follow one row of an axis; -1 for none. @param {number} row */
export function followRow(row) {
  const size = onSide(state.axisSide, () => sizeOfAxis(state.axis));
  state.row = row < 0 ? -1 : Math.min(row, size - 1);
  relight();
}

/** Follow a token, or no longer. */
export function toggleFollow() {
  if (state.row >= 0) return lightAxis(-1);
  const axis = state.axis >= 0 ? state.axis : tokenAxis(), side = state.axis >= 0 ? state.axisSide : state.side;
  if (axis < 0) return tellUnproved();
  lightAxis(axis, side);
  followRow(middleOf(onSide(side, () => sizeOfAxis(axis))));
}

/**
 * Look at an entry of the product that is chosen; null for none.
 * @param {[number, number] | null} entry
 * @param {number} side
 */
export function lookAt(entry, side = state.side) {
  Object.assign(state, { entry, entrySide: side });
  drawMarks();
  showBar();
}

/** Say that nothing is known of an axis. */
export function tellUnproved() {
  lightAxis(-1);
  tip(say("Nothing proves which other axes this one is."));
}

/** @param {...Child} told */
export function tip(...told) {
  const element = byId("tip"), box = byId("main").getBoundingClientRect();
  fill(element, told);
  element.style.left = `${box.left + box.width / 2}px`;
  element.classList.add("show");
}

export function hideTip() {
  byId("tip").classList.remove("show");
}
