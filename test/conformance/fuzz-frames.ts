const events = ["join", "leave", "offer", "answer", "candidate", "bye"];
const strangeNames = ["", "__proto__", "constructor", "toString", "connection", "disconnect", "error", "presence", "x"];
const strangeValues: unknown[] = [
  ...[null, true, 0, -1, 1e308, "", "\u0000", "\ud800", "x".repeat(129), [], {}, [[]], { length: -1 }],
  { toJSON: 1 },
  { _placeholder: true, num: 0 },
  { _placeholder: true, num: 1e9 },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
];

/** An event and its argument from a client: valid ones, mutated ones, and nonsense. */
export function fuzzEvent(random: () => number, rooms: readonly string[], peerIds: readonly string[]) {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const event = random() < 0.85 ? pick(events) : pick(strangeNames);
  const signal: Record<string, unknown> = {
    roomId: random() < 0.8 ? pick(rooms) : pick(strangeValues),
    description: { type: "offer", sdp: "v=0\r\n".repeat(Math.floor(random() * 20)) },
  };
  if (random() < 0.3) signal["to"] = random() < 0.6 ? pick(peerIds) : pick(strangeValues);
  if (random() < 0.2) signal[pick(strangeNames)] = pick(strangeValues);
  if (random() < 0.1)
    signal["resume"] = random() < 0.5 ? "x".repeat(Math.floor(random() * 6_000)) : pick(strangeValues);
  if (random() < 0.01) signal["deep"] = nest(Math.floor(random() * 3_000));
  if (random() < 0.01) signal["large"] = "y".repeat(Math.floor(random() * 80_000));
  return { event, data: random() < 0.9 ? signal : pick(strangeValues) };
}

function nest(levels: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
}

/** Damages a text: flips, cuts off, doubles or moves bytes. */
export function mutate(random: () => number, text: string): Buffer {
  const bytes = Buffer.from(text);
  for (let changes = 1 + Math.floor(random() * 4); changes > 0 && bytes.length > 0; changes -= 1)
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  const [from, to] = [Math.floor(random() * bytes.length), Math.floor(random() * bytes.length)];
  const kind = random();
  if (kind < 0.2) return bytes.subarray(0, from);
  if (kind < 0.4) return Buffer.concat([bytes, bytes.subarray(from)]);
  if (kind < 0.5) return Buffer.concat([bytes.subarray(from), bytes.subarray(0, to)]);
  return bytes;
}
