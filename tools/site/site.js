// The search over the list: every word has to occur, a number as a size of its own. The address keeps it.

const box = /** @type {HTMLInputElement} */ (document.getElementById("q"));
const count = /** @type {HTMLOutputElement} */ (document.getElementById("count"));
const items = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("li")]);

/**
 * @param {string} text
 * @param {string} word
 */
function occurs(text, word) {
  return /^\d+$/.test(word) ? ` ${text} `.includes(` ${word} `) : text.includes(word);
}

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of items) item.hidden = !words.every((word) => occurs(item.dataset.found ?? "", word));
  const shown = items.filter((item) => !item.hidden).length;
  count.textContent = words.length ? String(shown) : "";
}

box.addEventListener("input", () => {
  search();
  history.replaceState(null, "", box.value ? `#${encodeURIComponent(box.value)}` : "#");
});
try {
  box.value = decodeURIComponent(location.hash.slice(1));
} catch {
  // no sound address: nothing is searched for
}
search();
