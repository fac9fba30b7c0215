import { appDrills, testApp } from "../apps/app-drills.ts";

testApp("chat", appDrills);
testApp("peerjs", appDrills, { install: true });
testApp("y-webrtc", appDrills, { install: true });
