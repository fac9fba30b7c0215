import type { DrillResult } from "../runner/result.ts";

const width = 960;
const left = 60;
const colours = ["#2563eb", "#059669", "#d97706", "#9333ea", "#0891b2"];

/** One lane of the timeline: its title, and its lines by name, a value a second. */
interface Lane {
  title: string;
  series: { name: string; values: number[] }[];
}

/** The timeline of a drill as SVG text: lanes over one time axis, injection and recovery marked, alerts as bands. */
export function drawTimeline({ calls, injectedAt, recoveredAt, alerts }: DrillResult): string {
  const seconds = calls?.timeline ?? [];
  const [first] = seconds;
  const last = seconds.at(-1);
  if (first === undefined || last === undefined) return "<p>Nothing was measured.</p>";
  const from = first.at;
  const span = Math.max(1_000, last.at + 1_000 - from);
  const x = (at: number) => left + ((at - from) / span) * (width - left - 130);
  const nodes = [...new Set(seconds.flatMap((second) => Object.keys(second.peersByNode)))].sort();
  const lanes: Lane[] = [
    {
      title: "peers per replica",
      series: nodes.map((name) => ({ name, values: seconds.map(({ peersByNode }) => peersByNode[name] ?? 0) })),
    },
    { title: "reconnecting", series: [{ name: "peers", values: seconds.map((second) => second.reconnecting) }] },
    { title: "signals lost /s", series: [{ name: "lost", values: seconds.map((second) => second.lost) }] },
    {
      title: "one-way latency, ms",
      series: [
        { name: "local p95", values: seconds.map(({ localMs }) => localMs.p95) },
        { name: "remote p95", values: seconds.map(({ remoteMs }) => remoteMs.p95) },
      ],
    },
  ];
  const laneHeight = 92;
  const drawn = lanes.map(({ title, series }, index) => {
    const top = 30 + index * (laneHeight + 28);
    const most = Math.max(1, ...series.flatMap(({ values }) => values));
    const y = (value: number) => top + laneHeight - (value / most) * laneHeight;
    const lines = series.map(({ name, values }, line) => {
      const colour = colours[line % colours.length];
      const points = values.map((value, at) => `${x(seconds[at]?.at ?? from).toFixed(1)},${y(value).toFixed(1)}`);
      return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>
<text x="${width - 122}" y="${top + 12 + line * 17}" fill="${colour}">${escapeXml(name)}</text>`;
    });
    return `<text x="${left}" y="${top - 8}" class="title">${title}</text>
<line x1="${left}" x2="${width - 130}" y1="${top + laneHeight}" y2="${top + laneHeight}" stroke="#cbd5e1"/>
<text x="${left - 8}" y="${top + 10}" text-anchor="end">${Math.round(most)}</text>
<text x="${left - 8}" y="${top + laneHeight}" text-anchor="end">0</text>${lines.join("")}`;
  });
  const bottom = 30 + lanes.length * (laneHeight + 28);
  const bands = alerts.map(({ name, from: begun, to }, index) => {
    const end = Math.max(x(Math.min(to, from + span)), x(begun) + 4);
    return `<rect x="${x(begun).toFixed(1)}" y="${bottom + index * 22}" width="${(end - x(begun)).toFixed(1)}" height="16" fill="#fecaca"/>
<text x="${left}" y="${bottom + 12 + index * 22}" fill="#991b1b">${escapeXml(name)}</text>`;
  });
  const height = bottom + alerts.length * 22 + 40;
  const mark = (at: number | null, name: string, colour: string, y: number) =>
    at === null
      ? ""
      : `<line x1="${x(at).toFixed(1)}" x2="${x(at).toFixed(1)}" y1="16" y2="${height - 30}" stroke="${colour}" stroke-dasharray="5 4"/>
<text x="${(x(at) + 4).toFixed(1)}" y="${y}" fill="${colour}">${name}</text>`;
  const every = span > 40_000 ? 10_000 : 5_000;
  const ticks = Array.from({ length: Math.floor(span / every) + 1 }, (_, index) => {
    const at = from + index * every;
    return `<text x="${x(at).toFixed(1)}" y="${height - 12}" text-anchor="middle">${(index * every) / 1000} s</text>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Timeline of the drill">
${bands.join("\n")}${drawn.join("\n")}${mark(injectedAt, "injected", "#dc2626", height - 44)}${mark(recoveredAt, "recovered", "#16a34a", height - 30)}${ticks.join("")}</svg>`;
}

/** How long reconnects took, as bars of 250 ms. */
export function drawReconnects({ calls }: DrillResult): string {
  const all = (calls?.timeline ?? []).flatMap((second) => second.reconnectsMs);
  if (all.length === 0) return "<p>Nobody had to reconnect.</p>";
  const bins = Array.from({ length: Math.floor(Math.max(...all) / 250) + 1 }, (_, bin) => ({
    bin,
    count: all.filter((ms) => Math.floor(ms / 250) === bin).length,
  }));
  const most = Math.max(...bins.map(({ count }) => count));
  const step = Math.min(80, (width - 2 * left) / bins.length);
  const bars = bins.map(({ bin, count }) => {
    const high = (count / most) * 100;
    const at = left + bin * step;
    return `<rect x="${at.toFixed(1)}" y="${120 - high}" width="${(step - 3).toFixed(1)}" height="${high}" fill="#2563eb"/>
${count > 0 ? `<text x="${(at + step / 2).toFixed(1)}" y="${114 - high}" text-anchor="middle">${count}</text>` : ""}
${step > 34 || bin % 4 === 0 ? `<text x="${at.toFixed(1)}" y="138">${bin * 250} ms</text>` : ""}`;
  });
  return `<svg viewBox="0 0 ${width} 150" role="img" aria-label="Distribution of reconnect times">${bars.join("")}</svg>`;
}

/** Text that may stand in XML and HTML, attributes too. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
