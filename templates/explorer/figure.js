// The middle: the section that is chosen, one row a step, inner sections in frames. What is much is closed.

import { book } from "./book.js";
import { countChanges, difference, signOf, statusOf } from "./changes.js";
import { cellsWidth, columnsFor, equationPicture } from "./cells.js";
import { byId, fill, h } from "./dom.js";
import { inLayer } from "./links.js";
import { hasMap, isOnMap, mapPicture, plate } from "./map.js";
import { passesBar } from "./passes.js";
import { ranksBar } from "./ranks.js";
import { drawRails } from "./rails.js";
import { isPair, layerOf, onSide, sides, subject } from "./sides.js";
import { state } from "./state.js";
import { titleOf, titlesOf } from "./tree.js";
import { bytesText, flopsText, grouped, say, sayNote, shortCount } from "./words.js";

/** @typedef {import("./types.js").Section} Section */

const MOST_ROWS = 60;
const MOST_ITEMS = 80;

/** Sections that were opened in the figure besides, by key. @type {Set<string>} */
export const shownToo = new Set();

/** The first item that is shown, of sections that are shown in part. @type {Map<number, number>} */
const firsts = new Map();

/** Draw the section that the chosen place is, or is in. */
export function drawFigure() {
  const n = book().sectionOf(state.place);
  fill(byId("main"), passesBar(), ranksBar(), crumbs(n), heading(n), ...(isPair() ? heads(n) : [facts(n)]), failures(n), isOnMap() ? mapPicture() : rows(n));
  const first = byId("main").querySelector(".row.sel") ?? byId("main").querySelector(".row");
  if (first) /** @type {HTMLElement} */ (first).tabIndex = 0;
  drawRails();
}

/** @param {number} n */
function rows(n) {
  const shown = stepsShown(n);
  return panel(n, 0, sides().map((side) => onSide(side, () => columnsFor(shown.map((step) => book().steps[step]).filter(Boolean), cellsWidth()))));
}

/** Whether the map stands there. */
export function showsMap() {
  return byId("main").querySelector(".map") !== null;
}

/** The section whose figure stands there. */
export function shownSection() {
  return Number(byId("main").querySelector(".panel")?.getAttribute("data-s") ?? -1);
}

/** Whether a section inside another one stands open. @param {number} n */
function isOpen(n) {
  return shownToo.has(`s${n}`) || book().countSteps(book().sectionOf(state.place)) <= MOST_ROWS;
}

/**
 * What is shown of a section: all of it, or a part with the chosen place in it.
 * @param {number} n
 */
function itemsShown(n) {
  const items = book().sections[n].items ?? [];
  const around = new Set(book().chain(book().sectionOf(state.place)));
  const at = items.findIndex(({ step, section }) => (section === undefined ? `t${step}` === state.place : around.has(section)));
  const kept = firsts.get(n) ?? 0, isIn = at < 0 || (at >= kept && at < kept + MOST_ITEMS);
  const first = Math.max(0, Math.min(isIn ? kept : at - MOST_ITEMS / 2, items.length - MOST_ITEMS));
  firsts.set(n, first);
  return { items: items.slice(first, first + MOST_ITEMS), before: first, after: Math.max(0, items.length - first - MOST_ITEMS) };
}

/**
 * Show the part before or after.
 * @param {number} n section
 * @param {number} by
 */
export function turn(n, by) {
  firsts.set(n, (firsts.get(n) ?? 0) + by * MOST_ITEMS);
}

/** @param {number} n @returns {number[]} */
function stepsShown(n) {
  return itemsShown(n).items.flatMap(({ step, section }) =>
    step !== undefined ? [step] : isOpen(/** @type {number} */ (section)) ? stepsShown(/** @type {number} */ (section)) : [],
  );
}

/** @param {number} n */
function crumbs(n) {
  const around = book().chain(n).slice(0, -1).map((at) =>
    h("button", { "data-go": `s${at}` }, titlesOf(`s${at}`), times(at)),
  );
  return h("div", { class: "crumb" }, around.flatMap((button, at) => (at ? [h("span", { "aria-hidden": "true" }, "›"), button] : [button])));
}

/** ` ×12`, ` ×12 → ×24` of two models, or nothing. @param {number} n */
function times(n) {
  const found = [...new Set(sides().map((side) => book(side).sections[n].repeat ?? 1))];
  return found.some((many) => many > 1) ? ` ${found.map((many) => `×${many}`).join(" → ")}` : "";
}

/** @param {number} n */
function heading(n) {
  const folded = book().chain(n).filter((at) => sides().some((side) => membersOf(at, side).length > 1));
  const title = h("h1", {}, titlesOf(`s${n}`), folded.map(layerChooser));
  return n ? title : h("div", { class: "headline" }, title, views());
}

/** The choice between the map and the rows of the whole model. */
function views() {
  if (!hasMap()) return null;
  const choice = (/** @type {string} */ view, /** @type {string} */ word) =>
    h("button", { "data-view": view, "aria-pressed": String(isOnMap() === (view === "map")) }, word);
  return h("span", { class: "seg", role: "group", "aria-label": say("Picture") }, choice("map", say("Map")), choice("rows", say("Rows")));
}

/**
 * @param {number} n
 * @param {number} side
 */
function membersOf(n, side) {
  return book(side).sections[n].members ?? [];
}

/** @param {number} n */
function layerChooser(n) {
  const shown = sides().filter((side) => membersOf(n, side).length > 1);
  const canMove = (/** @type {number} */ by) => shown.some((side) => membersOf(n, side)[layerOf(membersOf(n, side)) + by]);
  const move = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ label) =>
    h("button", { "data-layer": n, "data-by": by, "aria-label": label, disabled: !canMove(by) }, sign);
  const told = shown.map((side) => {
    const members = membersOf(n, side), path = onSide(side, () => inLayer(members[0])).replace(/[<>]/g, "");
    return h("span", {}, h("span", { class: "mono" }, path), " ", h("span", { class: "mute" }, say("of {n} alike", { n: members.length })));
  });
  return h("span", { class: "layer" }, move(-1, "‹", say("Layer before")), h("output", {}, told.flatMap((each, at) => (at ? [" · ", each] : [each]))), move(1, "›", say("Next layer")));
}

/** Two models: what differs in all, and above each column whose it is. @param {number} n */
function heads(n) {
  const found = countChanges(), verdict = state.page.verdict[state.lang];
  const move = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ label) => h("button", { "data-change": by, "aria-label": label }, sign);
  const way = found ? h("span", { class: "layer" }, move(-1, "‹", say("Difference before")), h("output", {}, say("{n} steps differ", { n: found })), move(1, "›", say("Next difference"))) : null;
  const columns = (/** @type {() => import("./dom.js").Child} */ make) => sides().map((side) => onSide(side, () => h("div", { class: "half", "data-side": side }, make())));
  return [
    h("p", { class: "verdict" }, h("b", {}, verdict[0]), way, n ? null : h("small", {}, verdict.slice(1).join(" · "))),
    h("div", { class: "halves names" }, columns(() => subject().name)),
    h("div", { class: "halves heads" }, columns(() => (book().has(`s${n}`) ? facts(n) : absent()))),
  ];
}

function absent() {
  return h("span", { class: "mute" }, say("Nothing like it in this model."));
}

/** @param {number} n */
function facts(n) {
  const key = `s${n}`, times = book().repeats(key);
  const parameters = book().total(key, "parameters") / times, flops = book().total(key, "flops") / times;
  const told = n
    ? [say("{n} parameters", { n: grouped(Math.round(parameters)) }), flops ? `${flopsText(flops)}${times > 1 ? ` ${say("per layer")}` : ""}` : ""]
    : [...subject().facts[state.lang], say("{n} parameters", { n: grouped(subject().totals.parameters) }), flopsText(subject().totals.flops), cache()];
  return h("div", { class: "stat" }, told.filter(Boolean).map((text) => h("span", {}, text)), isPair() ? null : legend());
}

function legend() {
  const inner = book().steps.find((step) => step?.inner)?.operands?.[0]?.shape?.at(-1) ?? 64;
  return h(
    "span",
    { class: "legend" },
    h("span", {}, h("i", { class: "sw" }), say("data")),
    h("span", {}, h("i", { class: "sw weight" }), say("weights")),
    h("span", {}, h("b", { class: "match mono" }, inner), say("inner sizes match")),
  );
}

function cache() {
  const { cache: kept } = subject();
  return kept ? say("KV cache: {n} per token", { n: bytesText(kept) }) : "";
}

/** Of two models either may have failed. @param {number} n */
function failures(n) {
  if (!isPair()) return failure(n);
  const found = sides().map((side) => h("div", { class: "half", "data-side": side }, onSide(side, () => failure(n))));
  return found.some((half) => half.firstChild) ? h("div", { class: "halves" }, found) : null;
}

/** Why the pass ended early: above the whole model and where it ended. @param {number} n */
function failure(n) {
  const { failure: told } = subject();
  if (!told || (n && book().home[book().stepById.get(told.after) ?? -1] !== n)) return null;
  const shown = told.pictures?.[state.lang], report = told.report?.[state.lang] ?? told.reason;
  const drawing = shown && h("div", { class: "equation" }, plate(innerWidth <= 760 || isPair() ? shown.narrow : shown.wide));
  const text = drawing ? h("details", {}, h("summary", {}, say("As text")), h("pre", {}, report)) : h("pre", {}, report);
  return h("section", { class: "failure", role: "alert", "aria-label": report }, h("h2", {}, say("The pass ended early")), drawing, text);
}

/**
 * @param {number} n
 * @param {number} depth
 * @param {any} columns
 * @returns {HTMLElement}
 */
function panel(n, depth, columns) {
  const { items, before, after } = itemsShown(n);
  const inside = items.map((item) => {
    if (item.step !== undefined) return isPair() ? pairOfRows(item.step, columns) : row(item.step, columns[0]);
    const inner = /** @type {number} */ (item.section);
    return isOpen(inner) ? panel(inner, depth + 1, columns) : card(inner);
  });
  const head = depth ? panelHead(n) : null;
  const above = before ? more(n, -1, say("{n} parts before", { n: grouped(before) })) : null;
  const below = after ? more(n, 1, say("{n} parts after", { n: grouped(after) })) : null;
  return h("div", { class: `panel${depth ? " box" : ""}`, "data-s": n }, head, above, inside, below);
}

/**
 * The way to what is left out.
 * @param {number} n section
 * @param {number} by
 * @param {string} text
 */
function more(n, by, text) {
  return h("button", { class: "more", "data-more": n, "data-by": by }, text);
}

/** @param {number} n */
function panelHead(n) {
  const ranges = [...new Set(sides().map((side) => onSide(side, () => rangeOf(n))))].filter(Boolean);
  const window = sides().map((side) => book(side).sections[n].window).find(Boolean);
  const differs = difference(`s${n}`);
  return h(
    "h2",
    { class: statusOf(`s${n}`) },
    sign(`s${n}`), h("button", { "data-go": `s${n}` }, titlesOf(`s${n}`), times(n)), window ? h("span", { class: "mute" }, sayNote(window)) : null,
    h("span", { class: "mute mono" }, ranges.join(" → ")), differs ? h("span", { class: "mute" }, differs) : null,
  );
}

/** The path of a section, or of the first and the last of many. @param {number} n */
function rangeOf(n) {
  const section = book().sections[n], members = section.members ?? [];
  const range = members.length ? `${members[0]} … ${members.at(-1)}` : section.spoken ? "" : inLayer(section.path ?? "");
  return range.replace(/[<>]/g, "");
}

/** Of two models, how a part differs. @param {string} key */
function sign(key) {
  return isPair() ? h("span", { class: `sign ${statusOf(key)}`, title: difference(key) }, signOf(key)) : null;
}

/** A section that is closed: its title, and what it costs. @param {number} n */
function card(n) {
  const key = `s${n}`;
  const paths = [...new Set(sides().map((side) => book(side).sections[n]).map(({ spoken, path }) => (spoken ?? path ?? "").replace(/[<>]/g, "")))];
  const told = (/** @type {(side: number) => string} */ of) => [...new Set(sides().map(of))].filter(Boolean).join(" → ");
  const costs = [
    told((side) => (book(side).total(key, "parameters") ? say("{n} parameters", { n: shortCount(book(side).total(key, "parameters")) }) : "")),
    told((side) => (book(side).total(key, "flops") ? flopsText(book(side).total(key, "flops")) : "")),
  ];
  return h(
    "button",
    { class: `card ${statusOf(key)}`, "data-go": key },
    h("b", {}, sign(key), titlesOf(key), times(n)),
    h("span", { class: "mute mono" }, paths.filter(Boolean).join(" → ")),
    h("span", { class: "mute" }, told((side) => (book(side).countSteps(n) ? say("{n} steps", { n: book(side).countSteps(n) }) : ""))),
    h("span", { class: "cost" }, costs.filter(Boolean).join(" · ")),
  );
}

/**
 * A step of two models, with a sign for how it differs.
 * @param {number} n
 * @param {any[]} columns of each side
 */
function pairOfRows(n, columns) {
  const key = `t${n}`, chosen = key === state.place, told = difference(key);
  const halves = sides().map((side) => onSide(side, () => h("div", { class: "half", "data-side": side }, book().has(key) ? [label(n), equationPicture(n, columns[side])] : absent())));
  return h(
    "div",
    { class: `row two ${statusOf(key)}${chosen ? " sel" : ""}`, "data-k": key, role: "group", tabindex: -1, "aria-label": [titlesOf(key), told].filter(Boolean).join(": "), "aria-current": chosen ? "true" : null },
    sign(key),
    halves,
  );
}

/**
 * @param {number} n
 * @param {any} columns
 */
function row(n, columns) {
  const key = `t${n}`, chosen = key === state.place;
  return h(
    "div",
    { class: chosen ? "row sel" : "row", "data-k": key, role: "group", tabindex: -1, "aria-label": titleOf(key), "aria-current": chosen ? "true" : null },
    label(n),
    equationPicture(n, columns),
  );
}

/** @param {number} n */
function label(n) {
  const step = book().steps[n], key = `t${n}`;
  const home = book().sections[book().home[n]].path ?? "";
  const path = step.path && step.path !== home ? inLayer(step.path) : "";
  const notes = (step.notes ?? []).map((note) => h("small", {}, sayNote(note)));
  return h(
    "div",
    { class: "lab" },
    step.kind === "residual" ? "⊕ " : "", titleOf(key), path ? h("small", { class: "mono" }, path) : null, notes,
    step.tied ? h("small", {}, say("tied to {name}", { name: step.tied })) : null,
  );
}
