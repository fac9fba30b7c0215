import { expect, test } from "vitest";
import { createLog } from "./log.ts";

test("text chosen by clients is printed as one printable line, and parses to the original", () => {
  const lines: string[] = [];
  const log = createLog({ service: "test" }, { write: (line) => void lines.push(line) });
  const room = 'a\u009bb\n{"level":"fatal"}\u202e\u2066\u200b\u2028\u007f\u{e0041}é🙂\ud800';
  log.info({ room }, `joined ${room}`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*\n$/u);
  expect(lines[0]).toContain("é🙂");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ room, msg: `joined ${room}` });
});
