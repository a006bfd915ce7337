// A generation: the prefill and the decode steps behind it as tabs, and as a timeline of what each reads of the cache.

import { h } from "./dom.js";
import { subject, turns } from "./sides.js";
import { state } from "./state.js";
import { bytesText, say, short } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/** The tabs and the timeline; nothing for a single pass. @returns {Child} */
export function passesBar() {
  if (turns() !== "pass") return null;
  const last = state.page.subjects.length - 1, isDecode = state.side > 0;
  const tab = (/** @type {number} */ pass, /** @type {string} */ word, /** @type {boolean} */ chosen) =>
    h("button", { role: "tab", "data-pass": pass, "aria-selected": String(chosen), tabindex: chosen ? 0 : -1 }, word);
  const second = isDecode ? state.side : 1, word = state.page.cached ? say("Decode") : titleOfPass(second);
  const tabs = h("div", { class: "seg", role: "tablist", "aria-label": say("Passes") }, tab(0, titleOfPass(0), !isDecode), tab(second, word, isDecode));
  const move = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ label) =>
    h("button", { "data-pass": state.side + by, "aria-label": label, disabled: !state.page.subjects[state.side + by] }, sign);
  return h(
    "div",
    { class: "turns" },
    tabs,
    h("div", { class: "layer" }, move(-1, "‹", say("Pass before")), timeline(), move(1, "›", say("Next pass"))),
    h("output", {}, place(last)),
    h("div", { class: "bill" }, bill()),
    told(),
  );
}

/** What is said of all passes together. @returns {Child} */
function told() {
  const lines = state.page.told[state.lang] ?? [];
  return lines.length ? h("div", { class: "bill told" }, lines.map((line) => h("span", {}, line))) : null;
}

/** Which pass is seen. @param {number} last */
function place(last) {
  if (!state.page.cached) return say("pass {n} of {all}", { n: state.side + 1, all: last + 1 });
  return state.side ? say("decode step {n} of {all}", { n: state.side, all: last }) : say("before {n} decode steps", { n: last });
}

/** One bar a pass, as high as the bytes of the cache after it; without a cache, as its FLOPs. */
function timeline() {
  const { cached } = state.page;
  const high = state.page.subjects.map(({ bill }) => cached ? (bill.cache_read ?? 0) + (bill.cache_written ?? 0) : bill.flops ?? 0), most = Math.max(...high, 1);
  const bars = high.map((n, pass) => {
    const title = `${titleOfPass(pass)}: ${cached ? say("{n} in the cache", { n: bytesText(n) }) : `${short(n)}FLOPs`}`;
    const bar = h("button", { "data-pass": pass, title, "aria-label": title, "aria-pressed": String(pass === state.side), tabindex: -1 }, h("i"));
    /** @type {HTMLElement} */ (bar.firstChild).style.height = `${4 + (22 * n) / most}px`;
    return bar;
  });
  return h("span", { class: "timeline", role: "group", "aria-label": say("Passes") }, bars);
}

/** @param {number} pass */
function titleOfPass(pass) {
  if (!state.page.cached) return say("Pass {n}", { n: pass + 1 });
  return pass ? say("Decode step {n}", { n: pass }) : say("Prefill");
}

/** What the pass moves and computes. */
function bill() {
  const { flops = 0, weights_read: weights = 0, cache_read: read = 0, cache_written: written = 0 } = subject().bill;
  const moved = weights + read + written;
  const told = [
    say("FLOPs in products") + ` ${short(flops)}`,
    `${say("weights read")} ${bytesText(weights)}`,
    ...(state.page.cached ? [`${say("cache read")} ${bytesText(read)}`, `${say("cache written")} ${bytesText(written)}`] : []),
    `${say("FLOPs a byte")} ${moved ? (flops / moved).toFixed(1) : "–"}`,
  ];
  return told.map((text) => h("span", {}, text));
}
