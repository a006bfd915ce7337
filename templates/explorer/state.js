// All that a reader can choose. A link holds all of it.

/** @typedef {import("./types.js").Page} Page */

export const state = {
  /** @type {Page} */
  page: /** @type {any} */ (null),
  /** "s3" is section 3, "t12" is step 12 of the form. */
  place: "s0",
  /** Which of the folded layers is shown, by the path of the first. @type {Record<string, number>} */
  layers: {},
  form: "head",
  dims: "numbers",
  bars: "parameters",
  /** How the whole model is shown: "map" or "rows". */
  view: "map",
  lang: "en",
  theme: "auto",
  /** The axis that is lit, or -1. */
  axis: -1,
  /** The model, or pass, that is seen; of two side by side, the one that is being drawn. */
  side: 0,
  /** Which of its rows is followed, or -1. Here rows and entries are counted from 0; to people, and in links, from 1. */
  row: -1,
  /** Row and column of the entry that is looked at, of the product that is chosen. @type {[number, number] | null} */
  entry: null,
  /** On which side that is. */
  entrySide: 0,
  /** On which side the axis is. */
  axisSide: 0,
};

/** Sections that are open in the tree, by key. @type {Set<string>} */
export const opened = new Set(["s0"]);

export const VIEWS = ["map", "rows"];
export const BARS = ["parameters", "flops", "bytes"];
export const THEMES = ["auto", "light", "dark"];
