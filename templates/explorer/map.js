// The opening picture: the whole model as boxes and arrows, each box a way to its part of the tree.

import { book } from "./book.js";
import { drawn, h, picture } from "./dom.js";
import { state } from "./state.js";

/** With more boxes a map is too tall to be looked at first. */
const MOST_BOXES = 200;

/** The map that fits the room; undefined for a model without one. */
function chosenMap() {
  const made = book().maps?.[state.lang];
  return made && (innerWidth <= 760 ? made.narrow : made.wide);
}

/** Whether the place that is chosen is seen on the map. */
export function isOnMap() {
  return state.place === "s0" && state.view === "map" && chosenMap() !== undefined;
}

/** How the whole model is shown unless a reader chooses. */
export function usualView() {
  return (chosenMap()?.areas.length ?? 0) > MOST_BOXES ? "rows" : "map";
}

/** Whether there is a choice between the map and the rows. */
export function hasMap() {
  return chosenMap() !== undefined;
}

/** The map, with an area to click on each box. */
export function mapPicture() {
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
    class: "area", role: "button", tabindex: 0, "data-go": key, x: left, y: top, width: right - left, height: bottom - top, rx: 7,
    "aria-label": title,
  });
}
