// The middle: the section that is chosen, one row a step, inner sections in frames. What is much is closed.

import { book } from "./book.js";
import { cellsWidth, columnsFor, equationPicture } from "./cells.js";
import { byId, fill, h } from "./dom.js";
import { inLayer } from "./links.js";
import { hasMap, isOnMap, mapPicture, plate } from "./map.js";
import { drawRails } from "./rails.js";
import { state } from "./state.js";
import { titleOf } from "./tree.js";
import { bytesText, grouped, say, sayNote, short } from "./words.js";

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
  fill(byId("main"), crumbs(n), heading(n), facts(n), failure(n), isOnMap() ? mapPicture() : rows(n));
  const first = byId("main").querySelector(".row.sel") ?? byId("main").querySelector(".row");
  if (first) /** @type {HTMLElement} */ (first).tabIndex = 0;
  drawRails();
}

/** @param {number} n */
function rows(n) {
  return panel(n, 0, columnsFor(stepsShown(n).map((step) => book().steps[step]), cellsWidth()));
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
    h("button", { "data-go": `s${at}` }, titleOf(`s${at}`), book().sections[at].repeat ? ` ×${book().sections[at].repeat}` : ""),
  );
  return h("div", { class: "crumb" }, around.flatMap((button, at) => (at ? [h("span", { "aria-hidden": "true" }, "›"), button] : [button])));
}

/** @param {number} n */
function heading(n) {
  const folded = book().chain(n).map((at) => book().sections[at]).filter((section) => (section.members?.length ?? 0) > 1);
  const title = h("h1", {}, titleOf(`s${n}`), folded.map(layerChooser));
  return n ? title : h("div", { class: "headline" }, title, views());
}

/** The choice between the map and the rows of the whole model. */
function views() {
  if (!hasMap()) return null;
  const choice = (/** @type {string} */ view, /** @type {string} */ word) =>
    h("button", { "data-view": view, "aria-pressed": String(isOnMap() === (view === "map")) }, word);
  return h("span", { class: "seg", role: "group", "aria-label": say("Picture") }, choice("map", say("Map")), choice("rows", say("Rows")));
}

/** @param {Section} section */
function layerChooser(section) {
  const members = /** @type {string[]} */ (section.members), at = state.layers[members[0]] ?? 0;
  const move = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ label) =>
    h("button", { "data-layer": members[0], "data-by": by, "aria-label": label, disabled: !members[at + by] }, sign);
  return h(
    "span",
    { class: "layer" },
    move(-1, "‹", say("Layer before")),
    h("output", {}, h("span", { class: "mono" }, inLayer(members[0]).replace(/[<>]/g, "")), " ", h("span", { class: "mute" }, say("of {n} alike", { n: members.length }))),
    move(1, "›", say("Next layer")),
  );
}

/** @param {number} n */
function facts(n) {
  const key = `s${n}`, times = book().repeats(key);
  const parameters = book().total(key, "parameters") / times, flops = book().total(key, "flops") / times;
  const told = n
    ? [say("{n} parameters", { n: grouped(Math.round(parameters)) }), flops ? `${short(flops)}FLOPs${times > 1 ? ` ${say("per layer")}` : ""}` : ""]
    : [...state.page.facts[state.lang], say("{n} parameters", { n: grouped(state.page.totals.parameters) }), `${short(state.page.totals.flops)}FLOPs`, cache()];
  const inner = book().steps.find(({ inner }) => inner)?.operands?.[0]?.shape?.at(-1) ?? 64;
  return h(
    "div",
    { class: "stat" },
    told.filter(Boolean).map((text) => h("span", {}, text)),
    h(
      "span",
      { class: "legend" },
      h("span", {}, h("i", { class: "sw" }), say("data")),
      h("span", {}, h("i", { class: "sw weight" }), say("weights")),
      h("span", {}, h("b", { class: "match mono" }, inner), say("inner sizes match")),
    ),
  );
}

function cache() {
  const { cache: kept } = state.page;
  return kept ? say("KV cache: {n} per token", { n: bytesText(kept) }) : "";
}

/** Why the pass ended early: above the whole model and where it ended. @param {number} n */
function failure(n) {
  const { failure: told } = state.page;
  if (!told || (n && book().home[book().stepById.get(told.after) ?? -1] !== n)) return null;
  const shown = told.pictures?.[state.lang], report = told.report?.[state.lang] ?? told.reason;
  const drawing = shown && h("div", { class: "equation" }, plate(innerWidth <= 760 ? shown.narrow : shown.wide));
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
    if (item.step !== undefined) return row(item.step, columns);
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
  const section = book().sections[n];
  const times = section.repeat ? ` ×${section.repeat}` : "";
  const range = section.members?.length ? `${section.members[0]} … ${section.members.at(-1)}` : section.spoken ? "" : inLayer(section.path ?? "");
  return h("h2", {}, h("button", { "data-go": `s${n}` }, titleOf(`s${n}`), times), section.window ? h("span", { class: "mute" }, sayNote(section.window)) : null, h("span", { class: "mute mono" }, range.replace(/[<>]/g, "")));
}

/** A section that is closed: its title, and what it costs. @param {number} n */
function card(n) {
  const key = `s${n}`, section = book().sections[n];
  const parameters = book().total(key, "parameters"), flops = book().total(key, "flops");
  return h(
    "button",
    { class: "card", "data-go": key },
    h("b", {}, titleOf(key), section.repeat ? ` ×${section.repeat}` : ""),
    h("span", { class: "mute mono" }, (section.spoken ?? section.path ?? "").replace(/[<>]/g, "")),
    h("span", { class: "mute" }, say("{n} steps", { n: book().countSteps(n) })),
    h("span", { class: "cost" }, parameters ? say("{n} parameters", { n: short(parameters) }) : "", flops ? ` · ${short(flops)}FLOPs` : ""),
  );
}

/**
 * @param {number} n
 * @param {any} columns
 */
function row(n, columns) {
  const step = book().steps[n], key = `t${n}`, chosen = key === state.place;
  const home = book().sections[book().home[n]].path ?? "";
  const path = step.path && step.path !== home ? inLayer(step.path) : "";
  const notes = (step.notes ?? []).map((note) => h("small", {}, sayNote(note)));
  return h(
    "div",
    { class: chosen ? "row sel" : "row", "data-k": key, role: "group", tabindex: -1, "aria-label": titleOf(key), "aria-current": chosen ? "true" : null },
    h(
      "div",
      { class: "lab" },
      step.kind === "residual" ? "⊕ " : "", titleOf(key), path ? h("small", { class: "mono" }, path) : null, notes,
      step.tied ? h("small", {}, say("tied to {name}", { name: step.tied })) : null,
    ),
    equationPicture(step, columns),
  );
}
