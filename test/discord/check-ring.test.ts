/** checkRing finds each break of the invariant, and nothing where there is none. */

import t from 'tap';
import { checkRing, type KnownView } from '../../discord/ring/check-ring.js';
import { type Member, membersAfter, type View } from '../../discord/ring/view.js';

const CLUSTER = '0'.repeat(32);

function memberAt(letter: string, origin: number): Member {
  const id = letter.charCodeAt(0).toString(16).padStart(40, '0');
  return { id, address: letter, position: Buffer.from(letter), origin };
}

function viewOf(letters: string, epoch: number, replicas = 3): View {
  const members = [...letters].map(memberAt);
  return { clusterId: CLUSTER, epoch, replicas, settings: [], originNext: 100, members };
}

/** Every member knows this view. */
function all(view: View, dead = ''): KnownView[] {
  return view.members.map((m) => ({ id: m.id, isLive: !dead.includes(m.address), view }));
}

t.test('settled rings', (t) => {
  for (const letters of ['a', 'ab', 'abc', 'abcdefgh']) {
    t.strictSame(checkRing(all(viewOf(letters, 1))), [], letters);
  }
  t.strictSame(checkRing(all(viewOf('abcdef', 1), 'be')), []);
  t.end();
});

t.test('no live successor', (t) => {
  t.match(checkRing(all(viewOf('abcdef', 1), 'bc')), [/no successor of .*61 is alive/]);
  t.strictSame(checkRing(all(viewOf('abcdef', 1, 4), 'bc')), []);
  t.match(checkRing(all(viewOf('abcdef', 1, 4), 'bcd'))[0], /no successor of .*61 is alive/);
  t.end();
});

t.test('two views of one epoch', (t) => {
  const known = all(viewOf('abc', 5));
  known[2] = { ...known[2]!, view: viewOf('abd', 5) };
  t.match(checkRing(known), [/two views of epoch 5/]);
  t.end();
});

t.test('a step is fine, a leap is not', (t) => {
  const before = viewOf('abcd', 5);
  const after = viewOf('abcde', 6);
  const known = all(after).map((k, at) => (at === 0 ? { ...k, view: before } : k));
  t.strictSame(checkRing(known), [], 'one is behind: nobody acts with it');
  const half = all(before).map((k, at) => (at < 2 ? { ...k, view: after } : k));
  t.strictSame(checkRing(half), [], 'no majority has reached the new view yet');
  const torn = all(viewOf('ace', 5));
  torn.push({ id: memberAt('d', 0).id, isLive: true, view: viewOf('abd', 6) });
  t.match(checkRing(torn).at(-1), /principals/);
  t.end();
});

t.test('out of order', (t) => {
  const view = viewOf('abcd', 1);
  const wrong = { ...view, members: [0, 2, 1, 3].map((at) => view.members[at]!) };
  t.match(checkRing(all(wrong)).join(), /go round twice|principals/);
  const twice = { ...view, members: [0, 0, 1, 2].map((at) => view.members[at]!) };
  t.match(checkRing(all(twice)).join(), /somebody twice/);
  t.end();
});

t.test('a move does not break it', (t) => {
  const before = viewOf('bdfh', 5);
  const change = { kind: 'move', id: memberAt('d', 1).id, position: Buffer.from('c') } as const;
  const after = { ...before, epoch: 6, members: membersAfter(before.members, change) };
  const known = all(before).map((k, at) => (at < 2 ? { ...k, view: after } : k));
  t.strictSame(checkRing(known), []);
  t.end();
});
