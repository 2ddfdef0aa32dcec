/**
 * One epoch, as adversarial as can be: no time, any message at any moment, any number of times;
 * members crash at any moment and come back with their last record. There is one decision.
 */

import t from 'tap';
import { type Member, membersAfter, type View } from '../../discord/ring/view.js';
import { encodeView } from '../../discord/ring/view-codec.js';
import { Agreement } from '../../discord/views/agreement.js';
import { rolledBack, settled, stepOf } from '../../discord/views/changes.js';
import { settingsOf } from '../../discord/views/options.js';
import { Outbox, type ViewOutgoing } from '../../discord/views/outbox.js';
import { Votes } from '../../discord/views/votes.js';
import { SimRandom } from '../../world/sim/random.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const RUNS = 4000;
const STEPS = 200;

class Voter {
  readonly member: Member;
  record: Buffer;
  agreement!: Agreement;
  #out = new Outbox();
  readonly #random: SimRandom;

  constructor(member: Member, view: View, seed: number) {
    this.member = member;
    this.#random = new SimRandom(seed, member.id);
    const votes = new Votes();
    votes.learn(view);
    this.record = votes.encode();
    this.crash();
  }

  crash(): void {
    this.#out = new Outbox();
    const parts = { id: this.member.id, votes: Votes.decode(this.record), out: this.#out };
    this.agreement = new Agreement({ ...parts, random: this.#random }, settingsOf({}));
  }

  /** What it says now, after its record was synced. */
  take(): readonly ViewOutgoing[] {
    const out = this.#out.take(() => this.agreement.votes.encode());
    if (out.record !== null) this.record = out.record;
    return out.messages;
  }
}

function memberOf(at: number): Member {
  const id = `${at + 1}`.repeat(40);
  return { id, address: id, position: Buffer.from([at * 10]), origin: at };
}

/** A view of so many members, of which one more may be about to join. */
function startView(random: SeededRandom): View {
  const count = random.pick([1, 2, 3, 3, 3, 4, 5]);
  const members = Array.from({ length: count }, (_, at) => memberOf(at));
  const view = { clusterId: '0'.repeat(32), epoch: 1, replicas: 3, settings: [], originNext: 9 };
  if (random.chance(0.4)) return { ...view, members };
  const change = { kind: 'join', member: memberOf(count) } as const;
  return { ...view, members, next: { change, members: membersAfter(members, change) } };
}

function wantedBy(voter: Voter, view: View, random: SeededRandom): View {
  if (view.next !== undefined) return random.chance(0.5) ? settled(view) : rolledBack(view);
  const position = Buffer.from([voter.member.position[0]! + 1 + random.below(5)]);
  const step = stepOf(view, { kind: 'move', id: voter.member.id, position }, () => position);
  if (step.kind !== 'view') throw new Error(step.kind);
  return step.view;
}

/** The views that were decided for epoch 2. */
function run(of: number): Set<string> {
  const random = seededRandom(of);
  const view = startView(random);
  const everybody = view.next?.members ?? view.members;
  const voters = everybody.map((member) => new Voter(member, view, of));
  const decided = new Set<string>();
  const bag: { from: Voter; out: ViewOutgoing }[] = [];
  const crashChance = random.pick([0.01, 0.1]);
  const proposeChance = random.pick([0.03, 0.1]);
  for (let step = 0; step < STEPS; step += 1) {
    const dice = random.float();
    const voter = random.pick(voters);
    const isMember = view.members.includes(voter.member);
    if (dice < crashChance) voter.crash();
    else if (dice < crashChance + proposeChance && voter.agreement.votes.epoch === 2 && isMember) {
      voter.agreement.propose(0, wantedBy(voter, view, random));
    } else if (bag.length > 0) {
      const at = random.below(bag.length);
      const { from, out } = bag[at]!;
      if (random.chance(0.9)) bag.splice(at, 1);
      const to = voters.find(({ member }) => member.id === out.to.id)!;
      to.agreement.receive(0, from.member, out.message);
    }
    for (const each of voters) {
      for (const out of each.take()) bag.push({ from: each, out });
      const known = each.agreement.votes.view!;
      if (known.epoch === 2) decided.add(encodeView(known).toString('hex'));
    }
  }
  return decided;
}

t.test(`one decision, SEED=${seed}`, (t) => {
  let decidedCount = 0;
  for (let at = seed; at < seed + RUNS; at += 1) {
    const decided = run(at);
    decidedCount += decided.size;
    if (decided.size > 1) t.fail(`seed ${at}: ${decided.size} decisions`);
  }
  t.ok(decidedCount > RUNS / 4, `${decidedCount} of ${RUNS} runs decided`);
  t.end();
});
