import { expect, test } from "vitest";
import { addressSet } from "../../common/http/client-address.ts";
import { origination } from "./forwarded.ts";

const trusted = addressSet("10.0.0.0/8, 192.0.2.1, 2001:db8::/32");
const chain = (peer: string, forwardedFor: string, set = trusted) =>
  origination(peer, { "x-forwarded-for": forwardedFor }, set).chain;

test("forwarding headers of an untrusted client are ignored", () => {
  const headers = {
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "evil.example",
    forwarded: "for=10.0.0.1",
  };
  for (const set of [trusted, addressSet("")])
    expect(origination("203.0.113.5", headers, set)).toEqual({
      chain: ["203.0.113.5"],
      proto: undefined,
      host: undefined,
    });
});

test("X-Forwarded-For is read from the right, through trusted proxies only", () => {
  expect(chain("10.0.0.1", "198.51.100.1, 203.0.113.5, 10.9.9.9")).toEqual(["203.0.113.5", "10.9.9.9", "10.0.0.1"]);
  expect(chain("::ffff:192.0.2.1", "203.0.113.5")).toEqual(["203.0.113.5", "192.0.2.1"]);
  expect(chain("2001:db8::1", "10.1.1.1,, ")).toEqual(["10.1.1.1", "2001:db8::1"]);
});

test.each(["203.0.113.5:99", "[::ffff:203.0.113.5]:1", '"::FFFF:cb00:7105"', "::ffff:cb00:7105"])(
  "%s is one client",
  (spelled) => {
    expect(chain("10.0.0.1", spelled)).toEqual(["203.0.113.5", "10.0.0.1"]);
    expect(origination("10.0.0.1", { forwarded: `for="${spelled.replaceAll('"', "")}"` }, trusted).chain[0]).toBe(
      "203.0.113.5",
    );
  },
);

test("a malformed entry ends the reading", () => {
  expect(chain("10.0.0.1", "203.0.113.5, <script>")).toEqual(["10.0.0.1"]);
  expect(chain("10.0.0.1", "203.0.113.5, garbage, 10.0.0.2")).toEqual(["10.0.0.2", "10.0.0.1"]);
});

test("at most 32 of 5,000 trusted hops are read", () => {
  expect(chain("10.0.0.1", Array.from({ length: 5_000 }, () => "10.0.0.2").join())).toHaveLength(33);
  const forwarded = Array.from({ length: 5_000 }, () => "for=10.0.0.2").join();
  expect(origination("10.0.0.1", { forwarded }, trusted).chain).toHaveLength(33);
});

test.each([
  ["https", "https"],
  ["HTTPS", "https"],
  ["wss", "wss"],
  ["https, http", "https"],
  [" http , https", "http"],
])("of X-Forwarded-Proto %j the first counts: %s", (value, proto) => {
  expect(origination("10.0.0.1", { "x-forwarded-proto": value }, trusted).proto).toBe(proto);
});

test("Forwarded (RFC 7239): quoted, in any case, the element of the hop that saw the client", () => {
  const forwarded =
    'for=198.51.100.1;proto=http, For="[2001:db9::7]:4711" ; Proto=HTTPS;by=_x;host="calls.example:8443",for=10.2.2.2;proto=http';
  expect(origination("10.0.0.1", { forwarded }, trusted)).toEqual({
    chain: ["2001:db9::7", "10.2.2.2", "10.0.0.1"],
    proto: "https",
    host: "calls.example:8443",
  });
});

test.each(["for", "for=1.2.3.4 x", 'for="1.2.3.4', "for=1.2.3.4;=", 'for="1\\.2"', ";,;,"])(
  "a malformed Forwarded is ignored: %s",
  (forwarded) => {
    expect(origination("10.0.0.1", { forwarded }, trusted)).toEqual({
      chain: ["10.0.0.1"],
      proto: undefined,
      host: undefined,
    });
  },
);

test("if both headers name different last hops, both are ignored", () => {
  const headers = { "x-forwarded-for": "203.0.113.5", forwarded: "for=203.0.113.6;proto=https" };
  expect(origination("10.0.0.1", headers, trusted)).toEqual({ chain: ["10.0.0.1"], proto: undefined, host: undefined });
  expect(origination("10.0.0.1", { ...headers, forwarded: 'for="203.0.113.5:7";proto=https' }, trusted)).toMatchObject({
    chain: ["203.0.113.5", "10.0.0.1"],
    proto: "https",
  });
});
