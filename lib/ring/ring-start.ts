/**
 * A node's way into the ring: what it needs to know before it listens, and what it does once it
 * has loaded.
 *
 *   nothing on the disk, no --join     begins a ring of one
 *   nothing on the disk, --join        asks to be taken in, being empty
 *   a member on the disk               comes back as itself; --join is not needed
 *   removed while it was away          --join and no entries: enters anew
 */
import type { World } from '../../world/world.js';
import type { Settings } from '../config/settings.js';
import type { DurableRecords } from '../persistence/durable-records.js';
import type { Log } from '../server/log.js';
import type { Server } from '../server/server.js';
import type { Store } from '../store/store.js';
import { identityOf, keepIdentity, newMemberId } from './ring-identity.js';
import { RingMember, type RingMemberEvents } from './ring-member.js';
import { RingStartError, ringSettingsOf } from './ring-settings.js';

/** How often a node that was removed looks whether it has handed over all it had, ms. */
const RETURN_MS = 1000;

export interface RingStartParts {
  readonly world: World;
  readonly log: Log;
  readonly server: Server;
  readonly records: DurableRecords | undefined;
}

/** Rejects with a RingStartError, or the disk's errors. */
export async function prepareRing(
  parts: RingStartParts,
  settings: Settings,
  events: RingMemberEvents,
): Promise<RingMember> {
  const { records, world } = parts;
  const ringSettings = ringSettingsOf(settings);
  const identity = identityOf(records, world.random, ringSettings);
  const isNew = identity.record === undefined;
  if (isNew && identity.view !== undefined && ringSettings.contacts.length === 0) {
    throw new RingStartError(
      `the folder's member has left ring ${identity.view.clusterId}: give --join to enter it ` +
        'again, or another --dir',
    );
  }
  if (records !== undefined) await keepIdentity(records, identity.id);
  const { evictAfterMs, clockSkewMaxMs } = settings;
  const options = { ...ringSettings, evictAfterMs, clockSkewMaxMs };
  const ring = new RingMember({ ...parts, identity }, options, events);
  if (ringSettings.contacts.length === 0) ring.begin();
  return ring;
}

/** To be called once the node has loaded. Throws a RingStartError. */
export function enterRing(ring: RingMember, store: Store): void {
  if (ring.view === undefined && !isEmpty(store)) {
    throw new RingStartError(
      'join: only an empty node joins a ring, and the folder has entries; ' +
        'give another --dir, and bring them with dhash backup and restore',
    );
  }
  ring.start();
}

/** A removed member enters anew, as another one, once it has handed over all that it had. */
export function returnWhenEmpty(parts: RingStartParts, ring: RingMember, store: Store): void {
  const { log, records, world } = parts;
  log.error(
    { id: ring.selfId },
    'the ring has removed this member; it enters anew once it is empty',
  );
  const timer = world.timers.every(
    RETURN_MS,
    () => {
      if (!isEmpty(store)) return;
      timer.cancel();
      const id = newMemberId(world.random);
      const kept = records === undefined ? Promise.resolve() : keepIdentity(records, id);
      kept.then(
        () => ring.startAnew(id),
        (error: unknown) => log.error({ err: error }, 'cannot enter the ring anew'),
      );
    },
    true,
  );
}

function isEmpty(store: Store): boolean {
  return store.databases.every(({ tree }) => tree.allCount === 0);
}
