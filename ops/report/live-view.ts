import logUpdate from "log-update";
import type { Live } from "../runner/result.ts";

/** Widest line on a terminal, in characters. */
const columns = 80;

/** Shortens a line for a terminal. The report has the complete line. */
export const shorten = (line: string): string => (line.length <= columns ? line : `${line.slice(0, columns - 1)}…`);

/** Prints a drill's steps as lines. On a terminal it redraws the state of the callers below them. */
export function createLiveView({ print, terminal }: { print: (line: string) => void; terminal: boolean }) {
  return {
    tell(line: string): void {
      if (terminal) logUpdate.clear();
      print(shorten(line));
    },
    show(live: Live): void {
      if (terminal) logUpdate(panel(live));
      else print(shorten(`  ${summary(live)}`));
    },
    close(): void {
      if (terminal) logUpdate.clear();
      logUpdate.done();
    },
  };
}

const seconds = (ms: number) => (ms / 1000).toFixed(0);

function summary({ sinceMs, peers, reconnecting, signalsPerSecond, lost, alerts }: Live): string {
  const counts = Object.entries(peers).map(([id, count]) => `${id.slice(-1)}:${count}`);
  const figures = `reconnecting ${reconnecting} · ${signalsPerSecond} signals/s · lost ${lost}`;
  return `${seconds(sinceMs)} s · peers ${counts.join(" ")} · ${figures} ${alerts.join(" ")}`.trimEnd();
}

function panel({ sinceMs, peers, reconnecting, signalsPerSecond, lost, alerts }: Live): string {
  const all = Object.values(peers).reduce((sum, count) => sum + count, 0) + reconnecting;
  const bar = (count: number) => "█".repeat(Math.round((count / Math.max(1, all)) * 40));
  const row = (name: string, count: number) => `  ${name.padEnd(14)}${String(count).padStart(4)} ${bar(count)}`;
  return [
    `  ${seconds(sinceMs)} s since the injection`,
    ...Object.entries(peers).map(([id, count]) => row(id, count)),
    row("reconnecting", reconnecting),
    `  ${signalsPerSecond} signals/s · ${lost} lost · alerts: ${alerts.length === 0 ? "none" : alerts.join(", ")}`,
  ]
    .map(shorten)
    .join("\n");
}
