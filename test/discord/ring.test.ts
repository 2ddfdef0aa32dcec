/** Whose a key is, against an oracle that walks the circle one member at a time. */

import { Buffer } from 'node:buffer';
import t from 'tap';
import { isInRange } from '../../discord/ring/position.js';
import { elementaryRanges, Responsibility } from '../../discord/ring/responsibility.js';
import { Ring } from '../../discord/ring/ring.js';
import type { Member, View } from '../../discord/ring/view.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { randomKey, randomView } from './support/views.js';

const seed = seedOfRun();
const ROUNDS = 400;

/** The replicas of a key, owner first: sorts, then walks. */
function oracleReplicas(members: readonly Member[], replicas: number, key: Buffer): string[] {
  const sorted = [...members].sort((a, b) => Buffer.compare(a.position, b.position));
  const behind = sorted.filter(({ position }) => Buffer.compare(position, key) >= 0);
  const before = sorted.filter(({ position }) => Buffer.compare(position, key) < 0);
  return [...behind, ...before].slice(0, replicas).map(({ id }) => id);
}

function oracleResponsible(view: View, key: Buffer): string[] {
  const next = view.next?.members ?? [];
  const now = oracleReplicas(view.members, view.replicas, key);
  return [...new Set([...now, ...oracleReplicas(next, view.replicas, key)])];
}

function idsOf(members: readonly Member[]): string[] {
  return members.map(({ id }) => id);
}

t.test('the picture of the header', (t) => {
  const members = [0x20, 0x80, 0xe0].map((byte, origin) => {
    return { id: 'ABC'[origin]!, address: '', position: Buffer.from([byte]), origin };
  });
  const ring = new Ring(members, 2);
  const owner = (byte: number): string => members[ring.ownerOf(Buffer.from([byte]), 0, 1)]!.id;
  t.equal([0x10, 0x20, 0x21, 0x80, 0x81, 0xe0, 0xff].map(owner).join(''), 'AABBCCA');
  t.equal(ring.replicaOf(2, 1), 0, 'the replica behind the last is the first');
  t.strictSame(ring.rangeOf(0), { from: Buffer.from([0xe0]), to: Buffer.from([0x20]) });
  t.equal(ring.ownerOf(Buffer.from([1, 0x81, 1]), 1, 2), 2, 'a key within a buffer');
  t.end();
});

t.test(`owners, replicas and ranges are the oracle's, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < ROUNDS; round += 1) {
    const view = randomView(random);
    const ring = new Ring(view.members, view.replicas);
    const owners: string[][] = [];
    const oracle: string[][] = [];
    for (let n = 0; n < 20; n += 1) {
      const key = randomKey(random);
      const owner = ring.ownerOf(key, 0, key.length);
      const got = Array.from(
        { length: ring.replicaCount },
        (_, at) => view.members[ring.replicaOf(owner, at)]!.id,
      );
      owners.push(got);
      oracle.push(oracleReplicas(view.members, view.replicas, key));
      for (const [at, { id }] of view.members.entries()) {
        if (isInRange(ring.rangeOf(at), key) !== (at === owner)) t.fail('one range has the key');
        if (ring.holds(at, owner) !== got.includes(id)) t.fail('holds');
      }
    }
    t.strictSame(owners, oracle);
  }
  t.end();
});

t.test(`responsible in the current and in the next view, SEED=${seed}`, (t) => {
  const random = seededRandom(seed + 1);
  const found: Member[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const view = randomView(random);
    const all = new Responsibility(view);
    const responsible: [count: number, ids: string[]][] = [];
    const oracle: [count: number, ids: string[]][] = [];
    for (let n = 0; n < 20; n += 1) {
      const key = randomKey(random);
      const count = all.find(key, 0, key.length, found);
      const expected = oracleResponsible(view, key);
      responsible.push([count, idsOf(found)]);
      oracle.push([expected.length, expected]);
      for (const { id } of [...view.members, ...(view.next?.members ?? [])]) {
        const is = all.isResponsible(id, key, 0, key.length);
        if (is !== expected.includes(id)) t.fail('isResponsible');
      }
    }
    t.strictSame(responsible, oracle);
  }
  t.end();
});

t.test(`changed ranges are where the oracle's replicas differ, SEED=${seed}`, (t) => {
  const random = seededRandom(seed + 2);
  for (let round = 0; round < ROUNDS; round += 1) {
    const view = randomView(random);
    const changed = new Responsibility(view).changedRanges();
    const ranges = elementaryRanges(view);
    const seen: unknown[] = [];
    const oracle: unknown[] = [];
    for (let n = 0; n < 20; n += 1) {
      const key = randomKey(random);
      const covering = ranges.filter((range) => isInRange(range, key)).length;
      const now = oracleReplicas(view.members, view.replicas, key);
      const next = view.next && oracleReplicas(view.next.members, view.replicas, key);
      const inside = changed.find((range) => isInRange(range, key));
      const differs = next !== undefined && [...now].sort().join() !== [...next].sort().join();
      seen.push([covering, inside && [idsOf(inside.current), idsOf(inside.next)]]);
      oracle.push([1, differs ? [now, next] : undefined]);
    }
    t.strictSame(
      seen,
      oracle,
      'each key is in one range, and in a changed one where replicas differ',
    );
  }
  t.end();
});
