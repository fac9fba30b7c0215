import { describeBackplane } from "./backplane-suite.ts";

describeBackplane("nats");
