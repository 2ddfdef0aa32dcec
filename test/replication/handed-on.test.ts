/**
 * The view changes while writes wait for their replicas: an acknowledgement counts only towards a
 * majority of those who hold the key now, and the new ones of them are sent what is pending.
 */
import t from 'tap';
import { type Done, PeerRequest } from '../../discord/peer/pipeline.js';
import { Responsibility } from '../../discord/ring/responsibility.js';
import { type Change, type Member, membersAfter, type View } from '../../discord/ring/view.js';
import { Settings } from '../../lib/config/settings.js';
import { LEVEL_QUORUM } from '../../lib/replication/levels.js';
import { Replication } from '../../lib/replication/replication.js';
import type { Channel, RingEvents, RingLinks } from '../../lib/ring/ring-links.js';
import { quietLog } from '../../lib/server/log.js';
import { Store } from '../../lib/store/store.js';
import { SimWorld } from '../../world/sim/sim-world.js';

const KEY = Buffer.from('a');
const EPOCH = 5;

function memberOf(name: string): Member {
  const id = Buffer.from(name.repeat(20)).toString('hex');
  return { id, address: `${name}:1`, position: Buffer.from(name), origin: name.charCodeAt(0) };
}

/** Member `a`, which owns KEY, with links on which the test answers. */
class Owner implements RingLinks {
  readonly selfId: string;
  readonly isReady = true;
  readonly isSkewed = false;
  readonly sim = new SimWorld({ seed: 1 });
  readonly store: Store;
  readonly replication: Replication;
  readonly dead = new Set<string>();
  readonly told: string[] = [];
  responsibility: Responsibility;
  #events: RingEvents = {};
  #requests: { readonly name: string; readonly request: PeerRequest }[] = [];

  constructor(names: string, replicas: number) {
    const members = names.split('').map(memberOf);
    this.selfId = members[0]!.id;
    const clusterId = '0'.repeat(32);
    const rest = { clusterId, settings: [], originNext: 1000 };
    this.responsibility = new Responsibility({ ...rest, epoch: EPOCH, replicas, members });
    const world = this.sim.host('a');
    this.store = new Store({ world }, new Settings());
    this.replication = new Replication(
      { world, store: this.store, links: this, log: quietLog },
      { membersMissing: () => {}, fellBehind: () => {} },
    );
    this.replication.start();
  }

  get selfIndex(): number {
    return this.responsibility.current.indexOf(this.selfId);
  }

  isAlive(memberId: string): boolean {
    return !this.dead.has(memberId);
  }

  request(
    memberId: string,
    _: Channel,
    __: readonly (string | Buffer)[],
    ___: number,
    done: Done,
  ): PeerRequest {
    const name = Buffer.from(memberId, 'hex').toString().charAt(0);
    const request = new PeerRequest(Buffer.alloc(0), 0, done);
    this.#requests.push({ name, request });
    return request;
  }

  serve(): void {}

  listen(events: RingEvents): void {
    this.#events = events;
  }

  reportFilled(): void {}

  move(): void {}

  /** Who was sent what is not answered. */
  get asked(): string {
    return this.#requests
      .filter(({ request }) => request.done !== undefined)
      .map(({ name }) => name)
      .sort()
      .join('');
  }

  /** Writes KEY, and waits for a majority. */
  write(value: string): void {
    const { replication, store, told } = this;
    const bytes = Buffer.from(value);
    store.beginCommand();
    store.databases[0]!.set(KEY, 0, KEY.length, bytes, 0, bytes.length, 0);
    const { turn } = replication;
    replication.turnEnds();
    const isHeld = replication.hold(turn, turn, LEVEL_QUORUM, {
      safe: () => told.push(`${value} is safe`),
      doubtful: () => told.push(`${value} is in doubt`),
    });
    if (!isHeld) told.push(`${value} is safe at once`);
  }

  /** What a member has been sent it has, and knows this view. */
  answer(name: string, epoch: number): void {
    const mine = this.#requests.filter((request) => request.name === name);
    this.#requests = this.#requests.filter((request) => request.name !== name);
    for (const { request } of mine) request.done?.(null, epoch);
  }

  /** The ring makes a change: proposed, and with `isSettled` made. */
  change(change: Change, isSettled: boolean): void {
    const { next: _, ...view } = this.responsibility.view;
    const members = membersAfter(view.members, change);
    const epoch = view.epoch + (isSettled ? 2 : 1);
    const changed: View = isSettled
      ? { ...view, epoch, members }
      : { ...view, epoch, next: { change, members } };
    this.responsibility = new Responsibility(changed);
    this.#events.view?.();
  }

  async pass(ms: number): Promise<string[]> {
    await this.sim.runFor(ms);
    return this.told.splice(0);
  }
}

for (const isSettled of [false, true]) {
  const what = isSettled ? 'has evicted it' : 'evicts it';
  void t.test(`an owner whose ring ${what} meanwhile`, async (t) => {
    const owner = new Owner('abcd', 3);
    owner.write('1');
    t.equal(owner.asked, 'bc');
    owner.change({ kind: 'evict', id: owner.selfId }, isSettled);
    const epoch = owner.responsibility.view.epoch;
    // They know the newer view already: what they were sent is sent again.
    owner.answer('b', epoch);
    owner.answer('c', epoch);
    t.strictSame(await owner.pass(200), []);
    t.equal(owner.asked, 'bcd', 'who will hold the key is sent it too');
    owner.answer('b', epoch);
    t.strictSame(await owner.pass(200), [], 'b alone is no majority of b, c and d');
    owner.answer('d', epoch);
    t.strictSame(await owner.pass(200), ['1 is safe']);
  });
}

void t.test('what was dropped before does not count where it never arrived', async (t) => {
  const owner = new Owner('abcd', 3);
  owner.write('1');
  const c = memberOf('c').id;
  owner.dead.add(c);
  for (const stream of owner.replication.streams) if (stream.memberId === c) stream.dropAll();
  owner.change({ kind: 'evict', id: owner.selfId }, false);
  t.strictSame(await owner.pass(200), ['1 is in doubt']);
});

void t.test('what a majority had is safe, whatever the ring becomes', async (t) => {
  const owner = new Owner('abcd', 3);
  owner.write('1');
  owner.answer('b', EPOCH);
  owner.change({ kind: 'evict', id: owner.selfId }, true);
  t.strictSame(await owner.pass(200), ['1 is safe']);
});

void t.test('a join with two replicas puts nothing in doubt', async (t) => {
  const owner = new Owner('az', 2);
  owner.write('1');
  t.equal(owner.asked, 'z');
  owner.change({ kind: 'join', member: memberOf('m') }, false);
  t.equal(owner.asked, 'mz');
  owner.answer('z', EPOCH);
  t.strictSame(await owner.pass(200), [], 'who will hold it is waited for');
  owner.answer('m', owner.responsibility.view.epoch);
  t.strictSame(await owner.pass(200), ['1 is safe']);
});
