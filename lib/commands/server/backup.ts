/**
 * DHASH BACKUP and DHASH RESTORE: how `dhash backup` and `dhash restore` read and fill a node.
 *
 *   > DHASH BACKUP                 < bulk: facts, as JSON
 *                                  < bulk: a chunk of entries      any number of replies, until
 *                                  < bulk, empty: the end          an empty one or an error
 *
 *   > DHASH RESTORE BEGIN          < OK          the node, and its ring, hold nothing
 *   > DHASH RESTORE CHUNK bytes    < records that changed something
 *   > DHASH RESTORE END            < records of all chunks
 */
import { SnapshotLostError } from '../../../radix/snapshot.js';
import type { Pause } from '../../../radix/sync/link.js';
import { SyncError } from '../../../radix/sync/sync-error.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { type BackupFacts, type BackupRange, CHUNK_FORMAT } from '../../backup/backup-file.js';
import { BackupStream } from '../../backup/backup-stream.js';
import { restoreRefusal } from '../../backup/restore-check.js';
import { RestoreIntake } from '../../backup/restore-intake.js';
import type { RingMember } from '../../ring/ring-member.js';
import { askAll } from '../../ring/ring-status.js';
import type { Session, Task } from '../../server/session.js';
import type { Store } from '../../store/store.js';
import { DHASH_VERSION } from '../../version.js';
import {
  ADMIN,
  type CommandRow,
  DENY_OOM,
  NO_MULTI,
  NO_SCRIPT,
  READONLY,
  WRITE,
} from '../command.js';
import { SYNTAX_ERROR } from '../replies.js';
import { answerLater } from './later.js';

/** Records between two looks at the clock. */
const STEP_RECORDS = 64;
const OUT_OF_PLACE = 'ERR DHASH RESTORE BEGIN comes first';

class BackupTask implements Task {
  readonly isTransfer = true;
  readonly #session: Session;
  readonly #stream: BackupStream;

  constructor(session: Session) {
    this.#session = session;
    const { store } = session.server;
    this.#stream = new BackupStream(store);
    const { libraries } = session.server.scripts.libraries;
    const facts: BackupFacts = {
      format: CHUNK_FORMAT,
      version: DHASH_VERSION,
      createdMs: store.nowMs,
      databases: store.databases.length,
      entries: entryCount(store),
      memoryBytes: store.space.usedBytes,
      ranges: rangesOf(session.server.ring),
      functions: Array.from(libraries, ({ code }) => code),
    };
    const json = Buffer.from(JSON.stringify(facts));
    session.reply.bulk(json, 0, json.length);
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    try {
      while (this.#stream.write(STEP_RECORDS)) {
        if (this.#stream.isFull) {
          this.#reply();
          return false;
        }
        if (clock.monotonicMs() >= deadlineMs) return false;
      }
    } catch (error) {
      this.cancel();
      if (!(error instanceof SnapshotLostError)) throw error;
      reply.error(
        'OOM the memory for keys is full: the backup could not be kept apart from writes',
      );
      return true;
    }
    this.#reply();
    reply.bulkLatin1('');
    this.cancel();
    return true;
  }

  #reply(): void {
    const chunk = this.#stream.takeChunk();
    if (chunk.length > 0) this.#session.reply.bulk(chunk, 0, chunk.length);
  }

  cancel(): void {
    this.#stream.close();
  }
}

/** What this node holds by the view at hand: of one that is alone, all keys. */
function rangesOf(ring: RingMember | undefined): BackupRange[] {
  if (ring === undefined) return [{ after: '', upTo: '' }];
  if (!ring.isReady || ring.selfIndex < 0) return [];
  const { current } = ring.responsibility;
  return current.members
    .map((_, owner) => owner)
    .filter((owner) => current.holds(ring.selfIndex, owner))
    .map((owner) => {
      const { from, to } = current.rangeOf(owner);
      return { after: from.toString('base64'), upTo: to.toString('base64') };
    });
}

function backup(session: Session): void {
  session.defer(new BackupTask(session));
}

class RestoreTask implements Task {
  readonly #session: Session;
  readonly #intake: RestoreIntake;
  readonly #work: Generator<Pause, void, void>;
  readonly #appliedBefore: number;

  constructor(session: Session, intake: RestoreIntake, chunk: Buffer) {
    this.#session = session;
    this.#intake = intake;
    this.#work = intake.push(chunk);
    this.#appliedBefore = intake.appliedCount;
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    try {
      while (this.#work.next().done !== true) if (clock.monotonicMs() >= deadlineMs) return false;
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      reply.error(`ERR this is no chunk of a backup: ${error.message}`);
      return true;
    }
    reply.integer(this.#intake.appliedCount - this.#appliedBefore);
    return true;
  }
}

function entryCount(store: Store): number {
  return store.databases.reduce((sum, { tree }) => sum + tree.allCount, 0);
}

function begin(session: Session, _args: Args, reply: ReplyWriter): void {
  const { ring, store } = session.server;
  if (ring !== undefined && !ring.isAlone) {
    beginInRing(session, ring);
    return;
  }
  const held = entryCount(store);
  if (held > 0) {
    reply.error(`ERR the node holds ${held} entries: a backup is restored into an empty one`);
    return;
  }
  // They would hide what is older.
  for (const database of store.databases) database.forgetClear();
  take(session, reply);
}

/** What is taken goes to the other replicas as any write does, and to its owners by the loops. */
function beginInRing(session: Session, ring: RingMember): void {
  const answer = answerLater(session);
  const { store } = session.server;
  // Not within this turn, also where nobody has to be asked.
  store.world.timers.soon(() => {
    askAll(ring, store, (members) => {
      answer((late) => {
        const refusal = restoreRefusal(members);
        if (refusal !== undefined) late.error(refusal);
        else take(session, late);
      });
    });
  });
}

function take(session: Session, reply: ReplyWriter): void {
  session.restoring?.close();
  session.restoring = intakeOf(session, session.server.store);
  reply.ok();
}

function intakeOf(session: Session, store: Store): RestoreIntake {
  const { settings } = session.server;
  return new RestoreIntake(store.databases, {
    valueBytesMax: settings.protoMaxBulkLen,
    expiredUntilMs: () => store.nowMs,
  });
}

function chunk(session: Session, args: Args, reply: ReplyWriter): void {
  const { restoring } = session;
  if (restoring === undefined) reply.error(OUT_OF_PLACE);
  else session.defer(new RestoreTask(session, restoring, Buffer.from(args.bytes(3))));
}

function end(session: Session, _args: Args, reply: ReplyWriter): void {
  const { restoring } = session;
  if (restoring === undefined) {
    reply.error(OUT_OF_PLACE);
    return;
  }
  session.restoring = undefined;
  restoring.close();
  if (restoring.isWhole) reply.integer(restoring.receivedCount);
  else reply.error('ERR the last entry of the backup is cut off, and was not applied');
}

function restore(session: Session, args: Args, reply: ReplyWriter): void {
  const isLast = args.count === 3;
  if (isLast && args.equalsIgnoreCase(2, 'BEGIN')) begin(session, args, reply);
  else if (args.count === 4 && args.equalsIgnoreCase(2, 'CHUNK')) chunk(session, args, reply);
  else if (isLast && args.equalsIgnoreCase(2, 'END')) end(session, args, reply);
  else reply.error(SYNTAX_ERROR);
}

const ALONE = ADMIN | NO_MULTI | NO_SCRIPT;

export const backupCommands: readonly CommandRow[] = [
  { name: 'backup', arity: 2, flags: ALONE | READONLY, handler: backup },
  { name: 'restore', arity: -3, flags: ALONE | WRITE | DENY_OOM, handler: restore },
];
