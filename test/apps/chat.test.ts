import { testApp } from "./app-drills.ts";

testApp("chat", ["kill-node"]);
