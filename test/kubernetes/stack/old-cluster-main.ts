import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../manifests/objects.ts";
import { forOldCluster } from "./old-cluster.ts";

/** Reads manifests from standard input and writes those for the old cluster as one list. */
const objects = parseAllDocuments(readFileSync(0, "utf8")).map((document) => document.toJS() as KubernetesObject);
process.stdout.write(JSON.stringify({ apiVersion: "v1", kind: "List", items: forOldCluster(objects).objects }));
