// One row of an axis, or one entry of a product, marked in the pictures that stand there.

import { book, shownBy } from "./book.js";
import { matrixOf } from "./cells.js";
import { byId, drawn } from "./dom.js";
import { isPair, onSide, sideOf } from "./sides.js";
import { state } from "./state.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Operand} Operand */
/** @typedef {import("./cells.js").Matrix} Matrix */

/** The axis that counts tokens, as the pass was read; -1 if none does. */
export function tokenAxis() {
  return book().positions.axis;
}

/**
 * Whether an operand has the axis, or part of the positions that it counts.
 * @param {Operand} operand
 * @param {number} axis
 */
export function hasAxis(operand, axis) {
  return (operand.axes ?? []).some((number) => number >= 0 && (number === axis || (axis === tokenAxis() && number in book().positions.lanes)));
}

/**
 * Where the row of an axis that is followed is along an axis of an operand; -1 where it is not, or nobody knows.
 * @param {Operand} operand
 * @param {number} at which axis of the operand
 * @param {number} axis
 */
function indexAlong(operand, at, axis) {
  const number = operand.axes?.[at] ?? -1, { lanes } = book().positions, size = operand.shape?.[at] ?? 1;
  if (operand.moved) return -1;
  if (axis !== tokenAxis()) return number === axis ? Math.min(state.row, size - 1) : -1;
  if (number < 0) return operand.alone?.[0] === state.row && size === 1 && at === (operand.shape?.length ?? 0) - 2 ? 0 : -1;
  const [shift, start, stop] = lanes[number] ?? [0, 0, 0];
  return start <= state.row && state.row < stop ? state.row + shift : -1;
}

/** The one in the middle of so many, from 0 on. @param {number} size */
export function middleOf(size) {
  return Math.max(0, Math.floor((size - 1) / 2));
}

/** How many rows an axis has. @param {number} axis */
export function sizeOfAxis(axis) {
  for (const operand of book().steps.flatMap(shownBy)) {
    const at = axis < 0 ? -1 : (operand.axes?.indexOf(axis) ?? -1);
    if (at >= 0) return operand.shape?.[at] ?? 0;
  }
  return 0;
}

/** The axis that is followed on a side: of two models, both tokens or the one of one of them; -1 for none. @param {number} side */
export function followedAxis(side) {
  if (state.row < 0 || state.axis < 0) return -1;
  if (!isPair() || side === state.axisSide) return state.axis;
  const isTokens = onSide(state.axisSide, tokenAxis) === state.axis;
  return isTokens ? onSide(side, tokenAxis) : -1;
}

/** Draw all marks anew. */
export function drawMarks() {
  const main = byId("main");
  for (const old of main.querySelectorAll(".mark")) old.remove();
  for (const old of main.querySelectorAll(".row.ends")) old.classList.remove("ends");
  if (state.row < 0 && !state.entry) return;
  for (const svg of main.querySelectorAll("svg.cell")) {
    const matrix = matrixOf(svg), side = sideOf(svg);
    if (matrix) onSide(side, () => markMatrix(/** @type {SVGElement} */ (svg), matrix, followedAxis(side)));
  }
  for (const row of main.querySelectorAll(".row")) row.classList.toggle("ends", endsAt(Number(row.getAttribute("data-k")?.slice(1))));
}

/**
 * Whether the row that is followed goes into a step and does not come out of it.
 * @param {number} n
 */
export function endsAt(n) {
  const step = book().steps[n], axis = followedAxis(state.side);
  const has = (/** @type {Operand[] | undefined} */ operands) => (operands ?? []).some((each) => !each.role && (each.shape ?? []).some((_, at) => indexAlong(each, at, axis) >= 0));
  return axis >= 0 && Boolean(step) && has(step.operands) && !has(step.results);
}

/**
 * @param {SVGElement} svg
 * @param {Matrix} matrix
 * @param {number} axis
 */
function markMatrix(svg, matrix, axis) {
  const operand = shownBy(book().steps[matrix.step])[matrix.place];
  if (axis >= 0) {
    (operand.shape ?? []).forEach((_, at) => {
      const index = indexAlong(operand, at, axis);
      if (index >= 0) put(svg, stripe(matrix, operand, at, index, "follow"));
    });
  }
  if (state.entry && state.place === `t${matrix.step}` && state.entrySide === state.side) markEntry(svg, matrix, operand, state.entry);
}

/**
 * @param {SVGElement} svg
 * @param {Matrix} matrix
 * @param {Operand} operand
 * @param {[number, number]} entry
 */
function markEntry(svg, matrix, operand, [i, j]) {
  const step = book().steps[matrix.step], [a, b] = outerAxes(step) ?? [];
  if (a === undefined || b === undefined) return;
  if (matrix.place === 0) put(svg, stripe(matrix, operand, a, i, "entry"));
  if (matrix.place === 1) put(svg, stripe(matrix, operand, b, j, "entry"));
  if (matrix.place !== 2) return;
  const [left, top, right, bottom] = matrix.front, [rows, columns] = operand.shape ?? [1, 1];
  const [x, width] = span(left, right, j, columns, 5), [y, height] = span(top, bottom, i, rows, 5);
  put(svg, drawn("rect", { class: "mark entry", x, y, width, height }));
}

/**
 * The axis of each operand of a product that its result keeps; null where the matrices drawn do not say it.
 * @param {Step | null} step
 * @returns {[number, number] | null}
 */
export function outerAxes(step) {
  const [a, b] = step?.operands ?? [], [result] = step?.results ?? [];
  if (!step?.inner || step.operands?.length !== 2 || a?.shape?.length !== 2 || b?.shape?.length !== 2 || result?.shape?.length !== 2) return null;
  const [outerA, outerB] = step.inner.map((axis) => 1 - ((axis + 2) % 2));
  return a.shape[outerA] === result.shape[0] && b.shape[outerB] === result.shape[1] ? [outerA, outerB] : null;
}

/**
 * What a point in a picture means: a row of the axis that is followed, or an entry of a product; null for neither.
 * @param {SVGSVGElement} svg
 * @param {number} x in px of the window
 * @param {number} y
 * @returns {[number | null, [number, number] | null]}
 */
export function pointedAt(svg, x, y) {
  const matrix = matrixOf(svg), screen = svg.getScreenCTM();
  if (!matrix || !screen) return [null, null];
  const point = new DOMPoint(x, y).matrixTransform(screen.inverse()), [left, top, right, bottom] = matrix.front;
  const step = book().steps[matrix.step], operand = shownBy(step)[matrix.place], [rows = 1, columns = 1] = operand.shape ?? [];
  const nth = (/** @type {number} */ part, /** @type {number} */ size) => Math.max(0, Math.min(size - 1, Math.floor(part * size)));
  const across = (point.x - left) / (right - left), down = (point.y - top) / (bottom - top);
  if (matrix.place === 2 && outerAxes(step)) return [null, [nth(down, rows), nth(across, columns)]];
  const axis = followedAxis(state.side), at = axis < 0 ? -1 : (operand.axes?.indexOf(axis) ?? -1);
  return [at < 0 ? null : nth(matrix.across.has(at) ? across : down, operand.shape?.[at] ?? 1), null];
}

/**
 * One row or column of a matrix, as far as a mask lets it be seen.
 * @param {Matrix} matrix
 * @param {Operand} operand
 * @param {number} at which axis
 * @param {number} index
 * @param {string} sort
 */
function stripe({ front, across }, operand, at, index, sort) {
  const [left, top, right, bottom] = front, size = operand.shape?.[at] ?? 1, isColumn = across.has(at);
  if ((operand.shape?.length ?? 0) - at > 2) return null; // an axis of the stack
  if (isColumn) {
    const [x, width] = span(left, right, index, size), seen = seenOf(operand, index, true);
    const y = top + (bottom - top) * seen[0];
    const isSeen = operand.axes?.length === 2 && operand.axes[0] === operand.axes[1]; // a column of scores: who looks at it
    return drawn("rect", { class: `mark ${sort}${isSeen && sort === "follow" ? " back" : ""}`, x, y, width, height: (bottom - top) * (seen[1] - seen[0]) });
  }
  const [y, height] = span(top, bottom, index, size), seen = seenOf(operand, index, false);
  return drawn("rect", { class: `mark ${sort}`, x: left + (right - left) * seen[0], y, width: (right - left) * (seen[1] - seen[0]), height });
}

/**
 * From where to where, as parts of the whole, a mask lets a row see, or a column be seen.
 * @param {Operand} operand
 * @param {number} index
 * @param {boolean} isColumn
 * @returns {[number, number]}
 */
function seenOf({ sees, shape }, index, isColumn) {
  const size = shape?.[0] ?? 1;
  if (!sees || shape?.[1] !== size) return [0, 1];
  const [before, after] = isColumn ? [sees[1], sees[0]] : sees;
  return [Math.max(0, index - before) / size, Math.min(size, index + after + 1) / size];
}

/**
 * Where one of many is on a side, at least so wide that it is seen.
 * @param {number} from
 * @param {number} to
 * @param {number} index
 * @param {number} size
 * @param {number} least in px
 */
function span(from, to, index, size, least = 2.4) {
  const one = (to - from) / Math.max(size, 1), wide = Math.min(Math.max(one, least), to - from);
  const middle = from + one * (index + 0.5), start = Math.max(from, Math.min(middle - wide / 2, to - wide));
  return [start, wide];
}

/**
 * @param {SVGElement} svg
 * @param {Element | null} mark
 */
function put(svg, mark) {
  if (mark) svg.insertBefore(mark, svg.querySelector(".hit"));
}
