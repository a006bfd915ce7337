// A page in the frame of a notebook: light or dark as the notebook is, where it tells.

/** @returns {HTMLElement | null} */
function host() {
  try {
    return window.parent === window ? null : window.parent.document.body;
  } catch {
    return null; // a frame of another origin keeps to the system's choice
  }
}

/** "light" or "dark" as the page around says it: JupyterLab, VS Code, or a `data-theme`; "" if none does. */
export function hostTheme() {
  const body = host();
  if (!body) return "";
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
  const told = body.dataset.vscodeThemeKind ?? body.dataset.theme ?? body.parentElement?.dataset.theme ?? "";
  return /dark/.test(told) ? "dark" : /light/.test(told) ? "light" : "";
}

/** Tell when the page around changes its theme. @param {() => void} act */
export function onHostTheme(act) {
  const body = host();
  if (body) new MutationObserver(act).observe(body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "data-theme"] });
}
