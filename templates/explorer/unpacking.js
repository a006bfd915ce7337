// The data block: base64 around gzip around JSON.

/** @typedef {import("./types.js").Page} Page */

/**
 * @param {string} packed
 * @returns {Promise<Page>}
 */
export async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
