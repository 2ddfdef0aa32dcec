/** What the ring decides is kept before it is said; a disk that takes nothing is news once. */
import t from 'tap';
import type { ViewOutput } from '../../discord/views/outbox.js';
import type { ViewMachine } from '../../discord/views/view-machine.js';
import { ViewDriver } from '../../lib/ring/view-driver.js';
import { quietLog } from '../../lib/server/log.js';
import { ManualWorld } from '../support/manual-world.js';

const SELF = { id: 'a', address: 'a:1' };
const OTHER = { id: 'b', address: 'b:1' };

/** Makes one output for each `do`. */
function machineOf(outputs: ViewOutput[]): ViewMachine {
  const machine = { takeOutput: () => outputs.shift() ?? null, nextDueMs: Infinity };
  return machine as unknown as ViewMachine;
}

t.test('a disk that is full for a while', async (t) => {
  const world = new ManualWorld();
  const said: string[] = [];
  const log = {
    ...quietLog,
    warn: (_: object, text: string) => said.push(`warn: ${text}`),
    error: (details: object, text: string) => said.push(`${JSON.stringify(details)} ${text}`),
  };
  const outputs: ViewOutput[] = [];
  let isFull = true;
  let tries = 0;
  const sent: string[] = [];
  const driver = new ViewDriver(
    {
      world,
      log,
      machine: machineOf(outputs),
      self: SELF,
      keep: async () => {
        tries += 1;
        if (isFull) throw new Error('no space left');
      },
    },
    { send: ({ address }) => sent.push(address), told: () => {} },
  );
  const later = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds; n += 1) {
      world.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const out = { record: Buffer.from('r'), events: [], messages: [{ to: OTHER, message: {} }] };
  for (let stretch = 1; stretch <= 2; stretch += 1) {
    isFull = true;
    tries = 0;
    said.length = 0;
    sent.length = 0;
    outputs.push(out as unknown as ViewOutput, out as unknown as ViewOutput);
    driver.do(() => {});
    await later(10);
    t.ok(tries >= 10, `${tries} tries`);
    t.strictSame(sent, [], 'nothing is said');
    t.strictSame(said, [
      '{"error":"no space left"} cannot keep what the ring decides; this member is silent until it can',
    ]);
    isFull = false;
    await later(2);
    t.strictSame(sent, ['b:1', 'b:1']);
    t.strictSame(said.slice(1), ['warn: what the ring decides can be kept again']);
  }
});
