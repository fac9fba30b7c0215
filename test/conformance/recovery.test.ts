import { describeRecovery } from "./recovery-suite.ts";

describeRecovery("streams");
