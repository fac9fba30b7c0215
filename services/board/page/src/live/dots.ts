import { replicaColour } from "../../../../../common/charts/palette.ts";
import type { Snapshot } from "../../../snapshot.ts";

/**
 * Maximum number of dots. More dots show nothing new and cost frames. Above it only the peers with the smallest names
 * are drawn.
 */
const shownDots = 240;
/** The dot of a peer whose replica is down stays this long, ms. */
const missedMs = 15_000;
/** Distance of two dots, px. */
const pitch = 20;

interface Dot {
  element: HTMLElement;
  on: string;
  slot: number;
  /** When it was last seen, epoch ms of the snapshots. */
  at: number;
}

/**
 * Draws peers as dots. A dot keeps the colour of its first replica, so that a moved peer stands out on its new replica.
 * While its replica is down, the dot waits among the clients.
 */
export function createDots(ground: HTMLElement, yardOf: (part: string) => HTMLElement | undefined) {
  const dots = new Map<string, Dot>();

  function place(dot: Dot): void {
    const yard = yardOf(dot.on);
    if (yard === undefined) return;
    const [from, to] = [ground.getBoundingClientRect(), yard.getBoundingClientRect()];
    const columns = Math.max(1, Math.floor((to.width - 4) / pitch));
    const rows = Math.max(1, Math.floor(to.height / pitch));
    // In a full area dots overlap.
    const slot = dot.slot % (columns * rows);
    const x = to.left - from.left + 4 + (slot % columns) * pitch;
    const y = to.top - from.top + 3 + Math.floor(slot / columns) * pitch;
    dot.element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
  }

  function move(dot: Dot, on: string): void {
    if (dot.on === on) return;
    dot.on = on;
    dot.element.dataset["on"] = on;
    const taken = new Set(
      [...dots.values()].filter((other) => other !== dot && other.on === on).map(({ slot }) => slot),
    );
    dot.slot = 0;
    while (taken.has(dot.slot)) dot.slot += 1;
    place(dot);
  }

  function remove(name: string, { element }: Dot): void {
    dots.delete(name);
    element.dataset["leaving"] = "";
    setTimeout(() => element.remove(), 400);
  }

  return {
    show({ at, peers, parts }: Snapshot): void {
      const on = new Map(Object.entries(peers).flatMap(([id, names]) => names.map((name) => [name, id] as const)));
      const gone = new Set(
        parts
          .filter(
            ({ kind, state, note }) => kind === "replica" && (state === "down" || state === "draining" || note !== ""),
          )
          .map(({ id }) => id),
      );
      for (const [name, dot] of dots) {
        if (on.has(name)) continue;
        const lost = dot.on === "clients" || gone.has(dot.on);
        if (!lost || Math.abs(at - dot.at) > missedMs) remove(name, dot);
        else move(dot, "clients");
      }
      for (const [name, id] of [...on].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, shownDots)) {
        let dot = dots.get(name);
        if (dot === undefined) {
          const element = document.createElement("i");
          element.className = "dot";
          element.dataset["peer"] = name;
          element.style.backgroundColor = replicaColour(id);
          dot = { element, on: "", slot: 0, at };
          dots.set(name, dot);
          ground.append(element);
          // The dot starts among the clients. Reading its position makes the browser apply the start.
          place({ ...dot, on: "clients" });
          element.getBoundingClientRect();
        }
        dot.at = at;
        move(dot, id);
      }
    },
    /** The boxes have moved. */
    relayout(): void {
      for (const dot of dots.values()) place(dot);
    },
    clear(): void {
      for (const { element } of dots.values()) element.remove();
      dots.clear();
    },
  };
}
