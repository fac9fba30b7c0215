import { appDrills, testApp } from "../apps/app-drills.ts";

testApp("chat", appDrills, { controls: true });
testApp("peerjs", appDrills, { install: true, controls: true });
testApp("y-webrtc", appDrills, { install: true, controls: true });
