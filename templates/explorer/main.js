// The explorer of shapetrace: unpack the model, draw the first picture, and listen.

import { book } from "./book.js";
import { nextChange } from "./changes.js";
import { byId } from "./dom.js";
import { followRow, lightAxis, lightValue, lookAt, tellUnproved, tip, toggleFollow } from "./following.js";
import { onHostTheme } from "./hosting.js";
import { follow, isOneOf } from "./links.js";
import { onKey } from "./keys.js";
import { pointedAt } from "./marking.js";
import { choose, drawAll, go, moveLayer, remember, set, show, showMore, showTheme, toPass } from "./moving.js";
import { drawRails } from "./rails.js";
import { address, closeMenu, save, showMenu } from "./saving.js";
import { closeSearch, prepareSearch, search, takeHit } from "./searching.js";
import { onSide, sideOf } from "./sides.js";
import { opened, state } from "./state.js";
import { showHelp } from "./tools.js";
import { turnTree, unfold } from "./tree.js";
import { unpacked } from "./unpacking.js";
import { say } from "./words.js";

/** Steps of a model whose tree is open at first. */
const MOST_OPEN = 40;

/** What a click on an element means, the first that fits. @type {[string, (element: HTMLElement, event: MouseEvent) => void][]} */
const CLICKS = [
  ["[data-set]", (element) => setFrom(element)],
  ["[data-view]", (element) => show(element.dataset.view ?? "map")],
  ["#save", (element) => showMenu(element)],
  ["#keys", showHelp],
  ["#help .x", () => /** @type {HTMLDialogElement} */ (byId("help")).close()],
  ["[data-save]", (element) => take(element.dataset.save ?? "")],
  ["#drawer", openDrawer],
  ["#scrim", () => document.body.classList.remove("drawer")],
  ["#more", () => document.body.classList.toggle("more")],
  ["#find", toggleSearch],
  ["[data-layer]", (element) => moveLayer(Number(element.dataset.layer), Number(element.dataset.by))],
  ["[data-more]", (element) => showMore(Number(element.dataset.more), Number(element.dataset.by))],
  ["[data-turn]", (element) => turnTree(element.dataset.turn ?? "s0", Number(element.dataset.by))],
  ["[data-hit]", (element) => takeHit(Number(element.dataset.hit))],
  ["[data-a]", (element) => lightFrom(element)],
  ["[data-pass]", (element) => toPass(Number(element.dataset.pass))],
  ["[data-change]", (element) => go(nextChange(state.place, Number(element.dataset.change)) || "s0", { focus: "row" })],
  ["[data-go]", (element) => go(element.dataset.go ?? "s0")],
  [".grab", () => document.body.classList.toggle("open")],
  [".tw", (element) => twist(element)],
  ['#side [role="treeitem"]', (element) => fromTree(element)],
  ["[data-row]", (element) => done(() => followRow(Number(element.dataset.row)))],
  ["[data-clear]", () => done(clear)],
  ["#follow", () => done(toggleFollow)],
  ["#main .hit", (element, event) => pick(element, event)],
  ["#main .row", (element) => choose(element.dataset.k ?? "s0")],
];

/** @param {HTMLElement} element */
function setFrom(element) {
  const [name, value] = (element.dataset.set ?? "").split("=");
  set(/** @type {any} */ (name), value);
  document.querySelector(`[data-set="${name}=${value}"]`)?.dispatchEvent(new Event("focus"));
}

/** @param {string} what */
function take(what) {
  closeMenu();
  if (what === "print") return window.print();
  if (what !== "link") return save(what);
  navigator.clipboard?.writeText(address());
  tip(say("Link copied"));
}

function openDrawer() {
  document.body.classList.add("drawer");
  /** @type {HTMLElement | null} */ (document.querySelector('#side [tabindex="0"]'))?.focus();
}

function toggleSearch() {
  if (document.body.classList.toggle("finding")) byId("q").focus();
  else closeSearch();
}

/** @param {HTMLElement} element */
function lightFrom(element) {
  const axis = Number(element.dataset.a), side = sideOf(element), isLit = axis === state.axis && side === state.axisSide;
  if (axis < 0) tellUnproved();
  else lightAxis(isLit ? -1 : axis, side);
  remember();
}

/** @param {() => void} act */
function done(act) {
  act();
  remember();
}

/** What was lit last is lit no longer. */
function clear() {
  if (state.entry) lookAt(null);
  else lightAxis(-1);
}

/**
 * A click in a matrix: the entry of a product, or another row of the axis that is followed; and the step is chosen.
 * @param {HTMLElement} element
 * @param {MouseEvent} event
 */
function pick(element, event) {
  const key = /** @type {HTMLElement | null} */ (element.closest(".row"))?.dataset.k, svg = element.closest("svg");
  if (!key || !svg) return;
  choose(key);
  const side = sideOf(element), [row, entry] = onSide(side, () => pointedAt(svg, event.clientX, event.clientY));
  if (row !== null) followRow(row);
  else if (entry) lookAt(entry, side);
  remember();
}

/** A number that was written. @param {HTMLInputElement} input */
function write(input) {
  const index = Number(input.value) - 1, what = input.dataset.number, [i, j] = state.entry ?? [0, 0];
  if (input.value === "" || !isOneOf(index + 1, Number(input.max))) return;
  const side = sideOf(input);
  if (what === "row") followRow(index);
  else lookAt(what === "i" ? [index, j] : [i, index], input.closest("#details") ? side : state.entrySide);
  remember();
}

/** @param {HTMLElement} element */
function twist(element) {
  const key = /** @type {HTMLElement | null} */ (element.closest("[data-k]"))?.dataset.k ?? "";
  if (key[0] === "s") unfold(key, !opened.has(key));
  else fromTree(/** @type {HTMLElement} */ (element.closest("[data-k]")));
}

/** @param {HTMLElement} element */
function fromTree(element) {
  const key = element.dataset.k ?? "s0", isWide = innerWidth > 760;
  document.body.classList.remove("drawer");
  if (key[0] === "s") unfold(key, true);
  go(key, { focus: isWide ? "tree" : undefined });
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!target.closest(".menu, #save")) closeMenu();
  if (!target.closest("#tools, #more")) document.body.classList.remove("more");
  if (!target.closest(".search, #find") && !byId("hits").hidden) closeSearch();
  if (target.id === "help") /** @type {HTMLDialogElement} */ (target).close();
  for (const [selector, act] of CLICKS) {
    const element = /** @type {HTMLElement | null} */ (target.closest(selector));
    if (element) return act(element, event);
  }
}

/** @param {Event} event */
function onPointer(event) {
  const element = /** @type {Element} */ (event.target).closest?.("[data-v]");
  if (element) lightValue(Number(element.getAttribute("data-v")), sideOf(element));
  else lightValue(null);
}

function listen() {
  document.addEventListener("click", onClick);
  document.addEventListener("mouseover", onPointer);
  document.addEventListener("focusin", onPointer);
  document.addEventListener("keydown", onKey);
  document.addEventListener("input", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.id === "q") search(input.value);
    if (input.dataset.number) write(input);
  });
  addEventListener("hashchange", () => {
    follow(location.hash);
    drawAll();
  });
  onHostTheme(showTheme);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (Math.abs(innerWidth - width) > 40) go(state.place, { anew: true });
    else drawRails();
    width = innerWidth;
  });
}

/** The explanation of a failure stands above the row where it ended. */
function toTop() {
  byId("main").scrollTop = 0;
  scrollTo(0, 0);
}

async function start() {
  state.page = await unpacked(byId("data").textContent ?? "");
  byId("data").remove();
  Object.assign(state, { lang: state.page.lang, theme: state.page.theme, form: state.page.form, side: state.page.side });
  const asked = location.hash.slice(1);
  follow(`#${asked || encodeURI(state.page.place)}`);
  if (book().steps.length <= MOST_OPEN) book().sections.forEach((_, n) => opened.add(`s${n}`));
  listen();
  drawAll();
  if (state.page.subjects.some(({ failure }) => failure) && !asked) toTop();
  document.documentElement.dataset.ready = performance.now().toFixed(0);
  prepareSearch();
}

start();
