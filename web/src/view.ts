export type Tone = "good" | "warn" | "bad" | "calm";

/** Maximum number of lines in the event log. */
const logLimit = 300;

/** The element with that id. Throws without it, because the page needs it. */
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** The name of a peer on the page. */
export const shortName = (peerId: string): string => `peer ${peerId.slice(0, 6)}`;

/** Sets a cell of the status strip: its word, its tone, and the line below. */
export function show(cell: string, value: string, tone: Tone, note?: { id: string; text: string }): void {
  element(cell).textContent = value;
  element(`cell-${cell}`).dataset["tone"] = tone;
  if (note !== undefined) element(note.id).textContent = note.text;
}

/** A fact about the call that scripts may read: `<body data-node="signaling-2">`. */
export function expose(name: string, value: string | number): void {
  document.body.dataset[name] = String(value);
}

/** Adds a line to the event log, newest on top. */
export function logEvent(text: string, tone: Tone = "calm"): void {
  const time = Object.assign(document.createElement("time"), { textContent: new Date().toTimeString().slice(0, 8) });
  const line = document.createElement("li");
  line.dataset["tone"] = tone;
  line.append(time, Object.assign(document.createElement("span"), { textContent: text }));
  const log = element("log");
  log.prepend(line);
  while (log.childElementCount > logLimit) log.lastElementChild?.remove();
}
