import { expect, test } from "vitest";
import { createMintedSids } from "./minted-sids.ts";

const minted = createMintedSids("sticky", "secret");
const ids = ["app-1", "app-2"];

test("a session is found at the replica that minted it; other sids are not found", () => {
  const value = minted.remember(undefined, "sid-a", "app-1");
  expect(minted.replicaOf(value, "sid-a", ids)).toBe("app-1");
  expect(minted.replicaOf(value, "sid-b", ids)).toBeUndefined();
  expect(minted.replicaOf(value, "sid-a", ["app-2"])).toBeUndefined();
  expect(minted.replicaOf(undefined, "sid-a", ids)).toBeUndefined();
});

test("one cookie serves two tabs on two replicas, and remembers the newest eight", () => {
  let value = minted.remember(minted.remember(undefined, "sid-a", "app-1"), "sid-b", "app-2");
  expect(minted.replicaOf(value, "sid-a", ids)).toBe("app-1");
  expect(minted.replicaOf(value, "sid-b", ids)).toBe("app-2");
  expect(minted.remember(value, "sid-b", "app-2")).toBe(value);
  for (let tab = 0; tab < 7; tab++) value = minted.remember(value, `sid-${tab}`, "app-1");
  expect(minted.replicaOf(value, "sid-b", ids)).toBe("app-2");
  expect(minted.replicaOf(value, "sid-a", ids)).toBeUndefined();
  expect(value.length).toBeLessThan(800);
});

test("a cookie cannot be forged or changed without the secret", () => {
  const value = minted.remember(undefined, "sid-a", "app-1");
  expect(minted.replicaOf(value.replace("app-1", "app-2"), "sid-a", ids)).toBeUndefined();
  expect(createMintedSids("sticky", "other").replicaOf(value, "sid-a", ids)).toBeUndefined();
  for (const garbage of ["", "|", "app-1:", ":".repeat(5_000), `app-1:${"A".repeat(22)}`, "app-1:é"])
    expect(minted.replicaOf(garbage, "sid-a", ids)).toBeUndefined();
});
