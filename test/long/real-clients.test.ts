import { chatClients } from "../apps/clients-chat.ts";
import { peerjsClients } from "../apps/clients-peerjs.ts";
import { yWebrtcClients } from "../apps/clients-y-webrtc.ts";
import { testRealClients } from "../apps/real-clients.ts";

testRealClients(chatClients, { idleMs: 60_000 });
testRealClients(peerjsClients, { idleMs: 60_000 });
testRealClients(yWebrtcClients, { idleMs: 60_000 });
