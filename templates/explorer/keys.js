// Keys for everything; tools.js lists them.

import { book } from "./book.js";
import { nextChange } from "./changes.js";
import { byId } from "./dom.js";
import { followRow, lightAxis, lightValue, lookAt, toggleFollow } from "./following.js";
import { middleOf, outerAxes } from "./marking.js";
import { choose, chosenRow, go, moveLayer, remember, set, show, toPass } from "./moving.js";
import { closeMenu, isDark } from "./saving.js";
import { isPair, sideOf, sides, subject, turns } from "./sides.js";
import { closeSearch, moveHit, takeHit } from "./searching.js";
import { BARS, VIEWS, state } from "./state.js";
import { showHelp } from "./tools.js";
import { beyond, treeItem, unfold, visibleItems } from "./tree.js";

/** What lies above the page on a phone, as classes of the body. */
const OPENED = ["drawer", "more", "finding", "open"];

/** @typedef {(event: KeyboardEvent) => boolean} Handler gives true if it took the key */

/** @param {KeyboardEvent} event */
export function onKey(event) {
  if (/** @type {Element} */ (event.target).matches?.("[data-number]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || /** @type {HTMLDialogElement} */ (byId("help")).open) return;
  const focus = /** @type {HTMLElement} */ (document.activeElement ?? document.body);
  const handlers = focus.id === "q" ? [inSearch] : [onEscape, onMenu, onLetter, onTab, inTree, onArea, onHit, onRow, onArrow];
  if (handlers.some((handle) => handle(event, focus))) event.preventDefault();
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} _
 */
function inSearch({ key }, _) {
  if (key === "ArrowDown") moveHit(1);
  else if (key === "ArrowUp") moveHit(-1);
  else if (key === "Enter") takeHit();
  else if (key === "Escape") leaveSearch();
  else return false;
  return true;
}

function leaveSearch() {
  closeSearch();
  treeItem(state.place)?.focus();
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onEscape({ key }, focus) {
  if (key !== "Escape") return false;
  if (document.querySelector(".menu")) closeMenu();
  else if (OPENED.some((name) => document.body.classList.contains(name))) document.body.classList.remove(...OPENED);
  else if (state.entry || state.axis >= 0) unlight();
  else if (focus.matches?.(".hit, .edge")) leaveHit(focus);
  else {
    const above = book().above(state.place);
    if (above) go(above, { focus: "tree" });
  }
  return true;
}

function unlight() {
  if (state.entry) lookAt(null);
  else lightAxis(-1);
  remember();
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onMenu({ key }, focus) {
  const entries = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".menu button")]);
  if (!entries.length || !/^Arrow(Up|Down)$/.test(key)) return false;
  entries[(entries.indexOf(focus) + (key === "ArrowDown" ? 1 : entries.length - 1)) % entries.length].focus();
  return true;
}

/** @param {string[]} values @param {string} value */
function after(values, value) {
  return values[(values.indexOf(value) + 1) % values.length];
}

/** @type {Record<string, () => void>} */
const LETTERS = {
  "/": () => {
    document.body.classList.add("finding");
    byId("q").focus();
  },
  "?": showHelp,
  n: () => set("dims", after(["numbers", "names"], state.dims)),
  f: () => set("form", after(Object.keys(subject().forms), state.form)),
  m: () => show(after(VIEWS, state.view)),
  b: () => set("bars", after(BARS.filter((what) => sides().some((side) => book(side).total("s0", what))), state.bars)),
  t: () => set("theme", isDark() ? "light" : "dark"),
  l: () => set("lang", after(Object.keys(state.page.languages), state.lang)),
  ".": () => toPass(state.side + 1),
  ",": () => toPass(state.side - 1),
  r: toggleFollow,
  "+": () => moveRow(1),
  "-": () => moveRow(-1),
  e: toggleEntry,
  d: () => toChange(1),
  D: () => toChange(-1),
  "[": () => byLayer(-1),
  "]": () => byLayer(1),
};

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onLetter({ key }, focus) {
  const act = LETTERS[key];
  if (!act) return false;
  const area = focus.closest?.("#side") ? "tree" : focus.closest?.("#main") ? "row" : "";
  act();
  remember();
  if (document.activeElement !== document.body) return true; // drawn anew, what had the focus is gone
  if (area === "tree") treeItem(state.place)?.focus();
  if (area === "row") /** @type {HTMLElement | null} */ (chosenRow())?.focus({ preventScroll: true });
  return true;
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onTab({ key }, focus) {
  if (!focus.matches?.("[role=tab]") || !/^Arrow(Left|Right)$/.test(key)) return false;
  const isBack = key === "ArrowLeft";
  if (turns() === "rank") toPass(state.side + (isBack ? -1 : 1));
  else toPass(isBack ? 0 : Math.max(1, state.side));
  /** @type {HTMLElement | null} */ (document.querySelector("[role=tab][aria-selected=true]"))?.focus();
  return true;
}

/** Another row of the axis that is followed. @param {number} by */
function moveRow(by) {
  if (state.row >= 0) followRow(Math.max(0, state.row + by));
  remember();
}

/** An entry of the product that is chosen, in the row that is followed or in the middle; or none. */
function toggleEntry() {
  if (state.entry) return lookAt(null);
  const n = Number(state.place.slice(1)), side = sides().find((each) => state.place[0] === "t" && outerAxes(book(each).steps[n]));
  if (side === undefined) return;
  const [rows, columns] = book(side).steps[n].results?.[0]?.shape ?? [1, 1];
  const row = state.row >= 0 && state.row < rows ? state.row : middleOf(rows);
  lookAt([row, Math.floor((columns - 1) / 3)], side);
}

/** The next step that differs. @param {number} by */
function toChange(by) {
  const next = isPair() && nextChange(state.place, by);
  if (next) go(next, { focus: "row" });
}

/** The innermost folded layer around. @param {number} by */
function byLayer(by) {
  const folded = book().chain(book().sectionOf(state.place)).filter((n) => sides().some((side) => (book(side).sections[n].members?.length ?? 0) > 1));
  const n = folded.at(-1);
  if (n !== undefined) moveLayer(n, by);
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function inTree({ key }, focus) {
  const item = /** @type {HTMLElement | null} */ (focus.closest?.('#side [role="treeitem"]'));
  if (!item) return false;
  const all = visibleItems(), at = all.indexOf(item), place = item.dataset.k ?? "";
  const to = (/** @type {HTMLElement | undefined} */ other) => other?.dataset.k && go(other.dataset.k, { focus: "tree" });
  const open = item.getAttribute("aria-expanded");
  const outside = key === "ArrowUp" ? beyond(item, -1) : key === "ArrowDown" && open !== "true" ? beyond(item, 1) : "";
  if (outside) go(outside, { focus: "tree" });
  else if (key === "ArrowDown") to(all[at + 1]);
  else if (key === "ArrowUp") to(all[at - 1]);
  else if (key === "Home") to(all[0]);
  else if (key === "End") to(all.at(-1));
  else if (key === "ArrowRight" && open === "false") unfold(place, true);
  else if (key === "ArrowRight" && open === "true") to(all[at + 1]);
  else if (key === "ArrowLeft" && open === "true") unfold(place, false);
  else if (key === "ArrowLeft") go(book().above(place) || "s0", { focus: "tree" });
  else if (key === "Enter" || key === " ") intoFigure();
  else return false;
  return true;
}

function intoFigure() {
  document.body.classList.remove("drawer");
  const row = /** @type {HTMLElement | null} */ (chosenRow() ?? byId("main").querySelector(".row"));
  if (row?.dataset.k) choose(row.dataset.k);
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onArea({ key }, focus) {
  if (!focus.matches?.(".area") || !/^(Enter| )$/.test(key)) return false;
  go(focus.getAttribute("data-go") ?? "s0", { focus: "tree" });
  return true;
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onHit({ key }, focus) {
  if (!focus.matches?.(".hit, .edge")) return false;
  const row = focus.closest(".row"), all = /** @type {HTMLElement[]} */ ([...(row?.querySelectorAll(".hit, .edge") ?? [])]);
  const at = all.indexOf(focus);
  if (key === "ArrowRight") all[Math.min(at + 1, all.length - 1)].focus();
  else if (key === "ArrowLeft" && at > 0) all[at - 1].focus();
  else if (key === "ArrowLeft") leaveHit(focus);
  else if (key === "Enter" && focus.matches(".edge")) lightAxis(Number(focus.getAttribute("data-a")), sideOf(focus));
  else if (key === "Enter") toOrigin(Number(focus.getAttribute("data-v")), sideOf(focus));
  else return false;
  return true;
}

/** @param {HTMLElement} focus */
function leaveHit(focus) {
  lightValue(null);
  /** @type {HTMLElement | null} */ (focus.closest(".row"))?.focus();
}

/**
 * @param {number} value
 * @param {number} side
 */
function toOrigin(value, side) {
  const made = book(side).values.get(value)?.made ?? -1;
  if (made >= 0) go(`t${made}`, { focus: "row" });
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onRow({ key }, focus) {
  if (!focus.matches?.("#main .row") || !/^(ArrowRight|Enter)$/.test(key)) return false;
  /** @type {HTMLElement | null} */ (focus.querySelector(".hit"))?.focus();
  return true;
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} focus
 */
function onArrow({ key }, focus) {
  if (!/^Arrow(Up|Down)$/.test(key) || focus.closest?.("#details, #top")) return false;
  const rows = /** @type {HTMLElement[]} */ ([...byId("main").querySelectorAll(".row")]);
  const at = rows.findIndex((row) => row.dataset.k === state.place);
  const next = rows[at + (key === "ArrowDown" ? 1 : -1)];
  if (next?.dataset.k) choose(next.dataset.k);
  return true;
}
