import { expect, test } from "vitest";
import { splitBaseUrl } from "./base-url.ts";

test.for([
  ["https://calls.example.com", "https://calls.example.com", ""],
  ["https://calls.example.com/", "https://calls.example.com", ""],
  ["https://example.com/calls", "https://example.com", "/calls"],
  ["https://example.com:8443/a/b//?x=1#y", "https://example.com:8443", "/a/b"],
  ["wss://example.com/calls/", "https://example.com", "/calls"],
  ["ws://127.0.0.1:8080", "http://127.0.0.1:8080", ""],
] as const)("%s", ([url, origin, prefix]) => {
  expect(splitBaseUrl(url)).toEqual({ origin, prefix });
});
