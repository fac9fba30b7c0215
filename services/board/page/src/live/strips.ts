import { type Lane, laneMargins, lanesOption, type Span } from "../../../../../common/charts/lanes.ts";
import { colourOf, replicaColour, stateColours } from "../../../../../common/charts/palette.ts";
import type { Second } from "../../../snapshot.ts";
import { inks, openChart } from "../chart.ts";
import { h } from "../dom.ts";

/** Time range of the strips, ms. */
export const spanMs = 15 * 60_000;
const leastMs = 3 * 60_000;

/** Draws the last fifteen minutes as lanes on one axis, with a cursor for pointer and keyboard. */
export function createStrips(moved: (at: number) => void) {
  const canvas = h("div", {
    class: "canvas",
    role: "img",
    "aria-label": "The last fifteen minutes: peers per replica, signals lost, latency, alerts, marks",
  });
  const line = h("div", { class: "cursor", hidden: true });
  const element = h("div", { id: "strips" }, canvas, line);
  let chart: ReturnType<typeof openChart> | undefined;
  let window = { from: 0, to: 1 };
  let cursor: number | null = null;

  function placeCursor(): void {
    line.hidden = cursor === null || cursor < window.from || cursor > window.to;
    if (cursor === null) return;
    const wide = element.clientWidth - laneMargins.left - laneMargins.right;
    const x = laneMargins.left + (wide * (cursor - window.from)) / (window.to - window.from);
    line.style.transform = `translateX(${x.toFixed(1)}px)`;
  }

  function pointed(event: PointerEvent): void {
    const wide = element.clientWidth - laneMargins.left - laneMargins.right;
    const share = (event.clientX - element.getBoundingClientRect().left - laneMargins.left) / wide;
    moved(window.from + Math.min(1, Math.max(0, share)) * (window.to - window.from));
  }
  let dragging = false;
  element.addEventListener("pointerdown", (event) => {
    dragging = true;
    element.setPointerCapture(event.pointerId);
    pointed(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (dragging) pointed(event);
  });
  element.addEventListener("pointerup", () => {
    dragging = false;
  });

  return {
    element,
    open(): void {
      chart = openChart(canvas);
    },
    show(seconds: readonly Second[], to: number): void {
      // A new board has a shorter history.
      const first = seconds[0]?.at ?? to;
      window = { from: Math.max(to - spanMs, Math.min(first, to - leastMs)), to };
      chart?.draw(
        lanesOption({
          ...window,
          lanes: lanesOf(seconds),
          inks: inks(),
          width: canvas.clientWidth,
          height: canvas.clientHeight,
        }),
      );
      placeCursor();
    },
    setCursor(at: number | null): void {
      cursor = at;
      placeCursor();
    },
    window: () => window,
    close: () => chart?.close(),
  };
}

function lanesOf(seconds: readonly Second[]): Lane[] {
  const replicas = [...new Set(seconds.flatMap(({ peers }) => Object.keys(peers)))].sort();
  const figure = (read: (second: Second) => number | null) =>
    seconds.map((second) => [second.at, read(second)] as const);
  return [
    {
      kind: "stack",
      title: "Peers per replica",
      unit: "",
      series: replicas.map((id) => ({
        name: id,
        colour: replicaColour(id),
        samples: figure(({ peers }) => peers[id] ?? 0),
      })),
    },
    {
      kind: "bands",
      title: "Replicas, when not ready",
      rows: replicas,
      spans: spansOf(seconds, ({ states }) =>
        replicas
          .filter((id) => states[id] !== undefined && states[id] !== "ready")
          .map((id) => ({ row: id, key: `${id} ${states[id]}`, colour: stateColours[states[id] ?? ""] ?? "#888" })),
      ),
    },
    {
      kind: "bars",
      title: "Signals lost",
      unit: "per second",
      series: [{ name: "lost", colour: colourOf(5), samples: figure(({ signals }) => signals?.lost ?? null) }],
    },
    {
      kind: "lines",
      title: "Latency p95",
      unit: "ms",
      series: [
        { name: "local", colour: colourOf(3), samples: figure(({ signals }) => signals?.localMs ?? null) },
        { name: "remote", colour: colourOf(0), samples: figure(({ signals }) => signals?.remoteMs ?? null) },
      ],
    },
    bands("Alerts firing", seconds, ({ alerts }) => alerts, "#d55e00"),
    bands("Faults and drills", seconds, ({ marks }) => marks, "#cc79a7"),
  ];
}

function bands(title: string, seconds: readonly Second[], read: (second: Second) => string[], colour: string): Lane {
  const rows = [...new Set(seconds.flatMap(read))];
  const spans = spansOf(seconds, (second) => read(second).map((name) => ({ row: name, key: name, colour })));
  return { kind: "bands", title, rows, spans };
}

/** Joins seconds without a gap to spans. */
function spansOf(
  seconds: readonly Second[],
  read: (second: Second) => { row: string; key: string; colour: string }[],
): Span[] {
  const spans: (Span & { key: string })[] = [];
  const open = new Map<string, Span & { key: string }>();
  for (const second of seconds) {
    const present = read(second);
    for (const { row, key, colour } of present) {
      const span = open.get(key);
      if (span !== undefined && second.at - span.to < 5_000) span.to = second.at;
      else {
        const fresh = { row, key, from: second.at, to: second.at, colour, text: key };
        open.set(key, fresh);
        spans.push(fresh);
      }
    }
    for (const key of open.keys()) if (!present.some((one) => one.key === key)) open.delete(key);
  }
  return spans;
}
