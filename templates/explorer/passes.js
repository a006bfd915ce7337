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
  const tabs = h("div", { class: "seg", role: "tablist", "aria-label": say("Passes") }, tab(0, say("Prefill"), !isDecode), tab(isDecode ? state.side : 1, say("Decode"), isDecode));
  const move = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ label) =>
    h("button", { "data-pass": state.side + by, "aria-label": label, disabled: !state.page.subjects[state.side + by] }, sign);
  const told = isDecode ? say("decode step {n} of {all}", { n: state.side, all: last }) : say("before {n} decode steps", { n: last });
  return h(
    "div",
    { class: "turns" },
    tabs,
    h("div", { class: "layer" }, move(-1, "‹", say("Pass before")), timeline(), move(1, "›", say("Next pass"))),
    h("output", {}, told),
    h("div", { class: "bill" }, bill()),
  );
}

/** One bar a pass, as high as the bytes of the cache after it. */
function timeline() {
  const kept = state.page.subjects.map(({ bill }) => (bill.cache_read ?? 0) + (bill.cache_written ?? 0)), most = Math.max(...kept, 1);
  const bars = kept.map((bytes, pass) => {
    const title = `${titleOfPass(pass)}: ${say("{n} in the cache", { n: bytesText(bytes) })}`;
    const bar = h("button", { "data-pass": pass, title, "aria-label": title, "aria-pressed": String(pass === state.side), tabindex: -1 }, h("i"));
    /** @type {HTMLElement} */ (bar.firstChild).style.height = `${4 + (22 * bytes) / most}px`;
    return bar;
  });
  return h("span", { class: "timeline", role: "group", "aria-label": say("Passes") }, bars);
}

/** @param {number} pass */
function titleOfPass(pass) {
  return pass ? say("Decode step {n}", { n: pass }) : say("Prefill");
}

/** What the pass moves and computes. */
function bill() {
  const { flops = 0, weights_read: weights = 0, cache_read: read = 0, cache_written: written = 0 } = subject().bill;
  const moved = weights + read + written;
  const told = [
    say("FLOPs in products") + ` ${short(flops)}`,
    `${say("weights read")} ${bytesText(weights)}`,
    `${say("cache read")} ${bytesText(read)}`,
    `${say("cache written")} ${bytesText(written)}`,
    `${say("FLOPs a byte")} ${moved ? (flops / moved).toFixed(1) : "–"}`,
  ];
  return told.map((text) => h("span", {}, text));
}
