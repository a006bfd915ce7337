// Elements. What a model calls itself is always text: nothing of it is ever parsed.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element: `h("button", {class: "go", "data-go": key}, "Query")`.
 * @param {string} tag
 * @param {Record<string, any>} [given] attributes; undefined, null and false are left out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/**
 * @param {Node} parent
 * @param {(Child | Child[])[]} children
 */
function append(parent, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, string | number>} given
 * @returns {SVGElement}
 */
export function drawn(tag, given) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, String(value));
  return element;
}

/** @type {Map<string, SVGElement>} */
const pictures = new Map();

/**
 * Parse SVG that shapetrace wrote; a second time it is copied.
 * @param {string} inner
 * @returns {SVGElement}
 */
export function picture(inner) {
  let made = pictures.get(inner);
  if (!made) {
    const template = document.createElement("template");
    template.innerHTML = `<svg xmlns="${SVG}">${inner}</svg>`;
    made = /** @type {SVGElement} */ (template.content.firstChild);
    pictures.set(inner, made);
  }
  return /** @type {SVGElement} */ (made.cloneNode(true));
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/**
 * Replace what an element holds.
 * @param {HTMLElement} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** A small drawing of lines in the colour of the text.
 * @param {string} path
 * @param {number} [size]
 */
export function icon(path, size = 18) {
  const svg = drawn("svg", { width: size, height: size, viewBox: `0 0 ${size} ${size}`, class: "line", "aria-hidden": "true" });
  svg.appendChild(drawn("path", { d: path }));
  return svg;
}
