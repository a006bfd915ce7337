// A step's equation as text: with names, with shapes, and the formula of its FLOPs.

import { shownBy } from "./book.js";
import { h } from "./dom.js";
import { state } from "./state.js";
import { say } from "./words.js";

/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Operand} Operand */

const INFIX = new Set(["×", "+", "−", "⊙", "∗", "/", "⊕"]);

/** A name with its subscript and transpose. @param {Operand} operand */
export function nameOf(operand) {
  const [, base, sub] = /^(.{1,3}?)_(\w[\w,]{0,7})$/u.exec(operand.name ?? "") ?? [];
  const name = base ? [base, h("sub", {}, sub)] : [operand.name || "·"];
  return h("b", { class: operand.role ? "w" : "d" }, name, operand.turned && h("sup", {}, "T"));
}

/** Names where they are chosen and known, else numbers. @param {Operand} operand */
export function dimsOf(operand) {
  return (operand.shape ?? []).map((size, axis) => (state.dims === "names" && operand.dims?.[axis]) || String(size));
}

/**
 * `[1024, 768]`, each size a button that lights its axis.
 * @param {Operand} operand
 * @param {number} [inner] the axis that a product sums over
 */
export function shapeOf(operand, inner = -1) {
  const count = operand.shape?.length ?? 0;
  const pieces = dimsOf(operand).map((text, axis) => [
    axis ? ", " : "",
    h("button", { class: axis === (inner + count) % count && inner !== -1 ? "size match" : "size", "data-a": operand.axes?.[axis] ?? -1, tabindex: -1 }, text),
  ]);
  const stack = operand.stack?.length ? h("span", { class: "mute" }, ` ×${operand.stack.join("×")}`) : null;
  return h("span", { class: "shape" }, "[", ...pieces.flat(), "]", stack);
}

/** Names with operators: Q × Kᵀ = S. @param {Step} step */
export function named(step) {
  const names = (step.operands ?? []).map(link), results = (step.results ?? []).map(link);
  const sign = (/** @type {string} */ text) => h("span", { class: "op" }, text);
  const right = results.flatMap((name, n) => (n ? [sign(","), name] : [name]));
  if (step.kind === "lookup" && names.length === 2) return [names[1], sign("["), names[0], sign("]"), sign("="), ...right];
  if (names.length > 1 && INFIX.has(step.operator ?? "")) {
    return [...names.flatMap((name, n) => (n ? [sign(step.operator ?? ""), name] : [name])), sign("="), ...right];
  }
  const inside = names.flatMap((name, n) => (n ? [sign(","), name] : [name]));
  const name = say(step.operator && !INFIX.has(step.operator) && step.operator !== "→" ? step.operator : step.function || step.title);
  return [sign(`${name} (`), ...inside, sign(")"), sign("="), ...right];
}

/** @param {Operand} operand */
function link(operand) {
  return h("span", { "data-v": operand.value }, nameOf(operand));
}

/** Shapes with operators. @param {Step} step */
export function shaped(step) {
  const sign = step.kind === "lookup" ? "→" : INFIX.has(step.operator ?? "") ? step.operator : ",";
  const left = (step.operands ?? []).flatMap((operand, n) => [n ? ` ${sign} ` : "", shapeOf(operand, n < 2 ? step.inner?.[n] : -1)]);
  const right = (step.results ?? []).flatMap((result, n) => [n ? ", " : "", shapeOf(result)]);
  return [...left, h("span", {}, " → ", ...right)];
}

/** How the FLOPs of a product come about; empty where the shapes drawn do not say it. @param {Step} step */
export function formula(step) {
  const [a, b] = step.operands ?? [];
  if (!step.flops || !step.inner || !a || !b) return [];
  const [i, j] = step.inner.map((axis, n) => (axis + ([a, b][n].shape?.length ?? 0)) % ([a, b][n].shape?.length || 1));
  const stack = Math.max(...shownBy(step).map((operand) => product(operand.stack ?? [])));
  const rest = [...(a.shape ?? []).filter((_, axis) => axis !== i), a.shape?.[i] ?? 1, ...(b.shape ?? []).filter((_, axis) => axis !== j)];
  if (2 * product(rest) * stack !== step.flops) return [];
  const texts = [...dimsOf(a).filter((_, axis) => axis !== i), dimsOf(a)[i], ...dimsOf(b).filter((_, axis) => axis !== j)];
  const place = dimsOf(a).length - 1;
  const factors = texts.map((text, n) => h("span", { class: n === place ? "match" : "" }, text));
  const all = [h("span", {}, "2"), ...factors, ...(stack > 1 ? [h("span", {}, String(stack))] : [])];
  return ["= ", ...all.flatMap((factor, n) => (n ? [" · ", factor] : [factor]))];
}

/** @param {number[]} sizes */
export function product(sizes) {
  return sizes.reduce((all, size) => all * size, 1);
}
