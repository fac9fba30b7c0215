import type { Log } from "../../common/log.ts";
import { probe } from "../health/probe.ts";
import type { Prober } from "../health/prober.ts";
import { type ReplicaSpec, specAt } from "../routing/replica-spec.ts";
import type { Replica, ReplicaTable } from "../routing/replica-table.ts";
import type { AddressBook } from "./address-book.ts";

interface Member {
  readonly spec: ReplicaSpec;
  /** Stop watching its names. */
  unwatch: (() => void)[];
  /** Set while its addresses are compared. */
  looking: Promise<void> | undefined;
}

/**
 * Puts replicas into the table once their names resolve, and follows names whose address changes. A replica moves to
 * another address only when that one passes a probe, or the old one is down. So the resolver never removes a replica
 * that answers.
 */
export function createMembership(
  deps: { table: ReplicaTable; prober: Prober; book: AddressBook; log: Log },
  { timeoutMs }: { timeoutMs: number },
) {
  const { table, prober, book, log } = deps;
  const members = new Map<string, Member>();
  let closed = false;

  /** The replica at each address of its names; empty while one of them has never resolved. */
  function placesOf(spec: ReplicaSpec): ReplicaSpec[] {
    const hosts = book.addressesOf(spec.host);
    const readyHosts = book.addressesOf(spec.readyHost);
    if (hosts.length === 0 || readyHosts.length === 0) return [];
    const count = Math.max(hosts.length, readyHosts.length);
    return Array.from({ length: count }, (_, index) =>
      specAt(spec, hosts[index % hosts.length] as string, readyHosts[index % readyHosts.length] as string),
    );
  }

  function look(member: Member): Promise<void> {
    member.looking ??= joinOrFollow(member).finally(() => {
      member.looking = undefined;
    });
    return member.looking;
  }

  async function joinOrFollow(member: Member): Promise<void> {
    const places = placesOf(member.spec);
    const [first] = places;
    if (closed || first === undefined || members.get(member.spec.id) !== member) return;
    const replica = table.get(member.spec.id);
    if (replica === undefined) await prober.watch(table.put(first));
    else await follow(member, replica, places);
  }

  async function follow(member: Member, replica: Replica, places: readonly ReplicaSpec[]): Promise<void> {
    const isHeld = places.some((place) => samePlace(place, replica.spec));
    if (isHeld && replica.state !== "down") return;
    const others = places.filter((place) => !samePlace(place, replica.spec));
    const isCurrent = () =>
      !closed && members.get(replica.spec.id) === member && table.get(replica.spec.id) === replica;
    for (const place of others) {
      const seen = await probe(place.readyUrl, timeoutMs, place);
      if (!isCurrent()) return;
      if (seen.kind !== "failed") return move(replica, place);
    }
    // No address answers, so the probes must use the one that the name has now.
    if (!isHeld && replica.state === "down") await move(replica, others[0] as ReplicaSpec);
  }

  async function move(replica: Replica, place: ReplicaSpec): Promise<void> {
    log.info({ replica: place.id, from: replica.spec.host, to: place.host }, "the replica's address has changed");
    await prober.watch(table.move(replica, place));
  }

  function remove(id: string): boolean {
    const member = members.get(id);
    members.delete(id);
    for (const stop of member?.unwatch ?? []) stop();
    return table.remove(id) || member !== undefined;
  }

  return {
    /**
     * Adds a replica, or replaces one of the same id. Resolves when it was probed. Also resolves if its names have no
     * address yet; then it is absent and joins by itself.
     */
    async add(spec: ReplicaSpec): Promise<Replica | undefined> {
      remove(spec.id);
      const member: Member = { spec, unwatch: [], looking: undefined };
      members.set(spec.id, member);
      const names = new Set([spec.host, spec.readyHost]);
      await Promise.all(
        [...names].map(
          (name) =>
            new Promise<void>((resolve) => {
              const told = () => {
                resolve();
                void look(member);
              };
              member.unwatch.push(book.watch(name, told));
              if (book.addressesOf(name).length > 0) resolve();
            }),
        ),
      );
      await look(member);
      return table.get(spec.id);
    },
    /** Removes a replica for good. Returns false if there was none. */
    remove,
    /** Ids of replicas whose names have never resolved. */
    absent: (): string[] => [...members.keys()].filter((id) => table.get(id) === undefined),
    close(): void {
      closed = true;
      book.close();
    },
  };
}

export type Membership = ReturnType<typeof createMembership>;

function samePlace(a: ReplicaSpec, b: ReplicaSpec): boolean {
  return a.host === b.host && a.readyHost === b.readyHost;
}
