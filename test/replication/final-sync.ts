/** What synchronisation does in time, at once: every range of all its replicas becomes equal. */
import { elementaryRanges } from '../../discord/ring/responsibility.js';
import { ReplicatedDatabase } from '../../lib/store/replicated-database.js';
import { SyncSession } from '../../radix/sync/session.js';
import { drive } from '../radix-sync/wire.js';
import type { SceneNode } from '../support/ring-scene.js';

/** The replicas of each range of the ring that these nodes are, and the range's bounds. */
export function* replicasOf(nodes: readonly SceneNode[]) {
  const { responsibility } = nodes[0]!.links;
  for (const range of elementaryRanges(responsibility.view)) {
    const { current } = responsibility;
    const owner = current.ownerOf(range.to, 0, range.to.length);
    const replicas = Array.from({ length: current.replicaCount }, (_, n) => {
      const { id } = current.members[current.replicaOf(owner, n)]!;
      return nodes.find((node) => node.id === id)!;
    });
    yield { range, replicas };
  }
}

export function syncAll(nodes: readonly SceneNode[]): void {
  const databases = new Map(
    nodes.map((node) => [
      node,
      node.node.store.databases.map((database) => new ReplicatedDatabase(database)),
    ]),
  );
  // Twice: what the last of them has must come back to the first.
  for (const _ of [1, 2]) {
    for (const { range, replicas } of replicasOf(nodes)) {
      const [first, ...others] = replicas;
      for (const other of others) {
        const initiator = SyncSession.initiate(databases.get(first!)!, { range, salt: 1 });
        const responder = SyncSession.respond(databases.get(other)!);
        drive(initiator, responder, {}, []);
        if (initiator.outcome === null) throw initiator.error ?? new Error('no outcome');
      }
    }
  }
}
