// The model as a tree with bars. Children are made when their section is opened for the first time.

import { book } from "./book.js";
import { difference, signOf, statusOf } from "./changes.js";
import { drawn, fill, h } from "./dom.js";
import { isPair, onSide, sides, subject } from "./sides.js";
import { BARS, opened, state } from "./state.js";
import { quantity, say, short } from "./words.js";

/** @type {Map<string, HTMLElement>} */
const items = new Map();

/** Of many children so many are shown. */
const MOST_CHILDREN = 120;

/** The first child that is shown, of sections that show some of theirs. @type {Map<string, number>} */
const firsts = new Map();

const CAPTIONS = { parameters: "Parameters", flops: "FLOPs", bytes: "Results" };

/** @param {string} what */
export function caption(what) {
  return say(CAPTIONS[/** @type {keyof typeof CAPTIONS} */ (what)]);
}

/** Build the whole side anew: another language, form or quantity. */
export function drawSide() {
  const known = BARS.filter((what) => sides().some((side) => book(side).total("s0", what)));
  const choices = known.map((what) =>
    h("button", { "data-set": `bars=${what}`, "aria-pressed": String(state.bars === what) }, caption(what)),
  );
  items.clear();
  const tree = h("ul", { role: "tree", id: "tree", "aria-label": say("Parts of the model") }, item("s0", 0));
  fill(
    side(),
    h("div", { class: "over" }, h("span", {}, say("Share of")), h("div", { class: "seg", role: "group", "aria-label": say("Share of") }, choices)),
    tree,
  );
  showChoice();
}

function side() {
  return /** @type {HTMLElement} */ (document.getElementById("side"));
}

/**
 * @param {string} key
 * @param {number} depth
 */
function item(key, depth) {
  const isSection = key[0] === "s", n = Number(key.slice(1));
  const isOpen = opened.has(key), title = titlesOf(key);
  const times = isSection ? timesOf(n) : "";
  const number = isPair() ? growth(key) : quantity(book().total(key, state.bars), state.bars);
  const tied = !isSection && book().steps[n]?.tied && state.bars === "parameters" && !isPair() ? say("tied") : "";
  const differs = difference(key);
  const node = h(
    "div",
    { class: "node", title: [title, ...pathsOf(key), differs].filter(Boolean).join(" · ") },
    h("span", { class: "t" }, twist(isSection), isPair() ? sign(key) : null, h("span", { class: "n" }, title), times && h("span", { class: "x" }, times)),
    h("span", { class: "bars" }, sides().map((side) => onSide(side, () => bar(key)))),
    h("i", {}, tied || number),
  );
  node.style.paddingLeft = `${6 + depth * 12}px`;
  const element = h(
    "li",
    {
      role: "treeitem", "data-k": key, "aria-level": depth + 1, tabindex: -1, "aria-selected": "false",
      class: isSection ? "sec" : "", "aria-expanded": isSection ? String(isOpen) : null,
      "aria-label": `${title}${times && ` ${times}`}, ${tied || number || 0} ${caption(state.bars)}${differs && `, ${differs}`}`,
    },
    node,
  );
  items.set(key, element);
  if (isSection && isOpen) element.append(group(n, depth));
  return element;
}

/** `×12`, or `×12 → ×24` of two models. @param {number} n */
function timesOf(n) {
  const found = sides().map((side) => book(side).sections[n].repeat ?? 0);
  const told = [...new Set(found)];
  return told.some(Boolean) ? told.map((times) => `×${times || 1}`).join(" → ") : "";
}

/** @param {string} key @returns {string[]} */
function pathsOf(key) {
  const n = Number(key.slice(1));
  const found = sides().map((side) => {
    const section = book(side).sections[n];
    return key[0] === "s" ? (section.spoken ?? section.path ?? "") : (book(side).steps[n]?.path ?? "");
  });
  return [...new Set(found)];
}

/** What a part costs in the second model: in full if the first has none, else how much more or less. @param {string} key */
function growth(key) {
  const [before, after] = sides().map((side) => book(side).total(key, state.bars));
  if (!before || !after) return before || after ? `${after ? "+" : "−"}${quantity(before || after, state.bars)}` : "";
  if (before === after) return "=";
  if (after >= 1000 * before) return `×${short(after / before)}`;
  if (after >= 10 * before) return `×${(after / before).toFixed(1)}`;
  const percent = (100 * (after - before)) / before;
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(1)} %`;
}

/** How a part of two models differs, as a sign. @param {string} key */
function sign(key) {
  return h("span", { class: `sign ${statusOf(key)}`, "aria-hidden": "true" }, signOf(key));
}

/**
 * @param {number} n
 * @param {number} depth
 */
function group(n, depth) {
  const all = book().children(n), first = Math.max(0, Math.min(firsts.get(`s${n}`) ?? 0, all.length - MOST_CHILDREN));
  const left = all.length - first - MOST_CHILDREN;
  firsts.set(`s${n}`, first);
  return h(
    "ul",
    { role: "group" },
    first ? turner(n, -1, say("{n} parts before", { n: first })) : null,
    all.slice(first, first + MOST_CHILDREN).map((child) => item(child, depth + 1)),
    left > 0 ? turner(n, 1, say("{n} parts after", { n: left })) : null,
  );
}

/**
 * The way to children that are not shown.
 * @param {number} n
 * @param {number} by
 * @param {string} text
 */
function turner(n, by, text) {
  return h("li", { role: "none", class: "turn" }, h("button", { "data-turn": `s${n}`, "data-by": by, tabindex: -1 }, text));
}

/**
 * Show the children before or after.
 * @param {string} key
 * @param {number} by
 */
export function turnTree(key, by) {
  showFrom(key, (firsts.get(key) ?? 0) + by * MOST_CHILDREN);
}

/**
 * @param {string} key
 * @param {number} first
 */
function showFrom(key, first) {
  const element = items.get(key), old = element?.querySelector(":scope > ul");
  if (!element || !old) return;
  for (const gone of old.querySelectorAll("[data-k]")) items.delete(gone.getAttribute("data-k") ?? "");
  firsts.set(key, first);
  old.replaceWith(group(Number(key.slice(1)), Number(element.getAttribute("aria-level")) - 1));
}

/** Turn to a child that is not shown. @param {string} key */
function turnTo(key) {
  const around = book().above(key);
  if (around && !items.has(key)) showFrom(around, book().children(Number(around.slice(1))).indexOf(key) - MOST_CHILDREN / 2);
}

/**
 * The key beside an item where the children that are shown end; "" where they do not.
 * @param {HTMLElement} item
 * @param {number} by -1 for the one before
 */
export function beyond(item, by) {
  for (let at = /** @type {HTMLElement | null | undefined} */ (item); at; at = at.parentElement?.closest('[role="treeitem"]')) {
    const beside = by < 0 ? at.previousElementSibling : at.nextElementSibling;
    if (beside?.matches(".turn")) {
      const key = at.dataset.k ?? "", all = book().children(Number(book().above(key).slice(1)));
      return all[all.indexOf(key) + by];
    }
    if (beside || by < 0) return "";
  }
  return "";
}

/** @param {boolean} isSection */
function twist(isSection) {
  const holder = h("span", { class: "tw" });
  if (isSection) {
    const svg = drawn("svg", { width: 8, height: 8, viewBox: "0 0 8 8", class: "line" });
    svg.append(drawn("path", { d: "m2.5 1 3 3-3 3" }));
    holder.append(svg);
  }
  return holder;
}

/** @param {string} key */
function bar(key) {
  const part = book().total(key, state.bars), all = Math.max(...sides().map((side) => book(side).total("s0", state.bars)));
  const element = h("b");
  element.style.width = part && all ? `${Math.max(1.5, (30 * part) / all)}px` : "0";
  return element;
}

/** The title of a section or step, translated; the model's own is its name; of two models, where one lacks it the other's. @param {string} key */
export function titleOf(key) {
  const n = Number(key.slice(1)), there = isPair() && !book().has(key) ? book(1 - state.side) : book();
  if (key === "s0") return isPair() ? subject().name : say(state.page.title);
  const thing = key[0] === "s" ? there.sections[n] : there.steps[n];
  return say(thing.title) || ("operator" in thing && thing.operator) || thing.kind;
}

/** The titles in both models, if they differ: `Expand → Up`. @param {string} key */
export function titlesOf(key) {
  if (!isPair()) return titleOf(key);
  if (key === "s0") return say(state.page.title);
  return [...new Set(sides().map((side) => onSide(side, () => titleOf(key))))].join(" → ");
}

/**
 * Open or close a section.
 * @param {string} key
 * @param {boolean} open
 */
export function unfold(key, open) {
  if (open) opened.add(key);
  else opened.delete(key);
  const element = items.get(key);
  if (!element || !element.hasAttribute("aria-expanded")) return;
  element.setAttribute("aria-expanded", String(open));
  const depth = Number(element.getAttribute("aria-level")) - 1;
  if (open && !element.querySelector(":scope > ul")) element.append(group(Number(key.slice(1)), depth));
}

/** Mark the place that is chosen, and open what is around it. */
export function showChoice() {
  const around = [];
  for (let key = book().above(state.place); key; key = book().above(key)) around.unshift(key);
  for (const key of around) {
    turnTo(key);
    unfold(key, true);
  }
  turnTo(state.place);
  for (const element of side().querySelectorAll('[aria-selected="true"]')) {
    element.setAttribute("aria-selected", "false");
    /** @type {HTMLElement} */ (element).tabIndex = -1;
  }
  const chosen = items.get(state.place) ?? items.get("s0");
  for (const element of side().querySelectorAll('[role="treeitem"][tabindex="0"]')) /** @type {HTMLElement} */ (element).tabIndex = -1;
  chosen?.setAttribute("aria-selected", "true");
  if (chosen) chosen.tabIndex = 0;
  /** @type {HTMLElement | undefined} */ (chosen?.firstElementChild)?.scrollIntoView({ block: "nearest" });
}

/** @param {string} key */
export function treeItem(key) {
  return items.get(key);
}

/** Items that can be seen, from top to bottom. */
export function visibleItems() {
  const all = /** @type {HTMLElement[]} */ ([...side().querySelectorAll('[role="treeitem"]')]);
  return all.filter((element) => !element.parentElement?.closest('[aria-expanded="false"]'));
}

/**
 * Put dots beside steps where a value occurs; none for an empty list.
 * @param {string[]} keys
 */
export function dot(keys) {
  for (const element of side().querySelectorAll(".lit")) element.classList.remove("lit");
  for (let key of keys) {
    while (key && !isShown(key)) key = book().above(key);
    items.get(key)?.firstElementChild?.classList.add("lit");
  }
}

/** Whether all sections around it are open. @param {string} key */
function isShown(key) {
  for (let around = book().above(key); around; around = book().above(around)) if (!opened.has(around)) return false;
  return items.has(key);
}
