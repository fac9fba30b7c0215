import { type Command, UsageError } from "../command.ts";
import { scale as scaleTo } from "../stack/scale.ts";

/** `scale 4`: runs that number of replicas. */
export const scale: Command = {
  usage: "1..5",
  summary: "run that number of replicas, and register them with the proxy and Prometheus",
  async run({ stack, print }, [wanted, ...rest]) {
    if (wanted === undefined || !/^\d+$/.test(wanted) || rest.length > 0)
      throw new UsageError("say how many replicas: make scale N=4");
    await scaleTo(stack, Number(wanted), print);
    print(`${wanted} replicas are ready`);
    return 0;
  },
};
