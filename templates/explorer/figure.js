// The middle: the section that is chosen, one row a step, inner sections in frames. What is much is closed.

import { book } from "./book.js";
import { cellsWidth, columnsFor, equationPicture } from "./cells.js";
import { byId, fill, h } from "./dom.js";
import { inLayer } from "./links.js";
import { hasMap, isOnMap, mapPicture } from "./map.js";
import { drawRails } from "./rails.js";
import { state } from "./state.js";
import { titleOf } from "./tree.js";
import { bytesText, grouped, say, sayNote, short } from "./words.js";

/** @typedef {import("./types.js").Section} Section */

const MOST_ROWS = 60;
const MOST_CARDS = 60;

/** Sections that were opened in the figure besides, by key. @type {Set<string>} */
export const shownToo = new Set();

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

/** @param {number} n @returns {number[]} */
function stepsShown(n) {
  return (book().sections[n].items ?? []).flatMap(({ step, section }) =>
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

/** Why the pass ended early, above the model. @param {number} n */
function failure(n) {
  const { failure: told } = state.page;
  if (!told || n) return null;
  return h("section", { class: "failure", role: "alert" }, h("h2", {}, say("The pass ended early")), h("pre", {}, told.report[state.lang] ?? told.reason));
}

/**
 * @param {number} n
 * @param {number} depth
 * @param {any} columns
 * @returns {HTMLElement}
 */
function panel(n, depth, columns) {
  const section = book().sections[n], items = section.items ?? [];
  const closed = items.filter((item) => item.section !== undefined && !isOpen(item.section)).length;
  let cards = 0;
  const inside = items.map((item) => {
    if (item.step !== undefined) return row(item.step, columns);
    const inner = /** @type {number} */ (item.section);
    if (isOpen(inner)) return panel(inner, depth + 1, columns);
    cards += 1;
    return cards <= MOST_CARDS || closed <= MOST_CARDS ? card(inner) : null;
  });
  const left = closed - MOST_CARDS;
  const more = left > 0 ? h("p", { class: "more" }, say("{n} more parts: open them in the tree, or search.", { n: grouped(left) })) : null;
  const head = depth ? panelHead(n) : null;
  return h("div", { class: `panel${depth ? " box" : ""}`, "data-s": n }, head, inside, more);
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
