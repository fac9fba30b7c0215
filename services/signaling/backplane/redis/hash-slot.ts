const polynomial = 0x1021;

/** CRC16-XMODEM by table, as Redis Cluster uses it (cluster specification, "Keys distribution model"). */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ polynomial : crc << 1;
  return crc;
});

/** The slot (0 to 16383) of a key or shard channel: of its first non-empty `{…}` alone, where it has one. */
export function hashSlot(key: string): number {
  const from = key.indexOf("{");
  const to = from === -1 ? -1 : key.indexOf("}", from + 1);
  const hashed = to > from + 1 ? key.slice(from + 1, to) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) crc = (crc << 8) ^ (table[((crc >> 8) ^ byte) & 0xff] ?? 0);
  return (crc & 0xffff) % 16_384;
}
