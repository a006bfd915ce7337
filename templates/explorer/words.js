// Words in the reader's language, and numbers as people write them.

import { state } from "./state.js";

/** @typedef {import("./types.js").Phrase} Phrase */

/**
 * A phrase in the language of the page; what has no translation stays English.
 * @param {string} phrase
 * @param {Record<string, string | number>} [values] what goes into its {fields}
 */
export function say(phrase, values = {}) {
  const said = state.page.languages[state.lang]?.phrases[phrase] ?? phrase;
  return said.replace(/\{(\w+)\}/g, (field, name) => String(values[name] ?? field));
}

/**
 * A note of a step; its values are translated where they are phrases themselves.
 * @param {Phrase} note
 */
export function sayNote([phrase, values = {}]) {
  const told = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, say(value)]));
  return say(phrase, told);
}

/** 124,439,808
 * @param {number} n
 */
export function grouped(n) {
  return n.toLocaleString("en-US");
}

const UNITS = [["E", 1e18], ["P", 1e15], ["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]];

/**
 * With three digits and a unit: 79.0 G; small counts as they are.
 * @param {number} n
 */
export function short(n) {
  for (const [unit, size] of /** @type {[string, number][]} */ (UNITS)) {
    if (n >= size * 0.9995) return `${(n / size).toPrecision(3)} ${unit}`;
  }
  return String(n);
}

/** 671 B: a count of parameters, whose thousand millions people write so
 * @param {number} n
 */
export function shortCount(n) {
  return short(n).replace(" G", " B");
}

/** 8.05 GFLOPs, 576 FLOPs
 * @param {number} n
 */
export function flopsText(n) {
  const told = short(n);
  return told.includes(" ") ? `${told}FLOPs` : `${told} FLOPs`;
}

/** 48.0 MiB
 * @param {number} n
 */
export function bytesText(n) {
  for (const [unit, power] of /** @type {[string, number][]} */ ([["TiB", 40], ["GiB", 30], ["MiB", 20], ["KiB", 10]])) {
    if (n >= 2 ** power) return `${(n / 2 ** power).toPrecision(3)} ${unit}`;
  }
  return `${n} B`;
}

/**
 * @param {number} n
 * @param {number} all
 */
export function percent(n, all) {
  if (!all) return "–";
  const share = (100 * n) / all;
  return `${share.toFixed(share && share < 0.1 ? 2 : 1)} %`;
}

/**
 * A quantity as the tree writes it.
 * @param {number} n
 * @param {string} what "parameters", "flops" or "bytes"
 */
export function quantity(n, what) {
  const text = what === "bytes" ? bytesText : what === "parameters" ? shortCount : short;
  return n ? text(n) : "";
}
