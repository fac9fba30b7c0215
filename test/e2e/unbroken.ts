import type { MediaSample } from "./browser.ts";

/** Longest allowed time between two decoded frames, ms: five frames of the test picture at 10 a second. */
const frameGapMs = 1_500;

/**
 * Why the media in `samples` was interrupted, as text; empty if it was not: one connection, ICE connected throughout,
 * same user fragment and candidate pair, frames decoded without a gap, over a stretch of at least `minMs`.
 */
export function breaksOf(samples: readonly MediaSample[], minMs: number): string[] {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return ["no samples"];
  const breaks: string[] = [];
  if (last.at - first.at < minMs) breaks.push(`watched for ${Math.round(last.at - first.at)} ms, not ${minMs}`);
  let frames = first.framesDecoded;
  let movedAt = first.at;
  for (const sample of samples) {
    const since = `at +${Math.round(sample.at - first.at)} ms`;
    if (sample.ice !== "connected" && sample.ice !== "completed") breaks.push(`ICE ${sample.ice} ${since}`);
    if (sample.ufrag !== first.ufrag) breaks.push(`another user fragment ${since}`);
    if (sample.pair !== first.pair) breaks.push(`another candidate pair ${since}`);
    if (sample.connections !== first.connections) breaks.push(`a new RTCPeerConnection ${since}`);
    if (sample.framesDecoded > frames) movedAt = sample.at;
    if (sample.at - movedAt > frameGapMs) breaks.push(`no frame decoded for ${frameGapMs} ms ${since}`);
    frames = sample.framesDecoded;
  }
  return [...new Set(breaks)];
}
