/** Several clients combine big sets at the same time, a slice of each in turn: each gets its own. */
import t from 'tap';
import { Scene } from '../support/scene.js';

const COUNT = 2000;
/** With three operands a piece ends between taking up a member and looking it up. */
const OPERANDS = 3;

function membersOf(prefix: string): string[] {
  return Array.from({ length: COUNT }, (_, i) => `${prefix}${String(i).padStart(6, '0')}`);
}

for (const [fill, combine] of [
  [(members: string[]) => ['SADD', ...members], 'SINTER'],
  [(members: string[]) => ['ZADD', ...members.flatMap((name) => ['1', name])], 'ZINTER'],
] as const) {
  t.test(`two ${combine} at once`, async (t) => {
    const scene = await Scene.filled((writer) => {
      for (const prefix of ['a', 'b']) {
        const [verb, ...rest] = fill(membersOf(prefix));
        for (let n = 0; n < OPERANDS; n += 1) writer.send(verb!, `${prefix}${n}`, ...rest);
      }
    });
    const { reader, writer } = scene;
    const keysOf = (prefix: string): string[] => ['0', '1', '2'].map((n) => `${prefix}${n}`);
    const count = combine === 'ZINTER' ? [`${OPERANDS}`] : [];
    writer.post(combine, ...count, ...keysOf('b'));
    reader.post(combine, ...count, ...keysOf('a'));
    const others: unknown[] = [];
    const { reply } = scene.awaitReply(() => others.push(...writer.received()));
    for (let turn = 0; turn < COUNT && others.length === 0; turn += 1) {
      scene.local.world.turn();
      others.push(...writer.received());
    }
    t.same((reply as string[]).sort(), membersOf('a'));
    t.same((others[0] as string[]).sort(), membersOf('b'));
  });
}
