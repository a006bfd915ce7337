// Pictures of steps: cells side by side around one axis, in columns where the room allows it.

import { book, shownBy } from "./book.js";
import { isOtherSize } from "./changes.js";
import { drawn, h, picture } from "./dom.js";
import { isPair } from "./sides.js";
import { state } from "./state.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Cell} Cell */
/** @typedef {{left: number, right: number}} Reach */

/**
 * A matrix that stands in a picture.
 * @typedef {object} Matrix
 * @property {number} step
 * @property {number} place which of its operands and results, counted through
 * @property {import("./types.js").Box} front of a stack, the one in front
 * @property {Set<number>} across axes whose size is written above: they count columns
 */

const GAP = 10;

/** @type {WeakMap<Element, Matrix>} */
const matrices = new WeakMap();

/** The matrix that a picture shows, if it shows one. @param {Element} svg */
export function matrixOf(svg) {
  return matrices.get(svg);
}

/** The cells of a step's row, at the edges what is chosen. @param {Step} step @returns {Cell[]} */
function cellsOf(step) {
  const languages = Object.keys(state.page.languages);
  const style = (state.dims === "names" ? languages.length : 0) + languages.indexOf(state.lang);
  return state.page.rows[step.rows[style]].map((number) => state.page.cells[number]);
}

/** How wide a picture may be beside its label, in px. */
export function cellsWidth() {
  const phone = innerWidth <= 760, room = document.getElementById("main")?.clientWidth ?? 600;
  return isPair() && !phone ? room / 2 - 90 : room - (phone ? 60 : 220);
}

/**
 * The columns that all rows fit in; null if together they are wider than there is room.
 * @param {Step[]} steps
 * @param {number} room in px
 */
export function columnsFor(steps, room) {
  /** @type {Reach[]} */
  const reaches = [];
  for (const step of steps) {
    for (const [, box, column] of cellsOf(step)) {
      if (column === null) continue;
      const reach = (reaches[column] ??= { left: 0, right: 0 });
      reach.left = Math.max(reach.left, -box[0]);
      reach.right = Math.max(reach.right, box[2]);
    }
  }
  const width = reaches.reduce((sum, { left, right }) => sum + left + right + GAP, 0);
  return width <= room ? reaches : null;
}

/**
 * The picture of a step.
 * @param {number} n
 * @param {Reach[] | null} columns
 */
export function equationPicture(n, columns) {
  const step = book().steps[n];
  const cells = cellsOf(step), keeps = columns && cells.every(([, , column]) => column !== null);
  const row = h("div", { class: "equation" });
  const next = { column: 0 };
  /** @type {HTMLElement | null} */
  let pair = null;
  row.style.marginBottom = `${-spare(cells, Boolean(keeps))}px`;
  for (const cell of cells) {
    const element = cellPicture(cell, step, n);
    if (keeps) {
      const [, box, column] = cell, reach = columns[/** @type {number} */ (column)];
      const skipped = columns.slice(next.column, /** @type {number} */ (column)).reduce((sum, { left, right }) => sum + left + right + GAP, 0);
      element.style.marginLeft = `${skipped + reach.left + box[0]}px`;
      element.style.marginRight = `${reach.right - box[2]}px`;
      next.column = /** @type {number} */ (column) + 1;
      row.append(element);
      continue;
    }
    if (pair === null || cell[3] === undefined) row.append((pair = h("span", { class: "pair" })));
    pair.append(element);
    if (cell[3] !== undefined) pair = null;
  }
  return row;
}

/**
 * Cells are as high below the axis as above it, so that lines of them keep to it; this is what nothing needs below.
 * @param {Cell[]} cells
 * @param {boolean} isOneLine
 */
function spare(cells, isOneLine) {
  const boxes = cells.filter(([, , , place]) => place !== undefined).map(([, box]) => box);
  const up = boxes.map((box) => -box[1]), down = boxes.map((box) => box[3]);
  const free = isOneLine ? Math.max(...up) - Math.max(...down) : Math.min(...up.map((reach, n) => reach - down[n]));
  return boxes.length ? Math.max(0, Math.floor(free)) : 0;
}

/**
 * @param {Cell} cell
 * @param {Step} step
 * @param {number} n its number
 */
function cellPicture([inner, box, , place, body, edges = [], front], step, n) {
  const svg = picture(inner), up = Math.ceil(Math.max(-box[1], box[3])) + 1;
  const width = box[2] - box[0];
  svg.setAttribute("viewBox", `${box[0]} ${-up} ${width} ${2 * up}`);
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(2 * up));
  svg.setAttribute("class", "cell");
  const operand = place === undefined ? undefined : shownBy(step)[place];
  if (!operand || !body) {
    svg.setAttribute("aria-hidden", "true");
    return svg;
  }
  const above = edges.filter(([, , top, , bottom]) => (top + bottom) / 2 < body[1]).map(([axis]) => axis);
  const last = (operand.shape?.length ?? 1) - 1;
  matrices.set(svg, { step: n, place: place ?? 0, front: front ?? body, across: new Set(edges.length ? above : last ? [last] : []) });
  svg.append(
    drawn("rect", {
      class: "hit", role: "button", tabindex: -1, "data-v": operand.value, x: body[0] - 0.6, y: body[1] - 0.6,
      width: body[2] - body[0] + 1.2, height: body[3] - body[1] + 1.2, rx: 3,
      "aria-label": `${operand.name ?? ""} ${(operand.shape ?? []).join("×")}`,
    }),
  );
  for (const [axis, left, top, right, bottom] of edges) {
    const number = operand.axes?.[axis] ?? -1;
    svg.append(
      drawn("rect", {
        class: isOtherSize(n, place ?? 0, axis) ? "edge other" : "edge", role: "button", tabindex: -1, "data-a": number, x: left - 2, y: top - 1, width: right - left + 4,
        height: bottom - top + 2, rx: 3, "aria-label": String(operand.shape?.[axis]),
      }),
    );
  }
  return svg;
}
