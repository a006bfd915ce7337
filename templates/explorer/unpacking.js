// The data block: base64 around gzip around JSON, in which each step that is the same in several passes stands once.

/** @typedef {import("./types.js").Page} Page */

/**
 * @param {string} packed
 * @returns {Promise<Page>}
 */
export async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const page = await new Response(stream).json();
  for (const form of page.subjects.flatMap((/** @type {import("./types.js").Subject} */ { forms }) => Object.values(forms))) {
    form.steps = form.steps.map((/** @type {number | null} */ number) => (number === null ? null : page.steps[number]));
  }
  return page;
}
