import { type Mutations, podOf, setEnv, spec } from "./edit.ts";

/** Faults of the other components. */
export const ofComponents: Mutations = {
  "the Sentinels' names misspelled": [
    (all) => setEnv(all, "signaling", "REDIS_SENTINELS", "redis://sentinel-0.sentinels:26379"),
    /sentinels/,
  ],
  "the Sentinels' port changed on one side": [
    (all) => Object.assign(podOf(all, "sentinel").container.ports?.[0] ?? {}, { containerPort: 26380 }),
    /listens on port 26379/,
  ],
  "Redis servers without their names": [
    (all) => delete spec(all, "Service", "redis").publishNotReadyAddresses,
    /not ready/,
  ],
  "servers that may not copy each other": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "redis-servers"), { egress: [] }),
    /refused: redis to redis:6379/,
  ],
  "Sentinels that may not meet": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "sentinels"), { ingress: [] }),
    /refused: sentinel to sentinel:26379/,
  ],
  "a Sentinel's secret less": [(all) => podOf(all, "sentinel").pod.volumes?.[1]?.secret?.items?.pop(), /secrets/],
  "the listener of the PROXY protocol moved on one side": [
    (all) => setEnv(all, "proxy", "PROXY_PROTOCOL_PORT", "8082"),
    /PROXY_PROTOCOL_PORT is 8082/,
  ],
  "the plain port open to all beside the PROXY protocol": [
    (all) => spec(all, "NetworkPolicy", "proxy").ingress?.push({ ports: [{ port: 8080 }] }),
    /needless: a stranger to proxy:8080/,
  ],
  "callers that send no PROXY header to its listener": [
    (all) => setEnv(all, "caller", "TARGET_URL", "http://proxy"),
    /needless: caller to proxy:8080/,
  ],
  "the board kept from Prometheus": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "board-to-prometheus"), { ingress: [] }),
    /refused: board to prometheus:9090/,
  ],
  "the board open to all": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "board"), { ingress: [{}] }),
    /needless: a stranger to board/,
  ],
};
