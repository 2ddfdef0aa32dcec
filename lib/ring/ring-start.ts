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
  if (records !== undefined) await keepIdentity(records, identity.id);
  const { evictAfterMs, clockSkewMaxMs } = settings;
  const options = { ...ringSettings, evictAfterMs, clockSkewMaxMs };
  const ring = new RingMember({ ...parts, identity }, options, events);
  if (ringSettings.contacts.length === 0) ring.begin();
  return ring;
}

/** To be called once the node has loaded. Rejects with a RingStartError, or the disk's errors. */
export async function enterRing(
  parts: RingStartParts,
  ring: RingMember,
  store: Store,
): Promise<void> {
  if (ring.view === undefined && !isEmpty(store)) {
    throw new RingStartError(
      'join: only an empty node joins a ring, and the folder has entries; ' +
        'give another --dir, and bring them with dhash backup and restore',
    );
  }
  // Which ring it enters, once it has nothing of the one that has removed it, is for the flags to say.
  const mayGo = ring.view !== undefined && !ring.isInView && isEmpty(store);
  if (mayGo) await enterAnew(parts, ring, ring.options.contacts);
  else ring.start();
}

/** A removed member enters anew, as another one, once it has handed over all that it had. */
export function returnWhenEmpty(parts: RingStartParts, ring: RingMember, store: Store): void {
  const { log, world } = parts;
  log.error(
    { id: ring.selfId },
    'the ring has removed this member; it enters anew once it is empty',
  );
  const timer = world.timers.every(
    RETURN_MS,
    () => {
      if (!isEmpty(store)) return;
      timer.cancel();
      const known = ring.allMembers().map(({ address }) => address);
      const contacts = [...new Set([...known, ...ring.options.contacts])];
      enterAnew(parts, ring, contacts).catch((error: unknown) =>
        log.error({ err: error }, 'cannot enter the ring anew'),
      );
    },
    true,
  );
}

async function enterAnew(
  { records, world }: RingStartParts,
  ring: RingMember,
  contacts: readonly string[],
): Promise<void> {
  const id = newMemberId(world.random);
  if (records !== undefined) await keepIdentity(records, id);
  ring.startAnew(id, contacts);
}

function isEmpty(store: Store): boolean {
  return store.databases.every(({ tree }) => tree.allCount === 0);
}
