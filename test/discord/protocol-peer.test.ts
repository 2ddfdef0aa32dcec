/** docs/protocol-peer.md: its example is what the code says, its limits are the code's. */

import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Dialer, Listener } from '../../discord/peer/handshake.js';
import { checkoutRoot } from '../support/architecture.js';

const DOCUMENT = readFileSync(join(checkoutRoot(), 'docs/protocol-peer.md'), 'utf8');
const EXAMPLE = DOCUMENT.split('\n').filter((line) => /^[<>] /.test(line));
const SECRET = Buffer.from('correct horse battery staple');

t.test('the example, by the code', (t) => {
  const [hello = [], fields = []] = EXAMPLE.map((line) => line.slice(2).split(' '));
  const dialer = new Dialer(
    { memberId: hello[5]!, clusterId: hello[4], secret: SECRET },
    { channel: 'control', nonce: Buffer.from(hello[6]!, 'hex') },
  );
  const listener = new Listener(
    { memberId: fields[2]!, clusterId: fields[1], secret: SECRET },
    Buffer.from(fields[3]!, 'hex'),
  );
  const said = dialer.hello();
  const answer = listener.receive(said);
  if (!('fields' in answer)) throw new Error('refused');
  const proof = dialer.prove(answer.fields);
  const last = listener.receive(proof);
  if (!('proof' in last)) throw new Error('refused');
  t.strictSame(EXAMPLE, [
    `> ${said.join(' ')}`,
    `< ${answer.fields.join(' ')}`,
    `> ${proof.join(' ')}`,
    `< ${last.proof}`,
  ]);
  t.equal(dialer.finish(last.proof).memberId, fields[2]);
  t.end();
});

t.test('the example, by the words of the document', (t) => {
  const lines = EXAMPLE.map((line) => line.slice(2).split(' '));
  const sides = [...lines[0]!.slice(4), ...lines[1]!.slice(1)];
  for (const [role, line, at] of [['dialer', 2, 2] as const, ['listener', 3, 0] as const]) {
    const proved = [role, 'dhash-peer', '1', 'control', ...sides].join('\n');
    const mac = createHmac('sha256', 'correct horse battery staple').update(proved).digest('hex');
    t.equal(lines[line]![at], mac, role);
  }
  t.end();
});
