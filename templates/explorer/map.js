// The opening picture: the whole model as boxes and arrows, each box a way to its part of the tree.

import { book } from "./book.js";
import { statusOf } from "./changes.js";
import { drawn, h, picture } from "./dom.js";
import { isPair, onSide, sides, subject } from "./sides.js";
import { state } from "./state.js";

/** With more boxes a map is too tall to be looked at first. */
const MOST_BOXES = 200;

/** The map that fits the room; undefined for a model without one. */
function chosenMap() {
  const made = book().maps?.[state.lang];
  return made && (innerWidth <= 760 || isPair() ? made.narrow : made.wide);
}

/** Whether the place that is chosen is seen on the map. */
export function isOnMap() {
  return state.place === "s0" && state.view === "map" && hasMap();
}

/** How the whole model is shown unless a reader chooses. */
export function usualView() {
  const boxes = sides().map((side) => onSide(side, () => chosenMap()?.areas.length ?? 0));
  return Math.max(...boxes) > MOST_BOXES ? "rows" : "map";
}

/** Whether there is a choice between the map and the rows. */
export function hasMap() {
  return sides().some((side) => onSide(side, () => chosenMap() !== undefined));
}

/** The map, or those of two models, with an area to click on each box. */
export function mapPicture() {
  if (!isPair()) return oneMap();
  const halves = sides().map((side) => h("div", { class: "half", "data-side": side, "aria-label": subject(side).name }, onSide(side, () => chosenMap() && oneMap())));
  return h("div", { class: "panel halves", "data-s": 0 }, halves);
}

function oneMap() {
  const { picture: number, areas } = /** @type {import("./types.js").ModelMap} */ (chosenMap());
  const svg = plate(number);
  for (const [title, key, box] of areas) svg.append(area(title, key, box));
  return h("div", { class: "panel equation map", "data-s": 0 }, svg);
}

/** A picture that is no row. @param {number} number */
export function plate(number) {
  const [inner, [left, top, right, bottom]] = state.page.plates[number];
  const svg = picture(inner);
  svg.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
  svg.setAttribute("width", String(right - left));
  svg.setAttribute("height", String(bottom - top));
  svg.setAttribute("class", "cell");
  return svg;
}

/**
 * @param {string} title
 * @param {string} key
 * @param {import("./types.js").Box} box
 */
function area(title, key, [left, top, right, bottom]) {
  return drawn("rect", {
    class: `area ${statusOf(key)}`, role: "button", tabindex: 0, "data-go": key, x: left, y: top, width: right - left, height: bottom - top, rx: 7,
    "aria-label": title,
  });
}
