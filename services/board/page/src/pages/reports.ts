import type { LastPass, ReportRow } from "../../../reports.ts";
import { ago, day, getJson, h, openDialog } from "../dom.ts";
import type { View } from "../view.ts";

interface Listing {
  version: string;
  rows: ReportRow[];
  lastPassed: LastPass[];
}

/**
 * Lists every run with its verdict and figures, and when each drill last passed. Shows one report in place, or two side
 * by side.
 */
export async function showReports(): Promise<View> {
  const { stack } = await getJson<{ stack: string }>("/api/facts");
  const { version, rows, lastPassed } = await getJson<Listing>("/api/reports");
  const stacks = [...new Set([stack, ...rows.map((row) => row.stack)])];
  const which = h(
    "select",
    { id: "of-stack" },
    h("option", { value: "" }, "all stacks"),
    ...stacks.map((one) => h("option", { value: one }, one)),
  );
  which.value = rows.some((row) => row.stack === stack) ? stack : "";
  const compare = h("button", { type: "button", disabled: true }, "Side by side");
  const chosen = new Set<string>();
  const body = h("tbody");
  compare.addEventListener("click", () => {
    const pair = rows.filter(({ id }) => chosen.has(id));
    openDialog(
      pair.map(({ drill, startedAt }) => `${drill}, ${day(startedAt)}`).join(" beside "),
      sideBySide(pair),
      h("div", { class: "side" }, ...pair.map(frameOf)),
    ).classList.add("wide");
  });

  function draw(): void {
    const shown = rows.filter((row) => which.value === "" || row.stack === which.value);
    body.replaceChildren(
      ...shown.map((row) =>
        line(row, shown, chosen, () => {
          compare.disabled = chosen.size !== 2;
        }),
      ),
    );
    if (shown.length === 0)
      body.append(h("tr", {}, h("td", { colspan: 7 }, "No report yet: make drill DRILL=kill-node.")));
  }
  which.addEventListener("change", draw);
  draw();
  const element = h(
    "div",
    {},
    h("div", { class: "bar" }, h("h1", {}, "Reports"), h("label", {}, "Stack", which), compare),
    h("section", { class: "panel" }, h("h2", {}, "When each last passed"), lastTable(lastPassed, version)),
    h("br"),
    h(
      "section",
      { class: "panel" },
      h("h2", {}, "Runs, newest first"),
      h(
        "div",
        { class: "table", tabindex: 0, role: "region", "aria-label": "Runs" },
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h("tr", {}, ...["", "when", "run", "verdict", "figures", "trend", ""].map((text) => h("th", {}, text))),
          ),
          body,
        ),
      ),
    ),
  );
  return { element, close: () => undefined };
}

function line(row: ReportRow, all: readonly ReportRow[], chosen: Set<string>, changed: () => void): HTMLElement {
  const tick = h("input", { type: "checkbox", "aria-label": `compare ${row.drill} of ${day(row.startedAt)}` });
  tick.checked = chosen.has(row.id);
  tick.addEventListener("change", () => {
    if (tick.checked) chosen.add(row.id);
    else chosen.delete(row.id);
    changed();
  });
  const open = h("button", { type: "button" }, "Open");
  open.addEventListener("click", () => openDialog(`${row.drill}, ${day(row.startedAt)}`, frameOf(row)));
  const good = row.control === null ? row.verdict === "passed" : row.verdict === "deviated";
  const figures = row.figures.map(
    ({ name, measured, unit, ok }) => `${ok ? "" : "✕ "}${name} ${measured ?? "–"}${unit === "" ? "" : ` ${unit}`}`,
  );
  return h(
    "tr",
    { "data-report": row.id, "data-verdict": row.verdict },
    h("td", {}, tick),
    h("td", {}, day(row.startedAt)),
    h(
      "td",
      {},
      h("b", {}, row.drill),
      h("br"),
      `${row.control === null ? "" : "negative control, "}seed ${row.seed}, ${row.stack}`,
    ),
    h("td", {}, h("span", { class: "verdict", "data-good": String(good) }, `${good ? "✓" : "✕"} ${row.verdict}`)),
    h("td", {}, [...row.reasons, ...figures].join(" · ")),
    h("td", {}, trendOf(row, all)),
    h("td", {}, open),
  );
}

/** A line of the drill's first figure over its runs up to this one, the newest on the right. */
function trendOf(row: ReportRow, all: readonly ReportRow[]): Node | string {
  const name = row.figures[0]?.name;
  const values = all
    .filter((other) => other.drill === row.drill && other.startedAt <= row.startedAt && other.control === row.control)
    .map(({ figures }) => figures.find((figure) => figure.name === name)?.measured)
    .filter((value) => typeof value === "number")
    .slice(0, 20)
    .reverse();
  if (values.length < 2) return "–";
  const most = Math.max(1e-9, ...values);
  const points = values.map(
    (value, index) => `${(2 + (96 * index) / (values.length - 1)).toFixed(1)},${(28 - (26 * value) / most).toFixed(1)}`,
  );
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("class", "trend");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${name} over ${values.length} runs, from ${values[0]} to ${values.at(-1)}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  path.setAttribute("points", points.join(" "));
  path.setAttribute("fill", "none");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "2");
  svg.append(path);
  return svg;
}

function lastTable(lastPassed: readonly LastPass[], version: string): HTMLElement {
  const words = { never: "never passed", old: "more than 30 days ago", "other version": "on another version" } as const;
  const cells = lastPassed.map(({ drill, at, version: passedOn, mark }) =>
    h(
      "tr",
      { "data-drill": drill, "data-mark": mark ?? "" },
      h("td", {}, drill),
      h("td", {}, at === null ? "–" : `${day(at)} (${ago(Date.now() - at)} ago)`),
      h("td", {}, passedOn ?? "–"),
      h("td", { class: mark === null ? "" : "mark" }, mark === null ? "✓ on this version" : `△ ${words[mark]}`),
    ),
  );
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": "When each last passed" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h("tr", {}, ...["drill", "last passed", "version", `here: ${version}`].map((text) => h("th", {}, text))),
      ),
      h("tbody", {}, ...cells),
    ),
  );
}

/** The figures of two runs, name by name. */
function sideBySide(pair: readonly ReportRow[]): HTMLElement {
  const names = [...new Set(pair.flatMap(({ figures }) => figures.map(({ name }) => name)))];
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", {}, "figure"),
        ...pair.map(({ startedAt, verdict }) => h("th", {}, `${day(startedAt)}: ${verdict}`)),
      ),
    ),
    h(
      "tbody",
      {},
      ...names.map((name) =>
        h(
          "tr",
          {},
          h("td", {}, name),
          ...pair.map(({ figures }) => {
            const figure = figures.find((one) => one.name === name);
            return h(
              "td",
              {},
              figure === undefined ? "–" : `${figure.measured ?? "–"} ${figure.unit} (${figure.bound})`,
            );
          }),
        ),
      ),
    ),
  );
}

const frameOf = ({ id, drill }: ReportRow) =>
  h("iframe", { src: `/reports/${id}/report.html`, title: `Report of ${drill}`, sandbox: "" });
