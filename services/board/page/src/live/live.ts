import { type Second, type Snapshot, secondOf } from "../../../snapshot.ts";
import { clock, getJson, h, setText } from "../dom.ts";
import type { View } from "../view.ts";
import { createNotices } from "./notices.ts";
import { createReplay } from "./replay.ts";
import { follow } from "./stream.ts";
import { createStrips, spanMs } from "./strips.ts";
import { createTopology } from "./topology.ts";
import { verdictOf } from "./verdict.ts";

/** Step of the running replay, ms; the same as the board's poll interval. */
const frameMs = 250;

/** The live view: the current stack or, while the cursor is set, the stack at that time. */
export function showLive(): View {
  const topology = createTopology();
  const notices = createNotices();
  const replay = createReplay();
  const verdict = h("h1", { id: "verdict", role: "status" }, "Waiting for the first look …");
  const when = h("output", { id: "when" }, "live");
  const slider = h("input", {
    type: "range",
    id: "cursor",
    min: 0,
    max: spanMs / 1_000,
    step: 1,
    value: spanMs / 1_000,
    "aria-label": "Moment of the replay, seconds of the last fifteen minutes",
  });
  const play = h("button", { type: "button", id: "play" }, "▶ Play");
  const live = h("button", { type: "button", id: "live", "aria-pressed": "true" }, "● Live");
  const strips = createStrips((at) => void look(at));
  const element = h(
    "div",
    { class: "live" },
    verdict,
    topology.element,
    notices.element,
    h(
      "section",
      { class: "panel past", "aria-label": "The past" },
      h("div", { class: "controls" }, live, play, slider, when),
      strips.element,
    ),
  );

  const seconds: Second[] = [];
  let newest: Snapshot | undefined;
  let cursor: number | null = null;
  let playing: ReturnType<typeof setInterval> | undefined;
  let drawnAt = 0;

  function show(snapshot: Snapshot): void {
    element.dataset["at"] = String(snapshot.at);
    topology.show(snapshot);
    notices.show(snapshot);
    const { text, tone } = verdictOf(snapshot);
    setText(verdict, text);
    verdict.dataset["tone"] = tone;
    document.body.dataset["tone"] = tone;
  }

  function drawStrips(): void {
    // The strips stand still during a replay.
    const to = cursor === null ? (newest?.at ?? Date.now()) : strips.window().to;
    if (cursor === null) strips.show(seconds, to);
  }

  function receive(snapshot: Snapshot): void {
    newest = snapshot;
    const last = seconds.at(-1);
    if (last === undefined || Math.floor(last.at / 1_000) !== Math.floor(snapshot.at / 1_000)) {
      seconds.push(secondOf(snapshot));
      while ((seconds[0]?.at ?? 0) < snapshot.at - spanMs) seconds.shift();
    }
    if (cursor !== null) return;
    show(snapshot);
    if (performance.now() - drawnAt < 900) return;
    drawnAt = performance.now();
    drawStrips();
  }

  async function look(at: number): Promise<void> {
    const jumped = cursor === null || Math.abs(at - cursor) > 2_000;
    cursor = at;
    element.dataset["mode"] = "replay";
    live.setAttribute("aria-pressed", "false");
    strips.setCursor(at);
    const { from, to } = strips.window();
    slider.value = String(Math.round((spanMs / 1_000) * ((at - from) / (to - from))));
    setText(when, `as it was at ${clock(at)}`);
    const snapshot = await replay.at(at);
    if (cursor !== at) return;
    if (jumped) topology.jump();
    if (snapshot !== undefined) show(snapshot);
  }

  function goLive(): void {
    stop();
    cursor = null;
    delete element.dataset["mode"];
    live.setAttribute("aria-pressed", "true");
    strips.setCursor(null);
    slider.value = slider.max;
    setText(when, "live");
    topology.jump();
    if (newest !== undefined) show(newest);
    drawStrips();
  }

  function stop(): void {
    clearInterval(playing);
    playing = undefined;
    setText(play, "▶ Play");
  }

  live.addEventListener("click", goLive);
  slider.addEventListener("input", () => {
    const { from, to } = strips.window();
    void look(from + (Number(slider.value) / Number(slider.max)) * (to - from));
  });
  play.addEventListener("click", () => {
    if (playing !== undefined) return stop();
    setText(play, "❚❚ Pause");
    // Starts at the cursor, or a minute ago, which usually shows the fault.
    let at = cursor ?? (newest?.at ?? Date.now()) - 60_000;
    playing = setInterval(() => {
      at += frameMs;
      if (at >= (newest?.at ?? 0)) return goLive();
      void look(at);
    }, frameMs);
  });

  let stream: { close(): void } | undefined;
  return {
    element,
    opened(): void {
      strips.open();
      stream = follow(receive, (broken) => {
        element.dataset["stream"] = broken ? "broken" : "open";
        if (broken && cursor === null) setText(when, "the board does not answer");
        else if (cursor === null) setText(when, "live");
      });
      void getJson<Second[]>("/api/history").then((past) => {
        const first = seconds[0]?.at ?? Number.POSITIVE_INFINITY;
        seconds.unshift(...past.filter(({ at }) => at < first - 500));
        drawStrips();
      });
    },
    redraw: () => strips.show(seconds, strips.window().to),
    close(): void {
      stop();
      stream?.close();
      topology.close();
      strips.close();
      delete document.body.dataset["tone"];
    },
  };
}
