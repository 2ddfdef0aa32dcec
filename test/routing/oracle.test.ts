/** A ring answers as a lone node does, whichever node is asked. */
import { inspect } from 'node:util';
import t from 'tap';
import { keys } from '../differential/values.js';
import type { Plain } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { RingScene, type SceneClient } from '../support/ring-scene.js';
import { randomCommand } from './random-commands.js';

const COMMANDS = 1500;
const seed = seedOfRun(1);

t.setTimeout(170_000);

/** What comes in no order. */
const UNORDERED = /^(SMEMBERS|SINTER|SUNION|SDIFF|HKEYS|HVALS|HGETALL|KEYS)$/i;

function show(reply: unknown): string {
  return inspect(reply, { depth: 9, maxArrayLength: null, breakLength: Number.POSITIVE_INFINITY });
}

function text(reply: Plain, isUnordered: boolean): string {
  return isUnordered && Array.isArray(reply) ? reply.map(show).sort().join() : show(reply);
}

for (let run = 0; run < 3; run += 1) {
  const runSeed = seed + run;
  t.test(`random commands (seed ${runSeed})`, async (t) => {
    t.setTimeout(120_000);
    const random = seededRandom(runSeed);
    const scene = new RingScene({ seed: runSeed });
    const positions = random.shuffle([...keys.map(String), 'b9', 'm', 'z', '0']);
    const nodes = await scene.form(random.between(3, 5), (settings) => {
      settings.position = positions.pop()!;
    });
    const lone = await scene.add().start();
    const protocol = random.pick([2, 3]);
    const oracle = await lone.client();
    const clients: SceneClient[] = [];
    for (const node of nodes) clients.push(await node.client());
    for (const client of [oracle, ...clients]) await client.call('HELLO', protocol);
    let refused = 0;
    for (let i = 0; i < COMMANDS; i += 1) {
      const command = randomCommand(random);
      const shown = command.map((word) => JSON.stringify(word.toString('latin1'))).join(' ');
      const actual = await random.pick(clients).call(...command);
      if (typeof actual === 'string' && /^-(ERR )?CROSSRANGE /.test(actual)) {
        refused += 1;
        continue;
      }
      const expected = await oracle.call(...command);
      const isUnordered = UNORDERED.test(String(command[0]));
      if (text(actual, isUnordered) !== text(expected, isUnordered)) {
        t.equal(show(actual), show(expected), `seed ${runSeed}, command ${i}: ${shown}`);
        return;
      }
    }
    t.ok(refused < COMMANDS / 2, `seed ${runSeed}: ${refused} of ${COMMANDS} were refused`);
    const all = ['KRANGE', '-', '+', 'WITHVALUES'] as const;
    t.strictSame(await clients[0]!.call(...all), await oracle.call(...all), `seed ${runSeed}`);
  });
}
