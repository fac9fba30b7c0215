/** A stream entry's id, `<ms>-<sequence>`. */
export const isStreamId = (text: string): boolean => /^\d{1,16}-\d{1,16}$/.test(text);

/** Negative where `a` is before `b`. */
export function compareStreamIds(a: string, b: string): number {
  const [aMs = "0", aSequence = "0"] = a.split("-");
  const [bMs = "0", bSequence = "0"] = b.split("-");
  return Number(aMs) - Number(bMs) || Number(aSequence) - Number(bSequence);
}
