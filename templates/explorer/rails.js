// Residuals: a line beside the rows, from where the older operand was made to the row that adds it.

import { book } from "./book.js";
import { byId, h } from "./dom.js";
import { isPair } from "./sides.js";

const LANE = 7;

/** @typedef {{frame: HTMLElement, from: number, to: number}} Rail */

/** Draw the rails of the figure that stands there. */
export function drawRails() {
  const main = byId("main"), figure = main.querySelector(".panel");
  for (const old of main.querySelectorAll(".rail")) old.remove();
  if (!(figure instanceof HTMLElement) || isPair()) return;
  const rows = /** @type {HTMLElement[]} */ ([...figure.querySelectorAll(".row")]);
  const places = new Map(rows.map((row) => [row.getAttribute("data-k") ?? "", middle(row)]));
  const found = rows.flatMap((row) => railOf(row, figure, places) ?? []);
  /** @type {Rail[]} */
  const taken = [];
  const lines = found.sort((a, b) => a.to - a.from - (b.to - b.from)).map((rail) => {
    const { frame, from, to } = rail, lane = Math.min(taken.filter((other) => from < other.to && to > other.from).length, 2);
    taken.push(rail);
    const line = h("div", { class: "rail" }), top = from - frame.getBoundingClientRect().top;
    line.style.cssText = `top:${top}px;height:${to - from}px;left:${2 - LANE * lane}px;width:${11 + LANE * lane}px`;
    return { frame, line };
  });
  for (const { frame, line } of lines) frame.append(line);
}

/** @param {HTMLElement} row */
function middle(row) {
  const box = row.getBoundingClientRect(), isTall = row.querySelector(".lab")?.getBoundingClientRect().bottom ?? 0;
  const label = row.querySelector(".equation")?.getBoundingClientRect().top ?? 0;
  return isTall <= label + 1 ? box.top + 24 : box.top + box.height / 2;
}

/**
 * @param {HTMLElement} row
 * @param {HTMLElement} figure
 * @param {Map<string, number>} places
 * @returns {Rail | null}
 */
function railOf(row, figure, places) {
  const key = row.getAttribute("data-k") ?? "", step = book().steps[Number(key.slice(1))];
  const older = step.kind === "residual" ? step.operands?.[0] : undefined;
  const to = places.get(key), frame = /** @type {HTMLElement} */ (row.closest(".panel"));
  if (!older || to === undefined) return null;
  const maker = `t${book().values.get(older.value)?.made ?? -1}`, made = places.get(maker);
  const isInside = frame.querySelector(`[data-k="${maker}"]`) !== null;
  const isRepeated = (book().sections[Number(frame.getAttribute("data-s"))]?.repeat ?? 1) > 1;
  if (made !== undefined && made < to && (isInside || !isRepeated)) return { frame: isInside ? frame : figure, from: made, to };
  return { frame, from: frame.getBoundingClientRect().top + 8, to };
}
