/** A PROXY header of version 2 (proxy-protocol.txt, 2.2): its bytes 13 and 14, and the block of addresses and TLVs. */
export const v2 = (versionAndCommand: number, family: number, block: Buffer | number[] = []) => {
  const fixed = Buffer.from("0d0a0d0a000d0a515549540a00000000", "hex");
  fixed.set([versionAndCommand, family], 12);
  fixed.writeUInt16BE(block.length, 14);
  return Buffer.concat([fixed, Buffer.from(block)]);
};
/** The addresses of a TCP connection from 203.0.113.<last>. */
export const tcp4 = (last: number) => [203, 0, 113, last, 192, 0, 2, 1, 0xc0, 0x01, 0x01, 0xbb];
/** The addresses of a TCP connection from 2001:db8::9. */
export const tcp6 = Buffer.from(`20010db8${"0".repeat(22)}09${"0".repeat(32)}c00101bb`, "hex");
