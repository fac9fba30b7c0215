import type { Adapter } from "socket.io-adapter";
import { expect, test } from "vitest";
import { guardAdapter } from "./adapter-guard.ts";
import type { BackplaneContext } from "./backplane.ts";
import type { Carrier } from "./carrier.ts";

const nothing = () => undefined;
/** An adapter as a release of its package might have it. */
const adapterWith = (methods: object, nsp: object = { _onServerSideEmit: nothing, listenerCount: () => 0 }) =>
  ({ nsp, ...methods }) as unknown as Adapter;
const guard = (adapter: Adapter) => guardAdapter(adapter, {} as Carrier, {} as BackplaneContext);
const today = { _encode: nothing, apply: nothing, broadcast: nothing, onrequest: nothing };

test("an adapter with all guarded methods is accepted", () => {
  const adapter = adapterWith(today);
  expect(guard(adapter)).toBe(adapter);
});

test.each(["_encode", "apply", "broadcast"])(
  "an adapter without %s ends the start, because its guard would have no effect",
  (name) => {
    expect(() => guard(adapterWith({ ...today, [name]: undefined }))).toThrow(`has no ${name}`);
  },
);

test("an adapter without a known method for received messages ends the start", () => {
  expect(() => guard(adapterWith({ ...today, onrequest: undefined }))).toThrow("has no onMessage");
});

test("a namespace without _onServerSideEmit ends the start", () => {
  expect(() => guard(adapterWith(today, { listenerCount: () => 0 }))).toThrow("has no _onServerSideEmit");
});
