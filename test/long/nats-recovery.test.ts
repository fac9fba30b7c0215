import { describeBackplane } from "../conformance/backplane-suite.ts";
import { describeRecovery } from "../conformance/recovery-suite.ts";

describeBackplane("nats-recovery");
describeRecovery("nats-recovery");
