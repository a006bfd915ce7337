// The bar at the top: name, search, and how things are shown.

import { byId, fill, h, icon } from "./dom.js";
import { isPair, subject, turns } from "./sides.js";
import { state, THEMES } from "./state.js";
import { titlesOf } from "./tree.js";
import { say } from "./words.js";

const LINES = {
  menu: "M2 4.5h14M2 9h14M2 13.5h14",
  find: "M12.5 12.5 16 16M13 8A5 5 0 1 1 3 8a5 5 0 0 1 10 0z",
  more: "M3 9h.01M9 9h.01M15 9h.01",
  auto: "M9 2.5v13M9 2.5a6.5 6.5 0 0 1 0 13 6.5 6.5 0 0 1 0-13zM9 6h4.5M9 9h6.4M9 12h4.5",
  light: "M12.4 9a3.4 3.4 0 1 1-6.8 0 3.4 3.4 0 0 1 6.8 0zM9 1.2v1.6M9 15.2v1.6M1.2 9h1.6M15.2 9h1.6M3.5 3.5l1.1 1.1M13.4 13.4l1.1 1.1M3.5 14.5l1.1-1.1M13.4 4.6l1.1-1.1",
  dark: "M15 10.8A6.6 6.6 0 0 1 7.2 3a6.6 6.6 0 1 0 7.8 7.8z",
  follow: "M2 5h14M2 13h14M2 9h4M12 9h4M7 7.4h4v3.2H7z",
  save: "M9 2.5v8.5M5.5 7.8 9 11.3l3.5-3.5M3 15h12",
};

const THEME_WORDS = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };

/** Draw the bar anew. */
export function drawTools() {
  const forms = Object.keys(subject().forms), languages = Object.keys(state.page.languages);
  const next = languages[(languages.indexOf(state.lang) + 1) % languages.length];
  const theme = /** @type {keyof typeof THEME_WORDS} */ (state.theme);
  fill(
    byId("top"),
    round("drawer", "menu", say("Parts of the model"), "phone"),
    h("div", { class: "brand" }, h("span", {}, titlesOf("s0"), h("span", { class: "mute" }, " · shapetrace"))),
    searchBox(),
    h(
      "div",
      { class: "tools", id: "tools" },
      segments("dims", [["numbers", "Numbers"], ["names", "Names"]]),
      forms.length > 1 ? segments("form", [["head", "Per head"], ["fused", "Fused"]]) : null,
      languages.length > 1 ? h("button", { class: "icon", "data-set": `lang=${next}`, lang: next }, languageName(next)) : null,
      h("button", { class: "icon", "data-set": `theme=${THEMES[(THEMES.indexOf(theme) + 1) % 3]}`, "aria-label": say(THEME_WORDS[theme]), title: say(THEME_WORDS[theme]) }, icon(LINES[theme])),
      round("follow", "follow", say("Follow a token")),
      round("save", "save", say("Download")),
      h("button", { class: "icon", id: "keys", "aria-label": say("Keys"), title: `${say("Keys")} (?)` }, "?"),
    ),
    round("find", "find", say("Search"), "phone"),
    round("more", "more", say("Options"), "phone"),
  );
}

/** A language in a word that fits a button. @param {string} code */
function languageName(code) {
  return code === "zh" ? "中文" : code.toUpperCase();
}

/**
 * @param {string} id
 * @param {keyof typeof LINES} lines
 * @param {string} label
 * @param {string} [also]
 */
function round(id, lines, label, also = "") {
  return h("button", { class: `icon ${also}`, id, "aria-label": label, title: label }, icon(LINES[lines]));
}

/**
 * @param {"dims" | "form"} name
 * @param {[string, string][]} values
 */
function segments(name, values) {
  const label = say(name === "dims" ? "At the edges" : "Products");
  return h("div", { class: "seg", role: "group", "aria-label": label }, values.map(([value, word]) => h("button", { "data-set": `${name}=${value}`, "aria-pressed": String(state[name] === value) }, say(word))));
}

function searchBox() {
  const label = say("Search: scores, c_attn, 768x64");
  return h(
    "div",
    { class: "search", role: "search" },
    icon(LINES.find),
    h("input", { id: "q", type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": "hits", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder: label, "aria-label": label }),
    h("kbd", {}, "/"),
    h("div", { class: "hits", id: "hits", role: "listbox", hidden: true }),
  );
}

const KEYS = [
  ["↑ ↓", "step before, next"],
  ["← →", "fold, unfold; in the figure: operands"],
  ["Enter", "into the figure; on an operand: to its origin"],
  ["Esc", "one level up"],
  ["[ ]", "layer before, next"],
  ["/", "search: a name, 768x64, 768, /regex/"],
  ["n", "names or numbers"],
  ["f", "per head or fused"],
  ["m", "the model as a map or as rows"],
  ["b", "what the bars show"],
  ["r", "follow a token, or a row of the axis that is lit"],
  ["+ -", "the row after, before"],
  ["e", "an entry of the product: its row and column"],
  [", .", "pass or rank before, next"],
  ["d", "next step that differs; before: D"],
  ["t", "light or dark"],
  ["l", "language"],
  ["Tab", "tree, figure, details"],
  ["?", "this list"],
];

export function showHelp() {
  const help = /** @type {HTMLDialogElement} */ (byId("help"));
  const shown = KEYS.filter(([key]) => (key !== "d" || isPair()) && (key !== ", ." || turns()));
  const lines = shown.flatMap(([key, text]) => [h("kbd", {}, key), h("span", {}, say(text))]);
  fill(help, h("h2", {}, say("Keys")), h("button", { class: "icon x", "aria-label": say("Close"), autofocus: true }, "✕"), h("div", { class: "keys" }, lines));
  help.showModal();
}
