import { envOf, type Mutations, podOf, secretItems, setEnv, spec } from "./edit.ts";

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

/** Faults of the component nats. */
export const ofNats: Mutations = {
  "a NATS server's name misspelled": [
    (all) => setEnv(all, "signaling", "NATS_URL", "nats://nats-0.nat:4222"),
    /no Service answers at nats-0.nat/,
  ],
  "the servers' list misspelled": [
    (all) => setEnv(all, "nats", "NATS_SERVERS", "nats-0.natz nats-1.nats"),
    /no Service answers at nats-0.natz/,
  ],
  "a NATS server's port changed on one side": [
    (all) => Object.assign(podOf(all, "nats").container.ports?.[0] ?? {}, { containerPort: 4223 }),
    /listens on port 4222/,
  ],
  "the ports among the servers changed in a policy": [
    (all) => {
      for (const { ports = [] } of spec(all, "NetworkPolicy", "nats").egress ?? [])
        for (const one of ports) one.port = 6223;
    },
    /refused: nats to nats:6222/,
  ],
  "replicas kept from NATS": [
    (all) => Object.assign(spec(all, "NetworkPolicy", "signaling").egress?.[0]?.ports?.[0] ?? {}, { port: 6379 }),
    /refused: signaling to nats:4222/,
  ],
  "NATS open to the proxies": [
    (all) => spec(all, "NetworkPolicy", "nats").ingress?.push({ ports: [{ port: 4222 }] }),
    /needless: proxy to nats:4222/,
  ],
  "servers that do not find each other before they are ready": [
    (all) => delete spec(all, "Service", "nats").publishNotReadyAddresses,
    /not ready/,
  ],
  "servers that start one after the other": [
    (all) => delete spec(all, "StatefulSet", "nats").podManagementPolicy,
    /in parallel/,
  ],
  "another backplane": [(all) => setEnv(all, "signaling", "BACKPLANE", "pubsub"), /BACKPLANE is pubsub/],
  "a budget that lets two servers go": [
    (all) => Object.assign(spec(all, "PodDisruptionBudget", "nats"), { minAvailable: 1 }),
    /lets 2 pods go/,
  ],
  "a NATS server's secret less": [
    (all) =>
      podOf(all, "nats")
        .pod.volumes?.find(({ secret }) => secret)
        ?.secret?.items?.pop(),
    /secrets/,
  ],
  "a NATS server's secret renamed": [
    (all) => Object.assign(secretItems(all, "nats")[0], { key: "nats_passwort" }),
    /the Secret has no nats_passwort/,
  ],
  "a rule left for Redis": [
    (all) =>
      spec(all, "NetworkPolicy", "signaling").egress?.push({
        to: [{ podSelector: { matchLabels: { app: "redis" } } }],
        ports: [{ port: 6379 }],
      }),
    /a rule for no pod/,
  ],
  "a NATS server without its name": [
    (all) => Object.assign(envOf(all, "nats", "NATS_NAME"), { valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } }),
    /NATS_NAME is not metadata.name/,
  ],
};
