/** What others are told while a slow script runs: by a real redis-server, and here. */
import t, { type Test } from 'tap';
import { show } from '../support/reply.js';
import type { RespClient } from '../support/resp-client.js';
import { type ServerProcess, startDhash, startRedis } from '../support/server-process.js';
import { until } from '../support/until.js';

const BUSY_MS = ['--busy-reply-threshold', '20'];
const FOREVER = 'while true do end';
const WRITES = `redis.call('set', 'a', '1') ${FOREVER}`;
const LIBRARY = `#!lua name=slow\nredis.register_function('forever', function() ${FOREVER} end)`;

t.setTimeout(120_000);

async function say(client: RespClient, ...args: readonly string[]): Promise<string> {
  return show(await client.call(...args));
}

/** Sends a slow command on a connection of its own and waits until others hear of it. */
async function makeBusy(server: ServerProcess, ...command: readonly string[]) {
  const caller = await server.connect();
  const reply = say(caller, ...command).catch(String);
  const other = await server.connect();
  await until('busy', async () => (await say(other, 'PING')).startsWith('-"BUSY'));
  return { caller, other, reply };
}

async function withBoth(
  t: Test,
  tell: (server: ServerProcess, told: string[]) => Promise<void>,
): Promise<void> {
  const [expected, actual]: [string[], string[]] = [[], []];
  const servers = await Promise.all([startRedis({ args: BUSY_MS }), startDhash({ args: BUSY_MS })]);
  t.teardown(() => Promise.all(servers.map((server) => server.stop())));
  await Promise.all([tell(servers[0], expected), tell(servers[1], actual)]);
  t.same(actual, expected);
  t.ok(expected.length > 0);
}

const WHILE_BUSY: readonly (readonly string[])[] = [
  ...[['GET', 'a'], ['SET', 'a', 'b'], ['INFO'], ['CLIENT', 'ID'], ['EVAL', 'return 1', '0']],
  ...[
    ['SCRIPT', 'EXISTS', 'a'],
    ['SCRIPT', 'FLUSH'],
    ['FUNCTION', 'LIST'],
    ['CONFIG', 'GET', 'a'],
  ],
  ...[['MULTI'], ['GET', 'a'], ['EXEC'], ['MULTI'], ['DISCARD'], ['WATCH', 'a'], ['UNWATCH']],
  ...[['HELLO', '9'], ['AUTH', 'x'], ['RESET'], ['SHUTDOWN', 'nonsense'], ['FUNCTION', 'KILL']],
  ...[['NOSUCH'], ['GET'], ['SHUTDOWN']],
];

t.test('commands while a script runs, and its end', (t) =>
  withBoth(t, async (server, told) => {
    const { caller, other, reply } = await makeBusy(server, 'EVAL', FOREVER, '0');
    for (const command of WHILE_BUSY) {
      told.push(`${command.join(' ')}: ${await say(other, ...command)}`);
    }
    told.push(await say(other, 'SCRIPT', 'KILL'), await reply);
    told.push(await say(other, 'SCRIPT', 'KILL'), await say(caller, 'PING'));
  }),
);

t.test('a transaction that was queued before', (t) =>
  withBoth(t, async (server, told) => {
    const queued = await server.connect();
    told.push(await say(queued, 'MULTI'), await say(queued, 'SET', 'a', '1'));
    const { other, reply } = await makeBusy(server, 'EVAL', FOREVER, '0');
    told.push(await say(queued, 'EXEC'), await say(other, 'SCRIPT', 'KILL'), await reply);
    told.push(await say(other, 'EXISTS', 'a'));
  }),
);

t.test('a function', (t) =>
  withBoth(t, async (server, told) => {
    const first = await server.connect();
    told.push(await say(first, 'FUNCTION', 'LOAD', LIBRARY));
    const { other, reply } = await makeBusy(server, 'FCALL', 'forever', '1', 'k', 'v');
    const stats = await say(other, 'FUNCTION', 'STATS');
    told.push(stats.replace(/("duration_ms" ):"\d+"/, '$1'));
    told.push(await say(other, 'SCRIPT', 'KILL'), await say(other, 'FUNCTION', 'KILL'));
    told.push(await reply, await say(other, 'FUNCTION', 'KILL'));
  }),
);

t.test('what has written can only be ended with the node: SHUTDOWN NOSAVE', (t) =>
  withBoth(t, async (server, told) => {
    const { other } = await makeBusy(server, 'EVAL', WRITES, '0');
    told.push(await say(other, 'SCRIPT', 'KILL'), await say(other, 'SHUTDOWN', 'SAVE'));
    other.send('SHUTDOWN', 'NOSAVE');
    const { code, signal } = await server.exited;
    told.push(`exit ${code} ${signal}`);
  }),
);
