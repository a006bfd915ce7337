// Answers about the model in the form that is chosen: what is inside what, sums, who makes and who reads a value.

import { subject } from "./sides.js";
import { state } from "./state.js";

/** @typedef {import("./types.js").Form} Form */
/** @typedef {import("./types.js").Section} Section */
/** @typedef {import("./types.js").Step} Step */
/** @typedef {import("./types.js").Operand} Operand */
/** @typedef {{operand: Operand, made: number, read: number[]}} Value */

export class Book {
  /** @param {Form} form */
  constructor(form) {
    this.sections = form.sections;
    /** Of two models, null where only the other one has a step: `has` tells. */
    this.steps = /** @type {Step[]} */ (form.steps);
    this.maps = form.maps;
    this.positions = form.positions;
    /** The section around each step. @type {number[]} */
    this.home = [];
    /** The section around each section. @type {number[]} */
    this.parent = [];
    /** @type {Map<string, number>} */
    this.stepById = new Map(this.steps.flatMap((step, n) => (step ? [[step.id, n]] : [])));
    /** @type {Map<string, number>} */
    this.sectionByPath = new Map();
    this.sections.forEach((section, n) => {
      const path = section.path ?? "";
      if (section.title !== undefined && !this.sectionByPath.has(path)) this.sectionByPath.set(path, n);
      for (const item of section.items ?? []) {
        if (item.step !== undefined) this.home[item.step] = n;
        else this.parent[/** @type {number} */ (item.section)] = n;
      }
    });
    /** @type {Record<string, number[]>} */
    this.sums = {};
    /** @type {Map<number, Value> | undefined} */
    this.known = undefined;
  }

  /** Whether a part is there: of two models, one may lack it. @param {string} key */
  has(key) {
    const n = Number(key.slice(1));
    return key[0] === "t" ? Boolean(this.steps[n]) : this.sections[n]?.title !== undefined;
  }

  /** Keys of what a section holds, in order. @param {number} n */
  children(n) {
    return (this.sections[n].items ?? []).map((item) => (item.step === undefined ? `s${item.section}` : `t${item.step}`));
  }

  /** The section that a key is, or is in. @param {string} key */
  sectionOf(key) {
    return key[0] === "s" ? Number(key.slice(1)) : this.home[Number(key.slice(1))];
  }

  /** The key of the section around; "" for the model. @param {string} key */
  above(key) {
    const n = Number(key.slice(1));
    const around = key[0] === "t" ? this.home[n] : this.parent[n];
    return around === undefined ? "" : `s${around}`;
  }

  /** Sections around a section, outermost first, itself last. @param {number} n */
  chain(n) {
    const found = [];
    for (let at = /** @type {number | undefined} */ (n); at !== undefined; at = this.parent[at]) found.unshift(at);
    return found;
  }

  /** How often the layers around a step or section run it. @param {string} key */
  repeats(key) {
    return this.chain(this.sectionOf(key)).reduce((n, at) => n * (this.sections[at].repeat ?? 1), 1);
  }

  /**
   * What a step or a section costs in all its layers.
   * @param {string} key
   * @param {string} what "parameters", "flops" or "bytes"
   */
  total(key, what) {
    const n = Number(key.slice(1));
    return key[0] === "t" ? ofStep(this.steps[n], what) : this.sumsOf(what)[n];
  }

  /** Steps in a section, however deep. @param {number} n */
  countSteps(n) {
    return this.sumsOf("steps")[n];
  }

  /** Sums of all sections: inner ones stand behind outer ones. @param {string} what */
  sumsOf(what) {
    if (!this.sums[what]) {
      const sums = this.sections.map(() => 0);
      for (let n = this.sections.length - 1; n >= 0; n--) {
        for (const item of this.sections[n].items ?? []) {
          sums[n] += item.step === undefined ? sums[/** @type {number} */ (item.section)] : ofStep(this.steps[item.step], what);
        }
      }
      this.sums[what] = sums;
    }
    return this.sums[what];
  }

  /** Every value: who makes it, and who reads it. */
  get values() {
    if (!this.known) {
      this.known = new Map();
      this.steps.forEach((step, n) => {
        for (const operand of step?.operands ?? []) this.entry(operand).read.push(n);
        for (const result of step?.results ?? []) this.entry(result).made = n;
      });
    }
    return this.known;
  }

  /** @param {Operand} operand @returns {Value} */
  entry(operand) {
    const known = /** @type {Map<number, Value>} */ (this.known);
    let found = known.get(operand.value);
    if (!found) known.set(operand.value, (found = { operand, made: -1, read: [] }));
    return found;
  }
}

/**
 * @param {Step | null} step
 * @param {string} what
 */
function ofStep(step, what) {
  if (!step) return 0;
  if (what === "steps") return 1;
  const one = what === "parameters" ? step.parameters : what === "flops" ? step.flops : step.bytes;
  return (one ?? 0) * (step.repeat ?? 1) - (what === "parameters" ? (step.shared ?? 0) : 0);
}

/** @type {Record<string, Book>} */
const books = {};

/** The book of the form that is chosen, of the model that is seen or another. */
export function book(side = state.side) {
  return (books[`${side} ${state.form}`] ??= new Book(subject(side).forms[state.form]));
}

/** Operands and results, in the order in which a picture counts them. @param {Step | null} step */
export function shownBy(step) {
  return [...(step?.operands ?? []), ...(step?.results ?? [])];
}
