// Search by path, role, operation, shape, size, parameter or regular expression. The index is built when there is nothing else to do.

import { book, shownBy } from "./book.js";
import { byId, fill, h } from "./dom.js";
import { inLayer, placeOf } from "./links.js";
import { go } from "./moving.js";
import { isPair, onSide, sides, subject } from "./sides.js";
import { state } from "./state.js";
import { titleOf } from "./tree.js";
import { say } from "./words.js";

/** @typedef {{title: string, told: string, sort: string, key: string, texts: string[], sizes: Set<number>, side: number}} Entry */

const MOST_HITS = 60;

/** @type {{of: string, entries: Entry[]}} */
const index = { of: "", entries: [] };
/** @type {{hits: Entry[], at: number, layers: Record<string, number>}} */
const found = { hits: [], at: 0, layers: {} };

/** @returns {Entry[]} */
function entries() {
  const of = `${state.form} ${state.lang} ${state.side}`;
  if (index.of !== of) {
    index.of = of;
    index.entries = sides().flatMap((side) => onSide(side, sideEntries));
  }
  return index.entries;
}

/** All that one model has. */
function sideEntries() {
  return [sectionEntries(), stepEntries(), weightEntries(), operationEntries()].flat();
}

/** Build the index before it is asked for. */
export function prepareSearch() {
  const later = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ act) => setTimeout(act, 500));
  later(() => void entries());
}

function sectionEntries() {
  return book().sections.slice(1).flatMap((section, n) => {
    const path = section.spoken ?? section.path ?? "";
    if (!book().has(`s${n + 1}`)) return [];
    return made(`s${n + 1}`, titleOf(`s${n + 1}`), path, "section", [section.title, path, section.kind, section.type ?? ""], []);
  });
}

function stepEntries() {
  return book().steps.flatMap((step, n) => {
    if (!step) return [];
    const shapes = shownBy(step).map((operand) => operand.shape ?? []);
    const names = shownBy(step).flatMap((operand) => [operand.name ?? "", (operand.dims ?? []).join("x")]);
    const told = `${step.path ?? ""} ${shapes.map((shape) => `[${shape.join(",")}]`).join(" ")}`;
    return made(`t${n}`, titleOf(`t${n}`), told, "step", [step.title, step.id, step.path ?? "", step.role.replaceAll("_", " "), step.kind, step.function ?? "", ...names], shapes);
  });
}

function weightEntries() {
  const seen = /** @type {Set<string>} */ (new Set());
  return book().steps.flatMap((step, n) =>
    (step?.operands ?? []).flatMap((operand) => {
      if (!operand.source || seen.has(`${operand.source} ${operand.name}`)) return [];
      seen.add(`${operand.source} ${operand.name}`);
      return [made(`t${n}`, operand.source, `[${(operand.shape ?? []).join(",")}] · ${titleOf(`t${n}`)}`, operand.role ? "parameter" : "input", [operand.source], [operand.shape ?? []])];
    }),
  );
}

function operationEntries() {
  return book().steps.flatMap((step, n) =>
    (step?.ops ?? []).map((op) => made(`t${n}`, op.name, `${titleOf(`t${n}`)} · ${op.line ?? ""}`, "operation", [op.name, ...(op.kernels ?? []), op.line ?? ""], [...(op.inputs ?? []), ...(op.outputs ?? [])])),
  );
}

/**
 * @param {string} key
 * @param {string} title
 * @param {string} told
 * @param {string} sort
 * @param {string[]} texts
 * @param {number[][]} shapes
 * @returns {Entry}
 */
function made(key, title, told, sort, texts, shapes) {
  const all = [title, ...texts, ...shapes.map((shape) => shape.join("x"))].filter(Boolean).map((text) => text.toLowerCase());
  return { key, title, told, sort, side: state.side, texts: all, sizes: new Set(shapes.flat()) };
}

/** How a query is met: a regular expression, a size alone, or text in which a shape may be. @param {string} query */
function test(query) {
  const regex = /^\/(.+?)\/?$/.exec(query);
  if (regex) {
    try {
      const sound = new RegExp(regex[1], "i");
      return (/** @type {Entry} */ entry) => entry.texts.some((text) => sound.test(text));
    } catch {
      return () => false;
    }
  }
  if (/^\d+$/.test(query)) return (/** @type {Entry} */ entry) => entry.sizes.has(Number(query)) || entry.texts[0].includes(query);
  const plain = query.toLowerCase().replace(/[[\]\s]*(\d+)\s*[x×,*]\s*(?=\d)/g, "$1x").replace(/[[\]]/g, "");
  return (/** @type {Entry} */ entry) => entry.texts.some((text) => text.includes(plain));
}

/** Show what a query finds. @param {string} typed */
export function search(typed) {
  const box = byId("hits"), query = typed.trim();
  const places = query ? sides().map((side) => onSide(side, () => placeOf(query))) : [];
  const { key, layers } = places.find((place) => place.key) ?? places.find((place) => Object.keys(place.layers).length) ?? { key: "", layers: {} };
  found.layers = layers;
  found.at = 0;
  found.hits = [];
  if (query) {
    const meets = test(Object.keys(layers).length && !key ? firstLayer(query, layers) : query), start = query.toLowerCase();
    const rank = (/** @type {Entry} */ entry) => (entry.key === key ? 0 : entry.texts[0].startsWith(start) ? 1 : 2);
    const all = entries().filter((entry) => entry.key === key || meets(entry));
    found.hits = once(all.sort((a, b) => rank(a) - rank(b))).slice(0, MOST_HITS);
  }
  box.hidden = !query;
  byId("q").setAttribute("aria-expanded", String(Boolean(query)));
  fill(box, found.hits.length ? found.hits.map((entry, n) => hit(entry, n, query)) : h("div", { class: "none" }, say("Nothing found")));
}

/** What two models both have is found once. @param {Entry[]} all */
function once(all) {
  if (!isPair()) return all;
  const seen = /** @type {Set<string>} */ (new Set());
  return all.filter(({ key, sort, title }) => {
    const same = `${key} ${sort} ${title}`;
    return !seen.has(same) && seen.add(same);
  });
}

/**
 * A query that names another layer, as the first one: only that is indexed.
 * @param {string} query
 * @param {Record<string, number>} layers
 */
function firstLayer(query, layers) {
  for (const [first, at] of Object.entries(layers)) {
    const all = sides().flatMap((side) => book(side).sections);
    const section = all.find(({ members }) => members?.[0] === first && query.includes(members[at] ?? first));
    query = query.replace(section?.members?.[at] ?? "", first);
  }
  return query;
}

/**
 * @param {Entry} entry
 * @param {number} n
 * @param {string} query
 */
function hit(entry, n, query) {
  return h(
    "div",
    { role: "option", id: `hit-${n}`, "data-hit": n, "aria-selected": String(n === 0) },
    h("span", {}, marked(entry.title, query)),
    h("small", { class: "mono" }, marked(Object.keys(found.layers).length ? onSide(entry.side, () => laid(entry.told)) : entry.told, query)),
    h("small", {}, say(entry.sort), isPair() && !book(1 - entry.side).has(entry.key) ? ` · ${subject(entry.side).name}` : ""),
  );
}

/** Paths in the layers that the query names. @param {string} told */
function laid(told) {
  const before = { ...state.layers };
  Object.assign(state.layers, found.layers);
  const [path, ...rest] = told.split(" ");
  const text = [inLayer(path), ...rest].join(" ");
  state.layers = before;
  return text;
}

/**
 * @param {string} text
 * @param {string} query
 */
function marked(text, query) {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  return at < 0 ? text : [text.slice(0, at), h("mark", {}, text.slice(at, at + query.length)), text.slice(at + query.length)];
}

/** @param {number} by */
export function moveHit(by) {
  if (!found.hits.length) return;
  found.at = (found.at + by + found.hits.length) % found.hits.length;
  byId("hits").querySelectorAll("[role=option]").forEach((element, n) => {
    element.setAttribute("aria-selected", String(n === found.at));
    if (n === found.at) element.scrollIntoView({ block: "nearest" });
  });
  byId("q").setAttribute("aria-activedescendant", `hit-${found.at}`);
}

/** Go to what was found. @param {number} [n] */
export function takeHit(n = found.at) {
  const entry = found.hits[n];
  if (!entry) return;
  const isOther = Object.keys(found.layers).length > 0;
  Object.assign(state.layers, found.layers);
  closeSearch();
  go(entry.key, { focus: "tree", anew: isOther });
}

export function closeSearch() {
  const input = /** @type {HTMLInputElement} */ (byId("q"));
  input.value = "";
  search("");
  input.blur();
  document.body.classList.remove("finding");
}
