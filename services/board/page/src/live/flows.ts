import { stateColours } from "../../../../../common/charts/palette.ts";
import type { Snapshot } from "../../../snapshot.ts";

const svg = "http://www.w3.org/2000/svg";
/** Traffic at which a line has its full width, events a second. */
const widestAt = 400;

/** Draws lines between the parts. The width shows the traffic; a line to a part that is down is dashed. */
export function createFlows(ground: HTMLElement, boxOf: (part: string) => HTMLElement | undefined) {
  const layer = document.createElementNS(svg, "svg");
  layer.setAttribute("class", "flows");
  layer.setAttribute("aria-hidden", "true");
  ground.prepend(layer);
  const lines = new Map<string, SVGPathElement>();

  function draw(from: string, to: string, perSecond: number, state: string): void {
    const [a, b] = [boxOf(from), boxOf(to)];
    if (a === undefined || b === undefined) return;
    const key = `${from} ${to}`;
    let line = lines.get(key);
    if (line === undefined) {
      line = document.createElementNS(svg, "path");
      line.dataset["flow"] = key;
      layer.append(line);
      lines.set(key, line);
    }
    line.setAttribute("d", route(ground.getBoundingClientRect(), a.getBoundingClientRect(), b.getBoundingClientRect()));
    const width = state === "down" ? 2 : 2 + 12 * Math.sqrt(Math.min(1, perSecond / widestAt));
    line.style.strokeWidth = `${width.toFixed(1)}px`;
    line.style.stroke = stateColours[state] ?? "#7a8a99";
    line.dataset["state"] = state;
  }

  return {
    show({ parts }: Snapshot): void {
      const balancer = parts.find(({ kind }) => kind === "balancer");
      const proxies = parts.filter(({ kind }) => kind === "proxy");
      const replicas = parts.filter(({ kind }) => kind === "replica");
      const backplane = parts.find(({ kind }) => kind === "backplane");
      const seen = new Set<string>();
      const flow = (from: string, to: string, perSecond: number, state: string) => {
        seen.add(`${from} ${to}`);
        draw(from, to, perSecond, state);
      };
      const events = proxies.reduce((sum, proxy) => sum + (proxy.perSecond ?? 0), 0);
      if (balancer !== undefined) flow("clients", balancer.id, events, balancer.state);
      for (const proxy of proxies) {
        const perSecond = proxy.perSecond ?? 0;
        if (balancer !== undefined)
          flow(balancer.id, proxy.id, perSecond, balancer.state === "down" ? "down" : proxy.state);
        // Without the balancer, clients with a second address go to a proxy themselves.
        if (balancer === undefined || (balancer.state === "down" && (proxy.tunnels ?? 0) > 0))
          flow("clients", proxy.id, perSecond, proxy.state);
        const share = events === 0 ? 0 : perSecond / events;
        for (const replica of replicas)
          flow(proxy.id, replica.id, share * (replica.perSecond ?? 0), proxy.state === "down" ? "down" : replica.state);
      }
      for (const replica of replicas) {
        const cut = replica.state === "down" || backplane?.state === "down" || replica.note.includes("backplane");
        flow(replica.id, backplane?.id ?? "", (replica.perSecond ?? 0) / 2, cut ? "down" : "up");
      }
      for (const [key, line] of lines)
        if (!seen.has(key)) {
          line.remove();
          lines.delete(key);
        }
    },
  };
}

/** A curve from box to box: sideways between neighbours, downwards to a box below. */
function route(ground: DOMRect, a: DOMRect, b: DOMRect): string {
  const beside = b.left >= a.right - 4;
  const [x1, y1] = beside ? [a.right, a.top + a.height / 2] : [a.left + a.width / 2, a.bottom];
  const [x2, y2] = beside ? [b.left, b.top + b.height / 2] : [b.left + b.width / 2, b.top];
  const at = (x: number, y: number) => `${(x - ground.left).toFixed(1)} ${(y - ground.top).toFixed(1)}`;
  const middle = beside ? (x1 + x2) / 2 : (y1 + y2) / 2;
  return beside
    ? `M ${at(x1, y1)} C ${at(middle, y1)} ${at(middle, y2)} ${at(x2, y2)}`
    : `M ${at(x1, y1)} C ${at(x1, middle)} ${at(x2, middle)} ${at(x2, y2)}`;
}
