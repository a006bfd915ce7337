// What is shown, as a file: the rows, their labels, frames and rails where they stand, in the colours they have.

import { byId, drawn, h } from "./dom.js";
import { placeText, written } from "./links.js";
import { titleOf, titlesOf } from "./tree.js";
import { say } from "./words.js";

const PAINT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "text-anchor"];
const MARGIN = 24;

/** The figure as an SVG document with its size. */
export function figureSvg() {
  const main = byId("main"), figure = /** @type {HTMLElement} */ (main.querySelector(".panel")), area = figure.getBoundingClientRect();
  const paper = getComputedStyle(main).backgroundColor, top = 64;
  const origin = { x: area.left - MARGIN, y: area.top - top };
  const width = Math.ceil(area.width + 2 * MARGIN), height = Math.ceil(area.height + top + MARGIN);
  const svg = drawn("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` });
  svg.append(drawn("rect", { width, height, fill: paper }), line(figureTitle(Number(figure.dataset.s)), MARGIN, 38, getComputedStyle(/** @type {Element} */ (main.querySelector("h1"))), 20));
  for (const frame of figure.querySelectorAll(".panel.box, .row.sel, .card")) svg.append(box(frame, origin));
  for (const rail of figure.querySelectorAll(".rail")) svg.append(railPath(rail, origin));
  for (const text of textNodes(figure)) svg.append(text(origin));
  for (const cell of figure.querySelectorAll("svg.cell")) svg.append(placed(/** @type {SVGElement} */ (cell), origin, paper));
  return { text: new XMLSerializer().serializeToString(svg), width, height };
}

/** @param {number} n */
function figureTitle(n) {
  return [...(n ? [titlesOf(`s${n}`)] : []), titlesOf("s0")].join(" · ");
}

/** @typedef {{x: number, y: number}} Origin */

/**
 * @param {Element} element
 * @param {Origin} origin
 */
function box(element, origin) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return drawn("rect", { x: left - origin.x, y: top - origin.y, width, height, rx: 12, fill: getComputedStyle(element).backgroundColor });
}

/**
 * @param {Element} element
 * @param {Origin} origin
 */
function railPath(element, origin) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const [x0, x1, y0, y1] = [left - origin.x, right - origin.x, top - origin.y, bottom - origin.y];
  return drawn("path", { d: `M${x1} ${y0}H${x0 + 6}Q${x0} ${y0} ${x0} ${y0 + 6}V${y1 - 6}Q${x0} ${y1} ${x0 + 6} ${y1}H${x1}`, fill: "none", stroke: getComputedStyle(element).borderLeftColor, "stroke-width": 1.5 });
}

/** Every line of HTML text in the figure, ready to be placed. @param {Element} figure */
function textNodes(figure) {
  const walker = document.createTreeWalker(figure, NodeFilter.SHOW_TEXT);
  /** @type {((origin: Origin) => Element)[]} */
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const around = node.parentElement, words = node.textContent?.trim();
    if (!words || !around || around.closest("svg")) continue;
    for (const { text, left, bottom } of lines(/** @type {Text} */ (node))) {
      const style = getComputedStyle(around), size = parseFloat(style.fontSize);
      found.push((origin) => line(text, left - origin.x, bottom - origin.y - size * 0.28, style, size));
    }
  }
  return found;
}

/** The lines that a text is broken into. @param {Text} node */
function lines(node) {
  const range = document.createRange(), text = node.data;
  /** @type {{text: string, left: number, bottom: number}[]} */
  const found = [];
  for (const word of text.matchAll(/\S+/g)) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const { left, bottom } = range.getBoundingClientRect(), last = found.at(-1);
    if (last && Math.abs(last.bottom - bottom) < 2) last.text += ` ${word[0]}`;
    else found.push({ text: word[0], left, bottom });
  }
  return found;
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {CSSStyleDeclaration} style
 * @param {number} size
 */
function line(text, x, y, style, size) {
  const element = drawn("text", { x, y, fill: style.color, "font-size": size, "font-weight": style.fontWeight, "font-family": style.fontFamily.replaceAll('"', "'") });
  element.textContent = text;
  return element;
}

/**
 * @param {SVGElement} cell
 * @param {Origin} origin
 * @param {string} paper
 */
function placed(cell, origin, paper) {
  const { left, top, width, height } = cell.getBoundingClientRect();
  const copy = /** @type {SVGElement} */ (cell.cloneNode(true));
  const from = [...cell.querySelectorAll("*")], to = [...copy.querySelectorAll("*")];
  from.forEach((element, n) => {
    if (element.matches(".hit:not(.on), .edge:not(.same)")) return void to[n].remove();
    const style = getComputedStyle(element);
    for (const name of PAINT) to[n].setAttribute(name, style.getPropertyValue(name).replaceAll('"', "'"));
    if (element.classList.value.includes("hollow")) to[n].setAttribute("fill", paper);
    to[n].removeAttribute("class");
  });
  for (const [name, value] of Object.entries({ x: left - origin.x, y: top - origin.y, width, height, overflow: "visible" })) copy.setAttribute(name, String(value));
  copy.removeAttribute("class");
  return copy;
}

/** A menu of what can be taken along. @param {HTMLElement} button */
export function showMenu(button) {
  if (document.querySelector(".menu")) return closeMenu();
  const { bottom, right } = button.getBoundingClientRect();
  const choice = (/** @type {string} */ name, /** @type {string} */ label) => h("button", { role: "menuitem", "data-save": name }, label);
  const menu = h("div", { class: "menu", role: "menu" }, choice("svg", say("SVG of this figure")), choice("png", say("PNG, twice the size")), choice("print", say("Print")), choice("link", say("Copy the link")));
  menu.style.top = `${bottom + 6}px`;
  menu.style.right = `${Math.max(8, innerWidth - right)}px`;
  document.body.append(menu);
  /** @type {HTMLElement} */ (menu.firstChild).focus();
}

export function closeMenu() {
  document.querySelector(".menu")?.remove();
}

/** @param {string} kind "svg" or "png" */
export function save(kind) {
  const { text, width, height } = figureSvg();
  const name = `${(placeText(`s${byId("main").querySelector(".panel")?.getAttribute("data-s")}`) || titleOf("s0")).replace(/[^\w.-]+/g, "-")}.${kind}`;
  const blob = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return offer(blob, name);
  const image = new Image(), url = URL.createObjectURL(blob);
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((png) => png && offer(png, name));
    URL.revokeObjectURL(url);
  };
  image.src = url;
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 4000);
}

/** The address of what is shown. */
export function address() {
  return location.href.split("#")[0] + written();
}

/** Whether the page is dark now. */
export function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
}
