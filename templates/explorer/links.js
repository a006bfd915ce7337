// The place of a reader as text: module paths of the layer that is shown, and all choices.

import { book } from "./book.js";
import { usualView } from "./map.js";
import { outerAxes, sizeOfAxis, tokenAxis } from "./marking.js";
import { isPair, layerOf, numberOf, onSide, sides, subject, turns } from "./sides.js";
import { BARS, THEMES, VIEWS, state } from "./state.js";

/**
 * A path in the layers that are chosen: `h.0.attn` becomes `h.7.attn`.
 * @param {string} path
 */
export function inLayer(path) {
  for (const section of foldedAround(path)) {
    const members = /** @type {string[]} */ (section.members);
    path = members[layerOf(members)] + path.slice(members[0].length);
  }
  return path;
}

/** Folded sections that a path of the first layers is in, innermost first. @param {string} path */
function foldedAround(path) {
  const found = [];
  for (const section of book().sections) {
    const members = section.members ?? [];
    if (members.length > 1 && isIn(path, members[0])) found.unshift(section);
  }
  return found;
}

/**
 * @param {string} path
 * @param {string} outer
 */
function isIn(path, outer) {
  return path === outer || path.startsWith(`${outer}.`) || path.startsWith(`${outer}/`);
}

/** The text of a place: `h.7.attn/scores`, `embedding`. @param {string} key */
export function placeText(key) {
  const n = Number(key.slice(1));
  if (!book().has(key)) return "";
  if (key[0] === "t") return bare(inLayer(book().steps[n].id));
  const section = book().sections[n], path = section.path ?? "";
  const clash = path && book().stepById.has(path) ? "/" : "";
  return bare(inLayer(path)) + clash;
}

/** @param {string} path */
function bare(path) {
  return path.replace(/[<>]/g, "");
}

/**
 * The key of a place, and the layers that it names; "" if there is none.
 * @param {string} text
 */
export function placeOf(text) {
  const layers = /** @type {Record<string, number>} */ ({});
  for (const { members = [] } of book().sections) {
    const at = members.length > 1 ? members.findIndex((member) => isIn(text, bare(member))) : -1;
    if (at < 0) continue;
    layers[members[0]] = at;
    text = bare(members[0]) + text.slice(bare(members[at]).length);
  }
  const step = book().steps.findIndex((step) => step && bare(step.id) === text);
  const section = book().sections.findIndex(({ path, title }) => title !== undefined && bare(path ?? "") === text.replace(/\/$/, ""));
  const key = step >= 0 ? `t${step}` : section >= 0 ? `s${section}` : "";
  return { key, layers };
}

/** Everything that is chosen, as the part of an address after #. */
export function written() {
  const chosen = /** @type {[string, string][]} */ ([
    ["dims", state.dims === "numbers" ? "" : state.dims],
    ["form", state.form === state.page.form ? "" : state.form],
    ["view", state.view === usualView() ? "" : state.view],
    ["bars", state.bars === "parameters" ? "" : state.bars],
    ["lang", state.lang === state.page.lang ? "" : state.lang],
    ["theme", state.theme === state.page.theme ? "" : state.theme],
    ["axis", state.axis < 0 ? "" : `${state.axis}${state.axisSide ? "@2" : ""}`],
    ["row", state.row < 0 ? "" : String(state.row + 1)],
    ["entry", state.entry ? `${state.entry.map((index) => index + 1).join(",")}${isPair() && state.entrySide ? "@2" : ""}` : ""],
    [turns() ?? "", turns() && state.side !== state.page.side ? String(numberOf(state.side)) : ""],
    ["with", isPair() ? encodeURI(onSide(1, () => placeText(state.place))) : ""],
  ]).filter(([, value]) => value);
  const query = chosen.map(([name, value]) => `${name}=${value}`).join("&");
  return `#${encodeURI(onSide(sides()[0], () => placeText(state.place)))}${query ? `?${query}` : ""}`;
}

/** Choose what an address says; what it does not know is left as it is. @param {string} hash */
export function follow(hash) {
  let text = hash.replace(/^#/, "");
  try {
    text = decodeURIComponent(text);
  } catch {
    // no sound address: taken as it stands
  }
  const [path, query = ""] = text.split("?");
  const asked = new Map(query.split("&").map((part) => /** @type {[string, string]} */ (part.split("=", 2))));
  const name = turns(), turn = state.page.subjects.findIndex((_, side) => String(numberOf(side)) === asked.get(name ?? ""));
  if (name) state.side = turn < 0 ? state.page.side : turn;
  choose("form", asked.get("form") ?? state.page.form, Object.keys(subject().forms));
  choose("dims", asked.get("dims") ?? "numbers", ["numbers", "names"]);
  choose("view", asked.get("view") ?? usualView(), VIEWS);
  choose("bars", asked.get("bars") ?? "parameters", BARS);
  choose("lang", asked.get("lang") ?? state.page.lang, Object.keys(state.page.languages));
  choose("theme", asked.get("theme") ?? state.page.theme, THEMES);
  const [axis, side] = (asked.get("axis") ?? "").split("@");
  state.axisSide = isPair() && side === "2" ? 1 : 0;
  state.axis = axis === "" ? (asked.has("row") ? onSide(state.axisSide, tokenAxis) : -1) : Number.isInteger(Number(axis)) ? Number(axis) : -1;
  const row = Number(asked.get("row") ?? 0);
  state.row = state.axis >= 0 && isOneOf(row, onSide(state.axisSide, () => sizeOfAxis(state.axis))) ? row - 1 : -1;
  const found = [onSide(sides()[0], () => placeOf(path))];
  if (asked.has("with") && isPair()) found.push(onSide(1, () => placeOf(asked.get("with") ?? "")));
  state.place = found.find(({ key }) => key && key !== "s0")?.key ?? "s0";
  const layers = /** @type {Record<string, number>} */ ({});
  for (const [first, at] of found.flatMap((each) => Object.entries(each.layers))) layers[first] = Math.max(at, layers[first] ?? 0);
  Object.assign(state.layers, layers);
  state.entry = entryOf(asked.get("entry") ?? "");
}

/** Row and column of a product, if the place is one and has them. @param {string} text @returns {[number, number] | null} */
function entryOf(text) {
  const [, i, j, side] = /^(\d+),(\d+)(@2)?$/.exec(text) ?? [];
  if (j === undefined || state.place[0] !== "t") return null;
  state.entrySide = isPair() ? Number(Boolean(side)) : state.side;
  const step = book(state.entrySide).steps[Number(state.place.slice(1))], shape = step?.results?.[0]?.shape ?? [];
  return outerAxes(step) && isOneOf(Number(i), shape[0]) && isOneOf(Number(j), shape[1]) ? [Number(i) - 1, Number(j) - 1] : null;
}

/**
 * Whether a number counts one of so many, from 1 on.
 * @param {number} number
 * @param {number} size
 */
export function isOneOf(number, size) {
  return Number.isInteger(number) && number >= 1 && number <= size;
}

/**
 * @param {"form" | "dims" | "view" | "bars" | "lang" | "theme"} name
 * @param {string} value
 * @param {string[]} known
 */
function choose(name, value, known) {
  if (known.includes(value)) state[name] = value;
}
