import type { Snapshot } from "../../../snapshot.ts";
import { ago, getJson, h, openDialog } from "../dom.ts";

/** Faults, alerts and the drill, each in a panel of its own. */
export function createNotices() {
  const [faults, alerts, drill] = [section("Faults in force"), section("Alerts"), section("Drill")];
  const element = h("div", { id: "notices" }, faults.element, alerts.element, drill.element);
  return {
    element,
    show(snapshot: Snapshot): void {
      const game = snapshot.drills.some(({ name }) => name === "game-day");
      faults.show(JSON.stringify([game, snapshot.faults]), () =>
        snapshot.faults.length === 0
          ? [
              h(
                "p",
                { class: "calm" },
                game ? "A game day says nothing of what it did." : "Nothing is broken on purpose.",
              ),
            ]
          : snapshot.faults.map(({ action, target, since, undo }) =>
              h(
                "article",
                { class: "notice bad", "data-fault": `${action} ${target}` },
                h("h3", {}, `✕ ${action} ${target}`),
                h("p", {}, "since ", time(since), ", undone by"),
                h("code", {}, undo),
              ),
            ),
      );
      alerts.show(JSON.stringify([snapshot.prometheus, snapshot.alerts]), () => {
        if (!snapshot.prometheus) return [h("p", { class: "calm" }, "No Prometheus answers: there are no alerts.")];
        if (snapshot.alerts.length === 0) return [h("p", { class: "calm" }, "None.")];
        return snapshot.alerts
          .toSorted((a, b) => a.state.localeCompare(b.state))
          .map(({ name, state, summary, severity, since }) => {
            const button = h("button", { type: "button", class: "runbook" }, "Runbook");
            button.addEventListener("click", () => void openRunbook(name));
            return h(
              "article",
              { class: `notice ${state === "firing" ? "bad" : "warn"}`, "data-alert": name, "data-alert-state": state },
              h("h3", {}, `${state === "firing" ? "▲" : "△"} ${name}`),
              h("p", {}, `${state}, ${severity}, since `, time(since)),
              h("p", {}, summary),
              button,
            );
          });
      });
      drill.show(JSON.stringify(snapshot.drills), () =>
        snapshot.drills.length === 0
          ? [h("p", { class: "calm" }, "None is running.")]
          : snapshot.drills.map(({ name, claim, phase, since, expectations }) =>
              h(
                "article",
                { class: "notice plan", "data-drill": name },
                h("h3", {}, `● ${name}`),
                h("p", {}, claim),
                h("p", {}, h("b", { "data-phase": "" }, phase || "running"), ", since ", time(since)),
                h(
                  "ul",
                  {},
                  ...expectations.map(({ name: what, bound, measured, unit, ok }) =>
                    h(
                      "li",
                      { "data-ok": ok === null ? "open" : String(ok) },
                      `${ok === null ? "…" : ok ? "✓" : "✕"} ${what}: ${measured ?? "–"} ${measured === null ? "" : unit} (${bound})`,
                    ),
                  ),
                ),
              ),
            ),
      );
    },
  };
}

/** A list that is rebuilt only when its content changes. */
function section(title: string) {
  const list = h("div", { class: "list", tabindex: 0, role: "region", "aria-label": title });
  let shown = "";
  return {
    element: h("section", { class: "panel" }, h("h2", {}, title), list),
    show(key: string, build: () => HTMLElement[]): void {
      if (key === shown) return;
      shown = key;
      list.replaceChildren(...build());
    },
  };
}

/** A time of day. Its tooltip shows the age. */
function time(at: number): HTMLElement {
  const text = new Date(at).toLocaleTimeString("en-GB");
  return h("time", { datetime: new Date(at).toISOString(), title: `${ago(Date.now() - at)} ago` }, text);
}

async function openRunbook(name: string): Promise<void> {
  const body = h("div", { class: "prose" });
  openDialog(`Runbook: ${name}`, body);
  try {
    body.innerHTML = (await getJson<{ html: string }>(`/api/runbooks/${name}`)).html;
  } catch (error) {
    body.textContent = (error as Error).message;
  }
}
