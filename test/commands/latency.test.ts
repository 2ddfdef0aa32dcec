import t from 'tap';
import { LocalNode, localClient } from '../support/local.js';

t.test('events', async (t) => {
  const local = await new LocalNode((settings) => {
    settings.latencyMonitorThreshold = 10;
  }).start();
  const client = local.client();
  const { latency } = local.node.server;
  t.match(client.send('LATENCY', 'DOCTOR'), /^Dave, no latency spike was observed/);
  t.same(client.send('LATENCY', 'LATEST'), []);
  const startMs = local.world.nowMs;
  for (const [seconds, ms] of [
    [0, 20],
    [0, 30],
    [0, 25],
    [5, 100],
    [10, 10],
  ] as const) {
    latency.add('command', ms, startMs + seconds * 1000);
  }
  local.world.advance(15_000);
  const start = startMs / 1000;
  t.same(client.send('LATENCY', 'LATEST'), [['command', start + 10, 10, 100]]);
  t.same(client.send('LATENCY', 'HISTORY', 'command'), [
    [start, 30],
    [start + 5, 100],
    [start + 10, 10],
  ]);
  t.same(client.send('LATENCY', 'HISTORY', 'nope'), []);
  t.equal(
    client.send('LATENCY', 'GRAPH', 'command'),
    [
      'command - high 100 ms, low 10 ms (all time high 100 ms)',
      '-'.repeat(80),
      ' # ',
      ' | ',
      ' | ',
      '#|_',
      '   ',
      '115',
      '50s',
      'ss ',
      '',
    ].join('\n'),
  );
  t.equal(client.send('LATENCY', 'GRAPH', 'x'), "-ERR No samples available for event 'x'");
  t.match(client.send('LATENCY', 'DOCTOR'), /1\. command: 3 latency spikes \(average 47 ms/);
  t.equal(client.send('LATENCY', 'RESET', 'nope', 'command'), 1);
  t.equal(client.send('LATENCY', 'RESET'), 0);
  t.same(client.send('LATENCY', 'LATEST'), []);
});

t.test('at most 160 samples an event', async (t) => {
  const local = await new LocalNode().start();
  const { latency } = local.node.server;
  for (let i = 0; i < 200; i += 1) latency.add('x', 1, i * 1000);
  const history = local.client().send('LATENCY', 'HISTORY', 'x') as unknown[];
  t.equal(history.length, 160);
  t.same(history[0], [40, 1]);
});

t.test('off unless asked for', async (t) => {
  const client = await localClient();
  t.match(client.send('LATENCY', 'DOCTOR'), /^I'm sorry, Dave/);
});

t.test('HISTOGRAM is cumulative', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const { stats } = local.node.server.dispatcher.byName('get')!;
  stats.record(0.5, 3);
  stats.record(3, 2);
  stats.record(60, 1);
  stats.record(100_000, 1);
  t.same(client.send('LATENCY', 'HISTOGRAM', 'get', 'nope'), [
    'get',
    ['calls', 7, 'histogram_usec', [1, 3, 4, 5, 66, 6, 135266, 7]],
  ]);
  client.send('CLIENT', 'ID');
  const names = client.send('LATENCY', 'HISTOGRAM', 'client') as unknown[];
  t.equal(names[0], 'client|id', 'a container stands for its subcommands');
  client.send('CONFIG', 'SET', 'latency-tracking', 'no');
  t.same(client.send('LATENCY', 'HISTOGRAM'), []);
});
