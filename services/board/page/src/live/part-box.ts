import type { Part } from "../../../snapshot.ts";
import { h, setText } from "../dom.ts";

/** A sign for each state, because some people cannot tell the colours apart. */
const signs: Readonly<Record<string, string>> = { ready: "✓", up: "✓", degraded: "△", draining: "↘", down: "✕" };

const names: Readonly<Record<string, string>> = {
  caller: "callers",
  prometheus: "prometheus",
  alertmanager: "alertmanager",
};

/** The box of one part. Each figure has a fixed place, so that the layout does not move. */
export interface PartBox {
  element: HTMLElement;
  /** The area for the dots of its peers. */
  yard: HTMLElement;
  show(part: Part): void;
}

export function createPartBox(
  id: string,
  figures: readonly ("peers" | "tunnels" | "connections" | "lag" | "cpu" | "events")[],
): PartBox {
  const state = h("span", { class: "state" });
  const note = h("p", { class: "note" });
  const values = new Map(figures.map((figure) => [figure, h("b", {}, "–")]));
  const list = h(
    "dl",
    {},
    ...[...values].map(([figure, value]) => h("div", {}, h("dt", {}, labels[figure]), h("dd", {}, value))),
  );
  const yard = h("div", { class: "yard" });
  const element = h(
    "section",
    { class: "part", "data-part": id, "data-state": "unknown", "aria-label": names[id] ?? id },
    h("header", {}, h("h3", {}, names[id] ?? id), note, state),
    ...(figures.length > 0 ? [list] : []),
    yard,
  );
  return {
    element,
    yard,
    show(part: Part): void {
      element.dataset["state"] = part.state;
      if (part.kind === "replica") element.dataset["peers"] = String(part.peers ?? 0);
      setText(state, `${signs[part.state] ?? "?"} ${part.state}`);
      setText(note, part.note);
      const shown = {
        peers: count(part.peers),
        tunnels: count(part.tunnels),
        connections: count(part.tunnels),
        lag: part.lagMs === null ? "–" : `${part.lagMs.toFixed(1)} ms`,
        cpu: part.cpu === null ? "–" : `${(100 * part.cpu).toFixed(1)} %`,
        events: part.perSecond === null ? "–" : `${part.perSecond.toFixed(part.perSecond < 10 ? 1 : 0)}/s`,
      };
      for (const [figure, value] of values) setText(value, shown[figure]);
    },
  };
}

const labels = {
  peers: "peers",
  tunnels: "tunnels",
  connections: "connections",
  lag: "loop lag",
  cpu: "CPU",
  events: "events",
} as const;
const count = (value: number | null) => (value === null ? "–" : String(value));
