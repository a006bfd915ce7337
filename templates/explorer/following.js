// Following a value, or an axis: what is the same lights up wherever it stands. Nothing is dimmed.

import { book, shownBy } from "./book.js";
import { byId, fill, h } from "./dom.js";
import { nameOf } from "./equations.js";
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
    dot([]);
    if (state.axis < 0) hideTip();
    else lightAxis(state.axis, state.axisSide);
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

/**
 * Light an axis wherever it stands; -1 for none.
 * @param {number} axis
 * @param {number} side
 */
export function lightAxis(axis, side = state.side) {
  state.axis = axis;
  state.axisSide = side;
  for (const element of document.querySelectorAll(".same")) element.classList.remove("same");
  if (axis < 0) {
    hideTip();
    dot([]);
    return;
  }
  for (const element of on(side, ":is(#main, #details)", `[data-a="${axis}"]`)) element.classList.add("same");
  onSide(side, () => tellAxis(axis));
}

/** @param {number} axis */
function tellAxis(axis) {
  const places = /** @type {Set<number>} */ (new Set());
  let size = 0, name = "", other = 0;
  book().steps.forEach((step, n) => {
    for (const operand of shownBy(step)) {
      (operand.axes ?? []).forEach((number, at) => {
        if (number !== axis) return;
        places.add(n);
        size = operand.shape?.[at] ?? 0;
        name ||= operand.dims?.[at] ?? "";
      });
    }
  });
  for (const step of book().steps) for (const operand of shownBy(step)) (operand.shape ?? []).forEach((n, at) => (other += n === size && (operand.axes?.[at] ?? -1) !== axis ? 1 : 0));
  if (!places.size) return lightAxis(-1);
  dot([...places].map((n) => `t${n}`));
  const rest = other ? ` ${say("{n} others of this size are not proved to be it.", { n: other })}` : "";
  tip(h("b", { class: "match" }, String(size)), ` ${[name, say("the same axis in {n} steps, by what ran.", { n: places.size })].filter(Boolean).join(": ")}${rest}`);
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
