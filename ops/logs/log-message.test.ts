import { expect, test } from "vitest";
import { messageOf } from "./log-message.ts";

test("a JSON log line says its message, other lines say themselves", () => {
  expect(messageOf('{"level":"fatal","err":{"message":"x"},"msg":"cannot start: port taken"}')).toBe(
    "cannot start: port taken",
  );
  for (const line of ["* Ready to accept connections", '{"half":', '{"a":1}', ""]) expect(messageOf(line)).toBe(line);
});
