import type { Snapshot } from "../../../snapshot.ts";
import { h, setText } from "../dom.ts";
import { createDots } from "./dots.ts";
import { createFlows } from "./flows.ts";
import { createPartBox, type PartBox } from "./part-box.ts";

/** Draws the stack: clients, the balancer if there is one, proxies, replicas, backplane, from left to right, or from top to bottom on a phone. */
export function createTopology() {
  const boxes = new Map<string, PartBox>();
  const [front, proxies, replicas, below] = [
    h("div", { class: "column front" }),
    h("div", { class: "column" }),
    h("div", { class: "column replicas" }),
    h("div", { class: "column" }),
  ];
  const observers = h("div", { class: "observers" });
  const clients = createPartBox("clients", []);
  const waiting = h("p", { class: "waiting" });
  clients.element.dataset["state"] = "up";
  clients.element.querySelector(".note")?.replaceWith(waiting);
  const element = h(
    "section",
    { id: "topology", "aria-label": "The stack" },
    h("div", { class: "column" }, clients.element),
    front,
    proxies,
    replicas,
    below,
  );
  const ground = h("div", { id: "ground" }, element, observers);
  const yardOf = (id: string) => (id === "clients" ? clients : boxes.get(id))?.yard;
  const boxOf = (id: string) => (id === "clients" ? clients : boxes.get(id))?.element;
  const flows = createFlows(ground, boxOf);
  const dots = createDots(ground, yardOf);
  let last: Snapshot | undefined;

  const resized = new ResizeObserver(() => {
    if (last !== undefined) flows.show(last);
    dots.relayout();
  });
  resized.observe(ground);

  function boxFor(id: string, kind: Snapshot["parts"][number]["kind"]): PartBox {
    const known = boxes.get(id);
    if (known !== undefined) return known;
    const figures = {
      balancer: ["connections"],
      proxy: ["tunnels", "events", "lag", "cpu"],
      replica: ["peers", "tunnels", "events", "lag", "cpu"],
      backplane: [],
      caller: [],
      prometheus: [],
      alertmanager: [],
    } as const;
    const box = createPartBox(id, figures[kind]);
    boxes.set(id, box);
    const column = {
      balancer: front,
      proxy: proxies,
      replica: replicas,
      backplane: below,
      caller: observers,
      prometheus: observers,
      alertmanager: observers,
    }[kind];
    column.append(box.element);
    return box;
  }

  return {
    element: ground,
    show(snapshot: Snapshot): void {
      last = snapshot;
      for (const part of snapshot.parts) boxFor(part.id, part.kind).show(part);
      for (const [id, box] of boxes)
        if (!snapshot.parts.some((part) => part.id === id)) {
          box.element.remove();
          boxes.delete(id);
        }
      const { connected = 0, reconnecting = 0 } = snapshot.calls;
      setText(waiting, `${connected} test calls up, ${reconnecting} reconnecting`);
      clients.element.dataset["state"] = reconnecting > 0 ? "degraded" : "up";
      setText(clients.element.querySelector(".state") as Element, reconnecting > 0 ? "△ waiting" : "✓ up");
      flows.show(snapshot);
      dots.show(snapshot);
    },
    /** Called before the replay jumps. Dots move with an animation only while time runs. */
    jump: () => dots.clear(),
    close: () => resized.disconnect(),
  };
}
