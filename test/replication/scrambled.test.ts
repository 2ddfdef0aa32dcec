/**
 * Two or three stores in one process, and between them messages that are late, lost, doubled and
 * overtake each other, as no connection does it. Entries merge in any order and any number of
 * times, so in the end all stores are equal, without any synchronisation.
 */
import t from 'tap';
import type { Channel } from '../../discord/peer/handshake.js';
import { PeerError } from '../../discord/peer/peer-error.js';
import { type Done, type PeerReply, PeerRequest } from '../../discord/peer/pipeline.js';
import { Responsibility } from '../../discord/ring/responsibility.js';
import { type Member, type View } from '../../discord/ring/view.js';
import { Settings } from '../../lib/config/settings.js';
import { Replication } from '../../lib/replication/replication.js';
import type { PeerVerb, RingEvents, RingLinks } from '../../lib/ring/ring-links.js';
import { quietLog } from '../../lib/server/log.js';
import type { Session, Task } from '../../lib/server/session.js';
import { Store } from '../../lib/store/store.js';
import { Args } from '../../resp/args.js';
import { ChunkPool } from '../../resp/chunk-pool.js';
import { type Reply, ReplyError, ReplyParser } from '../../resp/reply-parser.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import { ManualWorld } from '../support/manual-world.js';
import { type SeededRandom, seededRandom } from '../support/random.js';
import { contentsOf } from './contents.js';

const SEED = Number(process.env['SEED'] ?? 0);
const RUNS = 20;
const STEPS = 200;
const LATE_MAX_MS = 3000;
const TYPE_SET = 2;

class Network {
  readonly world = new ManualWorld();
  readonly pool = new ChunkPool();
  readonly random: SeededRandom;
  readonly view: View;
  readonly members: FakeLinks[] = [];
  trouble = 0.3;

  constructor(random: SeededRandom, count: number) {
    this.random = random;
    const members = Array.from({ length: count }, (_, n): Member => {
      const position = Buffer.from([(n + 1) * 60]);
      return { id: String(n).repeat(40), address: `m${n}:1`, position, origin: n };
    });
    this.view = {
      clusterId: '0'.repeat(32),
      epoch: 3,
      replicas: count,
      settings: [],
      originNext: count,
      members,
    };
    for (const { id } of members) this.members.push(new FakeLinks(this, id));
  }

  /** Runs the action now or late, twice, or never. */
  deliver(action: () => void): void {
    const { random, trouble } = this;
    if (random.chance(trouble / 3)) return;
    const times = random.chance(trouble / 3) ? 2 : 1;
    for (let n = 0; n < times; n += 1) {
      this.world.timers.after(random.chance(trouble) ? random.below(LATE_MAX_MS) : 1, action);
    }
  }
}

class FakeLinks implements RingLinks {
  readonly selfId: string;
  readonly isReady = true;
  readonly isSkewed = false;
  readonly responsibility: Responsibility;
  readonly selfIndex: number;
  readonly verbs = new Map<string, PeerVerb>();
  readonly #network: Network;

  constructor(network: Network, selfId: string) {
    this.#network = network;
    this.selfId = selfId;
    this.responsibility = new Responsibility(network.view);
    this.selfIndex = this.responsibility.current.indexOf(selfId);
  }

  isAlive(): boolean {
    return true;
  }

  request(
    memberId: string,
    _channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest {
    const network = this.#network;
    const request = new PeerRequest(Buffer.alloc(0), 0, done);
    const finish = (error: PeerError | null, reply: PeerReply): void => {
      const tell = request.done;
      request.done = undefined;
      tell?.(error, reply);
    };
    network.deliver(() => {
      const reply = network.members.find(({ selfId }) => selfId === memberId)!.asked(this, words);
      network.deliver(() => finish(null, reply));
    });
    network.world.timers.after(timeoutMs, () =>
      finish(new PeerError('PEER_TIMEOUT', 'late'), null),
    );
    return request;
  }

  asked(from: FakeLinks, words: readonly (string | Buffer)[]): PeerReply {
    const writer = new ReplyWriter(this.#network.pool);
    const run = (task: Task): void => {
      while (!task.step(Number.POSITIVE_INFINITY));
    };
    const session = { peer: { memberId: from.selfId }, defer: run } as unknown as Session;
    this.verbs.get(String(words[0]))!.handler(session, Args.of(...words), writer);
    const parser = new ReplyParser();
    writer.flush({
      write: (buf, at, end) => {
        parser.feed(Buffer.from(buf.subarray(at, end)));
        return true;
      },
    });
    return asPeerReply(parser.next()!);
  }

  serve(verb: PeerVerb): void {
    this.verbs.set(verb.name, verb);
  }

  listen(_events: RingEvents): void {}

  reportFilled(): void {}

  move(): void {}
}

function asPeerReply(reply: Reply): PeerReply {
  if (reply instanceof ReplyError) return new Error(reply.message);
  return reply as PeerReply;
}

function randomWrite(random: SeededRandom, store: Store): void {
  store.refresh();
  store.beginCommand();
  const database = store.databases[random.below(2)]!;
  const key = Buffer.from(`key:${random.below(12)}`);
  const at = [key, 0, key.length] as const;
  // Pieces of longer values come in order, or are refused.
  const value = random.bytes(random.chance(0.03) ? 60_000 : 20);
  const dice = random.float();
  if (dice < 0.01) database.flush();
  else if (dice < 0.15) database.remove(...at);
  else if (dice < 0.5) {
    const set = database.collection();
    if (!set.openToWrite(...at, TYPE_SET)) database.remove(...at);
    store.beginCommand();
    set.openToWrite(...at, TYPE_SET);
    const member = Buffer.from(`m${random.below(9)}`);
    if (random.chance(0.3)) set.remove(member, 0, member.length);
    else set.put(member, 0, member.length, Buffer.alloc(0), 0, 0);
  } else if (dice < 0.6 && database.peek(...at) !== 0) {
    database.setExpiry(...at, random.chance(0.2) ? 0 : store.nowMs + 10_000_000);
  } else database.set(...at, value, 0, value.length, 0);
}

function run(seed: number): void {
  const random = seededRandom(seed);
  const network = new Network(random, 2 + random.below(2));
  const { world } = network;
  const stores: Store[] = [];
  const replications: Replication[] = [];
  for (const links of network.members) {
    const store = new Store({ world }, new Settings());
    const parts = { world, store, links, log: quietLog };
    const replication = new Replication(parts, {
      membersMissing: () => {},
      fellBehind: () => {},
    });
    replication.start();
    stores.push(store);
    replications.push(replication);
  }
  for (let step = 0; step < STEPS; step += 1) {
    randomWrite(random, random.pick(stores));
    world.advance(random.below(20));
  }
  network.trouble = 0;
  world.advance(60_000);
  const [first, ...others] = stores.map((store) => {
    while (!store.expireDue(Number.POSITIVE_INFINITY));
    return contentsOf(store);
  });
  for (const other of others) t.strictSame(other, first, `seed ${seed}`);
  for (const { streams } of replications) {
    for (const { droppedBatches, inFlightCount, waitingCount } of streams) {
      const left = { droppedBatches, inFlightCount, waitingCount };
      t.strictSame(left, { droppedBatches: 0, inFlightCount: 0, waitingCount: 0 }, `seed ${seed}`);
    }
  }
}

void t.test('messages that are late, lost, doubled and overtake each other', (t) => {
  const first = SEED === 0 ? 1 : SEED;
  const count = SEED === 0 ? RUNS : 1;
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      run(seed);
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`);
    }
  }
  t.end();
});
