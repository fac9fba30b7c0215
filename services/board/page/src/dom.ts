type Child = Node | string;
type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Makes an element with attributes and children. An attribute that is null or false is left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  element.append(...children);
  return element;
}

/** Sets an element's text only if it differs, so that screen readers do not announce unchanged text again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** `12:03:04` on the viewer's clock. */
export const clock = (at: number): string => new Date(at).toLocaleTimeString("en-GB");

/** `26 Nov 2026, 12:03`. */
export const day = (at: number): string =>
  new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** `40 s`, `3 min`, `2 h`, `5 d`. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** GETs JSON of the board. @throws with the server's own message */
export async function getJson<T>(path: string, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(path, { headers });
  const body = (await response.json()) as T & { error?: string };
  if (!response.ok) throw new Error(body.error ?? `${path} answered ${response.status}`);
  return body;
}

/** Opens a dialog. Its button, Escape, or a click beside it closes and removes it. */
export function openDialog(title: string, ...children: Child[]): HTMLDialogElement {
  const close = h("button", { type: "button" }, "Close");
  const dialog = h("dialog", { "aria-label": title }, h("header", {}, h("h2", {}, title), close), ...children);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
