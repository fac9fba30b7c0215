import { expect, test } from "vitest";
import { messageOf } from "./log-message.ts";

test("the message of a JSON log line is its msg; other lines are unchanged", () => {
  expect(messageOf('{"level":"fatal","err":{"message":"x"},"msg":"cannot start: port taken"}')).toBe(
    "cannot start: port taken",
  );
  for (const line of ["* Ready to accept connections", '{"half":', '{"a":1}', ""]) expect(messageOf(line)).toBe(line);
});
