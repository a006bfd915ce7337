// Going to a place: the tree, the figure and the details follow, and the address says where.

import { book } from "./book.js";
import { byId } from "./dom.js";
import { drawDetails } from "./details.js";
import { drawFigure, shownSection, showsMap, turn } from "./figure.js";
import { lightAxis, lightValue, relight } from "./following.js";
import { hostTheme } from "./hosting.js";
import { placeOf, placeText, written } from "./links.js";
import { isOnMap } from "./map.js";
import { isPair, layerOf, sides } from "./sides.js";
import { state } from "./state.js";
import { drawTools } from "./tools.js";
import { drawSide, showChoice, titlesOf, treeItem } from "./tree.js";

/**
 * Go to a step or section.
 * @param {string} key
 * @param {{focus?: "tree" | "row", anew?: boolean}} [how] what gets the focus; whether the figure is drawn anew
 */
export function go(key, { focus, anew = false } = {}) {
  leave(key);
  showChoice();
  if (anew || shownSection() !== book().sectionOf(key) || !(shows(key))) {
    drawFigure();
    byId("main").scrollTop = 0;
    if (innerWidth <= 760) scrollTo(0, 0);
  }
  markRow();
  drawDetails();
  lightValue(null);
  relight();
  remember();
  if (focus === "tree") treeItem(key)?.focus();
  if (focus === "row") /** @type {HTMLElement | null} */ (chosenRow())?.focus({ preventScroll: true });
}

/** To another place: an entry is one of its step. @param {string} key */
function leave(key) {
  if (key !== state.place) state.entry = null;
  state.place = key;
}

/** Whether a place is in the figure that stands there. @param {string} key */
function shows(key) {
  if (key[0] === "t") return rowOf(key) !== null;
  return shownSection() === Number(key.slice(1)) && showsMap() === isOnMap();
}

/** Choose a row of the figure: it stays as it is, and the choice moves. @param {string} key */
export function choose(key) {
  leave(key);
  showChoice();
  markRow();
  drawDetails();
  relight();
  remember();
  /** @type {HTMLElement | null} */ (chosenRow())?.focus({ preventScroll: true });
}

/** @param {string} key */
function rowOf(key) {
  return byId("main").querySelector(`.row[data-k="${key}"]`);
}

export function chosenRow() {
  return byId("main").querySelector(".row.sel");
}

function markRow() {
  const row = rowOf(state.place);
  for (const other of byId("main").querySelectorAll('.row.sel, .row[tabindex="0"]')) {
    if (other === row) continue;
    other.classList.remove("sel");
    other.removeAttribute("aria-current");
    /** @type {HTMLElement} */ (other).tabIndex = -1;
  }
  const focusable = /** @type {HTMLElement | null} */ (row ?? byId("main").querySelector(".row"));
  if (focusable) focusable.tabIndex = 0;
  if (!row) return;
  row.classList.add("sel");
  row.setAttribute("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
}

/** Put the place in the address and in the title of the page. */
export function remember() {
  const title = titlesOf(state.place), name = titlesOf("s0");
  document.title = `${title === name ? "" : `${title} · `}${name} · shapetrace`;
  try {
    if (location.hash !== written()) history.replaceState(null, "", written());
  } catch {
    // a page inside a notebook has no address of its own
  }
}

/**
 * Change how everything is shown.
 * @param {"dims" | "form" | "bars" | "lang" | "theme"} name
 * @param {string} value
 */
export function set(name, value) {
  if (name === "form") toForm(value);
  state[name] = value;
  drawAll();
}

/** Stay at the same step, or in the same section, in another form. @param {string} form */
function toForm(form) {
  const side = sides().find((each) => book(each).has(state.place)) ?? state.side;
  const id = state.place[0] === "t" ? book(side).steps[Number(state.place.slice(1))].id : null;
  const path = book(side).sections[book(side).sectionOf(state.place)].path ?? "";
  state.form = form;
  Object.assign(state, { axis: -1, row: -1, entry: null });
  const step = id === null ? undefined : book(side).stepById.get(id);
  state.place = step === undefined ? `s${book(side).sectionByPath.get(path) ?? 0}` : `t${step}`;
}

/** Go to another pass, and stay at the same step or as near as may be. @param {number} pass */
export function toPass(pass) {
  if (!state.page.subjects[pass] || pass === state.side) return;
  const text = placeText(state.place);
  Object.assign(state, { side: pass, axis: -1, row: -1, entry: null });
  state.place = nearest(text);
  drawAll();
}

/** The place that a text names, or the nearest one around it. @param {string} text @returns {string} */
function nearest(text) {
  const { key } = placeOf(text);
  return key || !text ? key || "s0" : nearest(text.replace(/[./]?[^./]*$/, ""));
}

/** The whole model as a map or as rows. @param {string} view */
export function show(view) {
  state.view = view;
  go("s0", { anew: true });
}

/**
 * Show what of a section is before or after what is shown.
 * @param {number} n
 * @param {number} by
 */
export function showMore(n, by) {
  turn(n, by);
  if (!n) state.view = "rows";
  go(`s${n}`, { anew: true });
}

/** Everything anew. */
export function drawAll() {
  document.documentElement.lang = state.lang;
  document.body.classList.toggle("pair", isPair());
  showTheme();
  drawTools();
  drawSide();
  go(state.place, { anew: true });
  lightAxis(state.axis, state.axisSide);
}

/** Light or dark as it is chosen; else as the page around is, or the system. */
export function showTheme() {
  document.documentElement.dataset.theme = (state.theme === "auto" && hostTheme()) || state.theme;
}

/**
 * Move to the layer before or after, in both of two models.
 * @param {number} n section of layers that are alike
 * @param {number} by
 */
export function moveLayer(n, by) {
  const folded = sides().map((side) => book(side).sections[n].members ?? []).filter(({ length }) => length);
  const at = Math.max(...folded.map(layerOf)), last = Math.max(...folded.map(({ length }) => length)) - 1;
  for (const [first] of folded) state.layers[first] = Math.max(0, Math.min(last, at + by));
  const top = byId("main").scrollTop;
  go(state.place, { anew: true });
  byId("main").scrollTop = top;
}
