import { chatClients } from "./clients-chat.ts";
import { testRealClients } from "./real-clients.ts";

testRealClients(chatClients, { only: ["kill, and the return of the replica", "a drain through the proxy"] });
