// The right: all that is known of the step or section that is chosen, in the order of a reader's questions.

import { number } from "./bar.js";
import { book, shownBy } from "./book.js";
import { difference } from "./changes.js";
import { byId, fill, h } from "./dom.js";
import { formula, named, nameOf, shapeOf, shaped } from "./equations.js";
import { inLayer } from "./links.js";
import { outerAxes } from "./marking.js";
import { isPair, layerOf, onSide, sides, subject } from "./sides.js";
import { state } from "./state.js";
import { titleOf } from "./tree.js";
import { bytesText, grouped, percent, say, sayNote, short, shortCount } from "./words.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Operand} Operand */
/** @typedef {import("./types.js").Operation} Operation */
/** @typedef {import("./dom.js").Child} Child */

const choice = { raw: false };

/** Show what is chosen. */
export function drawDetails() {
  const aside = byId("details"), isStep = state.place[0] === "t";
  fill(aside, h("button", { class: "grab", "aria-label": say("Details") }), isPair() ? bothDetails() : isStep ? stepDetails() : sectionDetails());
  aside.setAttribute("aria-label", say("Details"));
  aside.scrollTop = 0;
  for (const raw of aside.querySelectorAll("details")) {
    raw.addEventListener("toggle", () => {
      choice.raw = raw.open;
    });
  }
}

/** What is known of it in two models, and how it differs. */
function bothDetails() {
  const told = difference(state.place), isStep = state.place[0] === "t";
  const halves = sides().map((side) =>
    onSide(side, () => {
      const name = h("div", { class: "whose" }, subject().name);
      const inside = !book().has(state.place) ? h("p", { class: "mute" }, say("Nothing like it in this model.")) : isStep ? stepDetails() : sectionDetails();
      return h("div", { class: "half", "data-side": side }, name, inside);
    }),
  );
  return h("div", {}, told ? h("p", { class: "differs" }, told) : null, h("div", { class: "halves" }, halves));
}

function stepDetails() {
  const n = Number(state.place.slice(1)), step = book().steps[n];
  const notes = (step.notes ?? []).map(sayNote);
  return h(
    "div",
    { class: "stepd" },
    head(titleOf(state.place), n ? `t${n - 1}` : "", n + 1 < book().steps.length ? `t${n + 1}` : ""),
    h("div", { class: "path mono" }, inLayer(step.path ?? "")),
    h("p", { class: "lead" }, sayNote(step.says)),
    h("div", { class: "eq" }, h("div", {}, spaced(named(step))), h("div", { class: "shapes" }, shaped(step)), notes.length ? h("small", {}, notes.join(" · ")) : null),
    oneEntry(step),
    h("h3", {}, say("Operands")),
    h("ul", { class: "ops" }, (step.operands ?? []).map((operand) => entry(operand, origin(operand, n)))),
    h("h3", {}, say("Result")),
    h("ul", { class: "ops" }, (step.results ?? []).map((result) => entry(result, readers(result)))),
    stepCosts(step),
    rawOperations(step),
  );
}

/** Of a product, fields for the entry that is looked at. @param {Step} step */
function oneEntry(step) {
  if (!outerAxes(step)) return null;
  const [rows, columns] = step.results?.[0]?.shape ?? [1, 1], [i, j] = (state.entrySide === state.side && state.entry) || [];
  return h("p", { class: "one" }, say("One entry: row"), " ", number("i", i, rows), " ", say("column"), " ", number("j", j, columns));
}

/** @param {Child[]} pieces */
function spaced(pieces) {
  return pieces.flatMap((piece) => [piece, " "]);
}

/**
 * @param {string} title
 * @param {string} before
 * @param {string} after
 */
function head(title, before, after) {
  const move = (/** @type {string} */ key, /** @type {string} */ sign, /** @type {string} */ label) =>
    h("button", { "data-go": key, disabled: !key, "aria-label": label }, sign);
  const moves = h("span", { class: "step-nav" }, move(before, "‹", say("Step before")), move(after, "›", say("Next step")));
  return h("div", { class: "top" }, h("h2", {}, title), moves);
}

/**
 * @param {Operand} operand
 * @param {Child[]} told
 */
function entry(operand, told) {
  const role = operand.role ? say(operand.role === "weight" ? "weights" : "constant") : say("data");
  return h(
    "li",
    { "data-v": operand.value },
    h("i", { class: `sw ${operand.role ?? ""}` }),
    nameOf(operand),
    h("span", { class: "mono" }, shapeOf(operand)),
    h("small", {}, role, operand.turned ? `, ${say("transposed")}` : "", told.length ? " · " : "", told),
  );
}

/**
 * Where an operand comes from.
 * @param {Operand} operand
 * @param {number} step
 * @returns {Child[]}
 */
function origin(operand, step) {
  const value = book().values.get(operand.value);
  if (value && value.made >= 0) return [say("from"), " ", go(`t${value.made}`)];
  const source = operand.source ? h("span", { class: "mono" }, inLayer(operand.source)) : "";
  if (!operand.role) return [say("input of the model"), source ? " " : "", source];
  const others = [...new Set(value?.read ?? [])].filter((other) => other !== step);
  return [source, others.length ? ` · ${say("also in")} ` : "", ...listed(others)];
}

/** Who reads a result. @param {Operand} result @returns {Child[]} */
function readers(result) {
  const read = [...new Set(book().values.get(result.value)?.read ?? [])];
  const out = result.leaves ? [say("output of the model")] : [];
  if (!read.length) return out.length ? out : [say("not read again")];
  return [say("read by"), " ", ...listed(read), out.length ? ` · ${out[0]}` : ""];
}

/** @param {number[]} steps @returns {Child[]} */
function listed(steps) {
  const links = steps.slice(0, 12).flatMap((step, n) => /** @type {Child[]} */ (n ? [", ", go(`t${step}`)] : [go(`t${step}`)]));
  return steps.length > 12 ? [...links, " …"] : links;
}

/** @param {string} key */
function go(key) {
  return h("button", { class: "go", "data-go": key }, titleOf(key));
}

/** @param {Step} step */
function stepCosts(step) {
  const times = step.repeat ?? 1, totals = subject().totals;
  const all = (/** @type {string} */ what) => book().total(state.place, what);
  const how = formula(step), uncounted = step.flops === undefined;
  const parameters = step.tied ? say("tied to {name}", { name: step.tied }) : step.parameters ? grouped(step.parameters) : "–";
  return costs(times, [
    [say("Parameters"), parameters, step.parameters ? grouped(all("parameters")) : "–"],
    ["FLOPs", uncounted ? say("not counted") : short(step.flops ?? 0), uncounted ? "–" : short(all("flops"))],
    how.length ? [how] : null,
    step.flops ? [say("Of all FLOPs"), "", percent(all("flops"), totals.flops)] : null,
    step.bytes ? [say("Result"), bytesText(step.bytes), bytesText(all("bytes"))] : null,
  ]);
}

/**
 * A table of costs; a row of one cell goes over all columns.
 * @param {number} times
 * @param {((Child | Child[])[] | null)[]} rows
 */
function costs(times, rows) {
  const isFolded = times > 1;
  const titles = isFolded ? [say("Cost"), say("one layer"), say("all {n}", { n: times })] : [say("Cost")];
  const body = rows.filter((row) => row !== null).map((row) => {
    if (row.length === 1) return h("tr", {}, h("td", { class: "how", colspan: isFolded ? 3 : 2 }, row.flat()));
    const [name, one, all] = row;
    return h("tr", {}, h("td", {}, name), isFolded ? [h("td", {}, one), h("td", {}, all)] : h("td", {}, one || all));
  });
  return h("table", {}, h("thead", {}, h("tr", {}, titles.map((title) => h("th", { colspan: isFolded ? 1 : 2 }, title)))), h("tbody", {}, body));
}

/** @param {Step} step */
function rawOperations(step) {
  const ops = step.ops ?? [];
  if (!ops.length) return null;
  const offset = operationOffset();
  return h("details", { open: choice.raw }, h("summary", {}, say(ops.length > 1 ? "{n} recorded operations" : "{n} recorded operation", { n: ops.length })), h("ol", { class: "raw" }, ops.map((op) => rawOperation(op, offset))));
}

/** How much further the operations of the layer shown are than those of the first; null if that is not known. */
function operationOffset() {
  let offset = 0;
  for (const at of book().chain(book().sectionOf(state.place))) {
    const { members = [], starts = [] } = book().sections[at];
    const layer = layerOf(members);
    if (layer && !starts.length) return null;
    offset += layer ? starts[layer] - starts[0] : 0;
  }
  return offset;
}

/**
 * @param {Operation} op
 * @param {number | null} offset
 */
function rawOperation(op, offset) {
  const shapes = (/** @type {number[][]} */ list) => list.map((shape) => `[${shape.join(",")}]`).join(" ");
  const lines = [(op.kernels ?? []).join(" · "), op.path ? inLayer(op.path) : "", op.line ?? ""].filter(Boolean);
  return h(
    "li",
    {},
    h("span", {}, offset === null ? "" : String(op.id + offset)),
    h("span", {}, op.name, " ", h("span", { class: "mute" }, `${shapes(op.inputs ?? [])} → ${shapes(op.outputs ?? [])}`), lines.map((line) => h("small", {}, line))),
  );
}

function sectionDetails() {
  const n = Number(state.place.slice(1)), section = book().sections[n], times = book().repeats(state.place);
  const all = (/** @type {string} */ what) => book().total(state.place, what);
  const totals = subject().totals, unused = n ? 0 : totals.unused_parameters;
  const path = inLayer(section.spoken ? "" : (section.path ?? ""));
  const table = costs(times, [
    [say("Parameters"), count(Math.round(all("parameters") / times)), count(n ? all("parameters") : totals.parameters)],
    unused ? [say("Not read in this pass"), "", grouped(unused)] : null,
    !n && totals.active_parameters !== totals.parameters ? [say("Active for one token"), "", grouped(totals.active_parameters)] : null,
    ["FLOPs", all("flops") ? short(all("flops") / times) : "–", all("flops") ? short(all("flops")) : "–"],
    n ? [say("Of all parameters"), "", percent(all("parameters"), totals.parameters)] : [say("Weights"), "", bytesText(totals.parameter_bytes)],
    n ? [say("Of all FLOPs"), "", percent(all("flops"), totals.flops)] : [say("Activations"), "", bytesText(totals.activation_bytes)],
  ]);
  return h(
    "div",
    {},
    head(titleOf(state.place), "", firstStep(n)),
    h("div", { class: "path mono" }, [path, section.type].filter(Boolean).join(" · ")),
    h("p", {}, say(section.says)),
    table,
    howToRead(),
    n ? null : proof(),
  );
}

/** @param {number} n */
function firstStep(n) {
  let at = n;
  for (;;) {
    const first = book().sections[at].items?.[0];
    if (!first) return "";
    if (first.step !== undefined) return `t${first.step}`;
    at = /** @type {number} */ (first.section);
  }
}

/** A count in full; one of eleven digits with a unit, and in full as its title: two side by side have to fit. @param {number} n */
function count(n) {
  return n < 1e10 ? grouped(n) : h("span", { title: grouped(n) }, shortCount(n));
}

function howToRead() {
  const line = (/** @type {Child} */ sign, /** @type {string} */ text) => [h("dt", {}, sign), h("dd", {}, say(text))];
  const stacked = book().steps.flatMap(shownBy).find((operand) => operand.stack?.length)?.stack?.join("×");
  const isMasked = book().steps.flatMap(shownBy).some((operand) => operand.sees);
  const signs = [
    line(h("i", { class: "sw" }), "Blue is data: it changes with the input."),
    line(h("i", { class: "sw weight" }), "Grey is weights: learned, the same for all inputs."),
    line(h("b", { class: "match mono" }, "n"), "Two orange sizes have to match; the product removes them."),
    ...(stacked ? [line(h("span", { class: "mute mono" }, `×${stacked}`), "A stack of equal matrices, such as heads.")] : []),
    ...(isMasked ? [line(h("span", { class: "mute" }, "◺"), "A triangle or a band: a mask hides the rest.")] : []),
    line(h("span", { class: "mute mono" }, "[n]"), "Click a size: all axes light up that are the same by proof, not those that happen to be equal."),
  ];
  return [h("h3", {}, say("How to read it")), h("dl", {}, signs.flat())];
}

/** Where every operation went, and what ran. */
function proof() {
  const { operations, drawn, folded, elided, reasons } = subject().coverage;
  const told = Object.entries(reasons).map(([reason, n]) => `${n} ${say(reason)}`).join(", ");
  const ran = [subject().device, ...Object.entries(subject().versions).map(([name, version]) => `${name} ${version}`)].filter(Boolean);
  const counts = say("{n} operations: {drawn} drawn, {folded} in folded layers, {elided} left out", { n: operations, drawn, folded, elided });
  return [h("p", { class: "fine" }, counts, told ? ` (${told})` : ""), h("p", { class: "fine" }, say("Every shape was recorded from a real forward pass."), ` ${ran.join(" · ")}`)];
}
