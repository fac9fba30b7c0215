import type { Dashboard, DashboardData } from "../../../dashboards/model.ts";
import type { Snapshot } from "../../../snapshot.ts";
import { getJson, h } from "../dom.ts";
import type { View } from "../view.ts";
import { createPanel } from "./panel.ts";

/** Refresh interval, ms; the same as Prometheus' scrape interval. */
const everyMs = 5_000;

/** The committed dashboards, with the panels of Grafana. */
export async function showDashboards([wanted]: string[]): Promise<View> {
  const list = await getJson<{ uid: string; title: string }[]>("/api/dashboards");
  const order = ["htl-home", "htl-calls", "htl-drill", "htl-proxy", "htl-replicas", "htl-backplane", "htl-runbooks"];
  const sorted = list.toSorted((a, b) => order.indexOf(a.uid) - order.indexOf(b.uid));
  const uid = wanted ?? "htl-home";
  const board = await getJson<Dashboard>(`/api/dashboards/${uid}`);
  const tabs = sorted.map((one) =>
    h("a", { href: `/dashboards/${one.uid}`, "aria-current": one.uid === uid ? "page" : null }, one.title),
  );
  const range = h(
    "select",
    { id: "range" },
    ...["5m", "15m", "1h", "6h"].map((value) => h("option", { value }, `last ${value}`)),
  );
  range.value = (board.time?.from ?? "now-15m").replace("now-", "");
  const variables = board.templating?.list ?? [];
  const replica = h("select", { id: "replica" }, h("option", { value: "" }, "all"));
  const said = h("p", { class: "lead", role: "status" }, board.description ?? "");

  const panels = board.panels.filter(({ type }) => type !== "row").map(createPanel);
  const views = board.panels.filter(({ type }) => type !== "row");
  const grid = h(
    "div",
    { class: "grid" },
    ...board.panels.map((panel) =>
      panel.type === "row" ? h("h2", {}, panel.title) : (panels[views.indexOf(panel)]?.element ?? ""),
    ),
  );
  let timer: ReturnType<typeof setInterval> | undefined;
  let last: DashboardData | undefined;

  async function refresh(): Promise<void> {
    const query = new URLSearchParams({
      range: range.value,
      ...(replica.value === "" ? {} : { replica: replica.value }),
    });
    try {
      last = await getJson<DashboardData>(`/api/dashboards/${uid}/data?${query}`);
      for (const panel of panels) panel.show(last);
      grid.dataset["drawn"] = String(last.to);
      said.textContent = board.description ?? "";
    } catch (error) {
      said.textContent = (error as Error).message;
    }
  }
  for (const input of [range, replica]) input.addEventListener("change", () => void refresh());

  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "bar" },
      h("h1", {}, board.title),
      h("label", {}, "Time", range),
      ...(variables.length === 0 ? [] : [h("label", {}, variables[0]?.label ?? "Replica", replica)]),
    ),
    h("nav", { class: "tabs bar", "aria-label": "Dashboards" }, ...tabs),
    said,
    grid,
  );
  return {
    element,
    opened(): void {
      void refresh();
      timer = setInterval(() => void refresh(), everyMs);
      if (variables.length > 0) void nameReplicas(replica);
    },
    redraw: () => {
      if (last !== undefined) for (const panel of panels) panel.show(last);
    },
    close(): void {
      clearInterval(timer);
      for (const panel of panels) panel.close();
    },
  };
}

/** Fills the list with the current replicas. */
async function nameReplicas(select: HTMLSelectElement): Promise<void> {
  const now = Date.now();
  const snapshots = await getJson<Snapshot[]>(`/api/snapshots?from=${now - 5_000}&to=${now + 5_000}`);
  for (const { id, kind } of snapshots.at(-1)?.parts ?? [])
    if (kind === "replica") select.append(h("option", { value: id }, id));
}
