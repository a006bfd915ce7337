// Two models in step: how each part of them differs.

import { book } from "./book.js";
import { isPair, sides } from "./sides.js";
import { state } from "./state.js";
import { grouped, say } from "./words.js";

/** @typedef {import("./types.js").Step} Step */

const SIGNS = { changed: "≠", follows: "≠", added: "+", removed: "−" };
const WORDS = new Map([["changed", "differs"], ["follows", "differs because others do"], ["added", "only in the second"], ["removed", "only in the first"]]);
const NOTES = new Map([["shapes", "in its shapes"], ["kind", "in what it computes"]]);

/** How a part differs, and in what; [] if it does not. @param {string} key @returns {string[]} */
export function markOf(key) {
  const marks = state.page.changes[state.form];
  return (marks && marks[key[0] === "s" ? "sections" : "steps"][Number(key.slice(1))]) ?? [];
}

/** `≠`, `+`, `−`; `·` for a section that holds such a part, "" for what is equal. @param {string} key */
export function signOf(key) {
  if (!isPair()) return "";
  const [status] = markOf(key);
  if (status) return SIGNS[/** @type {keyof typeof SIGNS} */ (status)];
  return key[0] === "s" && holds(Number(key.slice(1))) ? "·" : "";
}

/** "changed", "follows", "added", "removed", "holds" or "". @param {string} key */
export function statusOf(key) {
  return markOf(key)[0] ?? (signOf(key) ? "holds" : "");
}

/** Whether something in a section differs. @param {number} n @returns {boolean} */
function holds(n) {
  return book().children(n).some((key) => markOf(key).length > 0 || (key[0] === "s" && holds(Number(key.slice(1)))));
}

/** How a part differs, in words; "" if it does not. @param {string} key */
export function difference(key) {
  const [status, ...notes] = markOf(key), n = Number(key.slice(1));
  if (!status) return "";
  const told = notes.map((note) => {
    const word = NOTES.get(note);
    if (word) return say(word);
    const [a, b] = sides().map((side) => grouped(amount(key, n, note, side)));
    return say(note === "repeat" ? "{a} → {b} layers" : "{a} → {b} parameters", { a, b });
  });
  const word = say(WORDS.get(status) ?? status);
  return told.length ? say("{title}: {sentence}", { title: word, sentence: told.join(say(", ")) }) : word;
}

/**
 * @param {string} key
 * @param {number} n
 * @param {string} note
 * @param {number} side
 */
function amount(key, n, note, side) {
  if (note === "repeat") return book(side).sections[n].repeat ?? 1;
  return key[0] === "t" ? (book(side).steps[n].parameters ?? 0) : 0;
}

/** Keys of all steps that differ, but for those that do because others do. */
function differing() {
  return book().steps.map((_, n) => `t${n}`).filter((key) => markOf(key).length && markOf(key)[0] !== "follows");
}

/** How many steps differ. */
export function countChanges() {
  return differing().length;
}

/**
 * The step that differs after, or before, a place; around the end it begins anew.
 * @param {string} key
 * @param {number} by
 */
export function nextChange(key, by) {
  const all = differing(), order = positions();
  const here = order.get(key) ?? 0, at = (/** @type {string} */ other) => order.get(other) ?? 0;
  const later = by > 0 ? all.find((other) => at(other) > here) : all.findLast((other) => at(other) < here);
  return later ?? (by > 0 ? all[0] : all.at(-1)) ?? "";
}

/** The place of each part in the order of reading. */
function positions() {
  const order = /** @type {Map<string, number>} */ (new Map());
  const visit = (/** @type {string} */ key) => {
    order.set(key, order.size);
    if (key[0] === "s") book().children(Number(key.slice(1))).forEach(visit);
  };
  visit("s0");
  return order;
}

/**
 * Whether the other model has another size there.
 * @param {number} n step
 * @param {number} place which operand or result, counted through
 * @param {number} axis
 */
export function isOtherSize(n, place, axis) {
  if (!isPair() || !markOf(`t${n}`).length) return false;
  const [here, there] = [state.side, 1 - state.side].map((side) => shapeAt(book(side).steps[n], book().steps[n], place));
  return Boolean(here && there && here.length === there.length && here[axis] !== there[axis]);
}

/**
 * @param {Step | null} step
 * @param {Step} counted whose operands are counted
 * @param {number} place
 */
function shapeAt(step, counted, place) {
  const before = counted.operands?.length ?? 0;
  return (place < before ? step?.operands?.[place] : step?.results?.[place - before])?.shape;
}
