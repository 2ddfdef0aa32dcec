import t from 'tap';
import { type LocalClient, LocalNode } from '../support/local.js';
import { queueCommands } from '../support/queue-commands.js';

interface Setting {
  readonly local: LocalNode;
  /** Clients a, b and c, who wait, and one who writes. */
  readonly a: LocalClient;
  readonly b: LocalClient;
  readonly c: LocalClient;
  readonly writer: LocalClient;
}

async function setUp(): Promise<Setting> {
  const local = await new LocalNode(() => {}, queueCommands).start();
  const client = () => local.client();
  return { local, a: client(), b: client(), c: client(), writer: client() };
}

t.test('who waits longest is served first, and one for each that came', async (t) => {
  const { local, a, b, c, writer } = await setUp();
  for (const client of [a, b, c]) client.post('BQPOP', 'k', '0');
  t.equal(local.node.server.blocking.size, 3);
  writer.send('QPUSH', 'k', '12');
  t.same([a.received(), b.received(), c.received()], [[['k', '1']], [['k', '2']], []]);
  writer.send('QPUSH', 'k', '3');
  t.same(c.received(), [['k', '3']]);
  t.equal(writer.send('EXISTS', 'k'), 0);
});

t.test('keys are served in the order of their signals, once the transaction is over', async (t) => {
  const { a, b, writer } = await setUp();
  a.post('BQPOP', 'x', 'y', '0');
  b.post('BQPOP', 'x', '0');
  for (const line of [['MULTI'], ['QPUSH', 'y', '1'], ['QPUSH', 'x', '2'], ['GET', 'x']]) {
    writer.send(...line);
  }
  t.same(writer.send('EXEC'), ['OK', 'OK', '2']);
  t.same(a.received(), [['y', '1']], 'y was signalled first, though x stands first');
  t.same(b.received(), [['x', '2']]);
});

t.test('pipelined: each command serves before the next one runs', async (t) => {
  const { a, writer } = await setUp();
  a.post('BQPOP', 'k', '0');
  writer.link.send(Buffer.from('QPUSH k 1\r\nGET k\r\nQPUSH k 2\r\nGET k\r\n'));
  t.same(writer.received(), ['OK', null, 'OK', '2']);
  t.same(a.received(), [['k', '1']]);
});

t.test('what waits at the end of a chain is served, too', async (t) => {
  const { a, b, c, writer } = await setUp();
  a.post('BQPOP', 'third', '0');
  b.post('BQMOVE', 'second', 'third', '0');
  c.post('BQMOVE', 'first', 'second', '0');
  writer.send('QPUSH', 'first', 'z');
  t.same([a.received(), b.received(), c.received()], [[['third', 'z']], ['z'], ['z']]);
});

t.test('a value of no use wakes nobody', async (t) => {
  const { local, a, b, writer } = await setUp();
  a.post('BQPOP', 'k', '0');
  b.post('BQPOP', 'k', '0');
  writer.send('QPUSH', 'k', 'closed');
  t.same([a.received(), b.received()], [[], []]);
  writer.send('DEL', 'k');
  writer.send('QPUSH', 'k', '1');
  t.same(a.received(), [['k', '1']]);
  t.equal(local.node.server.blocking.size, 1);
});

t.test('keys that come by other ways', async (t) => {
  const ways: { name: string; before: string[][]; way: string[] }[] = [
    { name: 'RENAME', before: [['QPUSH', 'x', '1']], way: ['RENAME', 'x', 'k'] },
    { name: 'RENAMENX', before: [['QPUSH', 'x', '1']], way: ['RENAMENX', 'x', 'k'] },
    { name: 'COPY', before: [['QPUSH', 'x', '1']], way: ['COPY', 'x', 'k'] },
    {
      name: 'MOVE',
      before: [
        ['SELECT', '1'],
        ['QPUSH', 'k', '1'],
      ],
      way: ['MOVE', 'k', '0'],
    },
    {
      name: 'SWAPDB',
      before: [
        ['SELECT', '1'],
        ['QPUSH', 'k', '1'],
      ],
      way: ['SWAPDB', '0', '1'],
    },
  ];
  for (const { name, before, way } of ways) {
    const { a, writer } = await setUp();
    a.post('BQPOP', 'k', '0');
    for (const line of before) writer.send(...line);
    t.same(a.received(), [], name);
    writer.send(...way);
    t.same(a.received(), [['k', '1']], name);
  }
  const { a, writer } = await setUp();
  a.post('BQPOP', 'k', '0');
  writer.send('QPUSH', 'x', '1');
  const payload = Buffer.from(writer.text('DUMP', 'x'), 'latin1');
  writer.send('RESTORE', 'k', '0', payload);
  t.same(a.received(), [['k', '1']], 'RESTORE');
});

t.test('who waits for a key to go', async (t) => {
  const ends: string[][] = [
    ['DEL', 'k'],
    ['FLUSHALL'],
    ['RENAME', 'k', 'x'],
    ['KDELRANGE', '-', '+'],
  ];
  for (const end of ends) {
    const { a, writer } = await setUp();
    writer.send('SET', 'k', '1');
    a.post('BGONE', 'k');
    t.same(a.received(), []);
    writer.send(...end);
    t.same(a.received(), ['GONE'], end.join(' '));
  }
  const { a, writer } = await setUp();
  writer.send('SET', 'k', '1', 'PX', '50');
  a.post('BGONE', 'k');
  writer.world.advance(500);
  t.same(a.received(), ['GONE'], 'it expires');
});

t.test('time', async (t) => {
  const { local, a, b, writer } = await setUp();
  a.post('BQPOP', 'k', '0.25');
  b.post('BQPOP', 'k', '0.5');
  t.match(writer.text('INFO', 'clients'), /blocked_clients:2\r\n.*clients_in_timeout_table:2/s);
  local.world.advance(249);
  t.same(a.received(), []);
  local.world.advance(1);
  t.same(a.received(), [null]);
  writer.send('QPUSH', 'k', '1');
  t.same(b.received(), [['k', '1']]);
  local.world.advance(1000);
  t.same(b.received(), [], 'its time was cancelled');
  t.match(writer.text('INFO', 'clients'), /blocked_clients:0\r\n.*clients_in_timeout_table:0/s);
  for (const [timeout, error] of [
    ['-1', 'timeout is negative'],
    ['x', 'timeout is not a float or out of range'],
    ['nan', 'timeout is not a float or out of range'],
    ['', 'timeout is not a float or out of range'],
    [' 1', 'timeout is not a float or out of range'],
    ['inf', 'timeout is out of range'],
    ['9223372036854775807', 'timeout is out of range'],
  ] as const) {
    t.equal(a.send('BQPOP', 'k', timeout), `-ERR ${error}`, timeout);
  }
  a.post('BQPOP', 'k', '1e-9');
  local.world.advance(1);
  t.same(a.received(), [null], 'a moment is rounded up');
});

t.test('what was sent ahead follows the reply', async (t) => {
  const { a, writer } = await setUp();
  a.link.send(Buffer.from('BQPOP k 0\r\nPING\r\nBQPOP k 0\r\nECHO end\r\n'));
  a.post('SET', 'late', '1');
  t.same(a.received(), []);
  writer.send('QPUSH', 'k', '12');
  writer.world.settle();
  t.same(a.received(), [['k', '1'], 'PONG', ['k', '2'], 'end', 'OK']);
});

t.test('who sends too much ahead is not read from until then', async (t) => {
  const { a, writer } = await setUp();
  a.post('BQPOP', 'k', '0');
  t.equal(a.link.isPaused, false, 'so that it is heard when it goes');
  a.post('SET', 'x', 'y'.repeat(100_000));
  t.equal(a.link.isPaused, true);
  writer.send('QPUSH', 'k', '1');
  writer.world.settle();
  t.same(a.received(), [['k', '1'], 'OK']);
  t.equal(a.link.isPaused, false);
});

t.test('MULTI does not block', async (t) => {
  const { a } = await setUp();
  for (const line of [
    ['MULTI'],
    ['BQPOP', 'k', '0'],
    ['BQMOVE', 'k', 'x', '0'],
    ['WAIT', '1', '0'],
  ]) {
    a.send(...line);
  }
  t.same(a.send('EXEC'), [null, null, 0]);
});

t.test('CLIENT UNBLOCK and CLIENT LIST', async (t) => {
  const { a, b, writer } = await setUp();
  const id = a.send('CLIENT', 'ID') as number;
  t.equal(writer.send('CLIENT', 'UNBLOCK', id), 0);
  a.post('BQPOP', 'k', '0');
  t.match(writer.text('CLIENT', 'LIST', 'ID', String(id)), / flags=b .* cmd=bqpop /);
  t.equal(writer.send('CLIENT', 'UNBLOCK', id), 1);
  t.same(a.received(), [null]);
  a.post('BQPOP', 'k', '0');
  t.equal(writer.send('CLIENT', 'UNBLOCK', id, 'ERROR'), 1);
  t.same(a.received(), ['-UNBLOCKED client unblocked via CLIENT UNBLOCK']);
  t.match(writer.text('INFO', 'errorstats'), /errorstat_UNBLOCKED:count=1/);
  b.post('BQPOP', 'k', '0');
  writer.send('QPUSH', 'k', '1');
  t.same(b.received(), [['k', '1']], 'nobody else took it');
});

t.test('who goes gets nothing', async (t) => {
  const { local, a, b, c, writer } = await setUp();
  for (const client of [a, b, c]) client.post('BQPOP', 'k', '0');
  a.link.destroy();
  b.link.handler?.ended();
  t.equal(local.node.server.blocking.size, 1);
  writer.send('QPUSH', 'k', '1');
  t.same(c.received(), [['k', '1']]);
  t.equal(local.node.store.waits.size, 0);
});

t.test(
  'a node by itself runs what a client sent before it closed its side, however late',
  async (t) => {
    const { a, writer } = await setUp();
    writer.send('CLIENT', 'PAUSE', '5000', 'WRITE');
    a.post('SET', 'k', 'v');
    a.link.handler?.ended();
    writer.world.advance(6000);
    writer.world.settle();
    t.same(a.received(), ['OK']);
    t.equal(writer.send('GET', 'k'), 'v');
  },
);

t.test('a session that is being closed gets nothing', async (t) => {
  const { local, a, b, writer } = await setUp();
  a.post('BQPOP', 'k', '0');
  b.post('BQPOP', 'k', '0');
  const [first] = local.node.server.sessions.values();
  first!.closing = true;
  writer.send('QPUSH', 'k', '1');
  t.same(b.received(), [['k', '1']]);
});

t.test('CLIENT REPLY SKIP skips the reply that comes late', async (t) => {
  const { a, writer } = await setUp();
  a.link.send(Buffer.from('CLIENT REPLY SKIP\r\nBQPOP k 0\r\nECHO next\r\n'));
  writer.send('QPUSH', 'k', '1');
  writer.world.settle();
  t.same(a.received(), ['next']);
});

t.test('a key given twice, and databases apart', async (t) => {
  const { local, a, b, writer } = await setUp();
  a.post('BQPOP', 'k', 'k', '0');
  b.send('SELECT', '3');
  b.post('BQPOP', 'k', '0');
  t.equal(local.node.store.waits.size, 2);
  writer.send('SELECT', '3');
  writer.send('QPUSH', 'k', '1');
  t.same([a.received(), b.received()], [[], [['k', '1']]]);
});

t.test('while clients are paused those who wait still time out', async (t) => {
  const { local, a, b, writer } = await setUp();
  a.post('BQPOP', 'k', '0.1');
  b.post('BQPOP', 'k', '0');
  writer.send('CLIENT', 'PAUSE', '1000', 'WRITE');
  writer.post('QPUSH', 'k', '1');
  local.world.advance(500);
  t.same([a.received(), b.received()], [[null], []]);
  local.world.advance(1000);
  t.same(b.received(), [['k', '1']]);
});

t.test('WAIT and WAITAOF', async (t) => {
  const { local, a } = await setUp();
  t.equal(a.send('WAIT', '0', '0'), 0);
  t.equal(a.send('WAIT', '-1', '0'), 0);
  a.post('WAIT', '1', '100');
  local.world.advance(99);
  t.same(a.received(), []);
  local.world.advance(1);
  t.same(a.received(), [0]);
  t.equal(a.send('WAIT', 'x', '0'), '-ERR value is not an integer or out of range');
  t.equal(a.send('WAIT', '0', 'x'), '-ERR timeout is not an integer or out of range');
  t.equal(a.send('WAIT', '0', '-1'), '-ERR timeout is negative');
  t.same(a.send('WAITAOF', '0', '0', '0'), [0, 0]);
  a.post('WAITAOF', '0', '1', '100');
  local.world.advance(100);
  t.same(a.received(), [[0, 0]]);
  t.equal(
    a.send('WAITAOF', '1', '0', '0'),
    '-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
  );
  t.equal(
    a.send('WAITAOF', '2', '0', '0'),
    '-ERR value is out of range, value must between 0 and 1',
  );
  t.equal(a.send('WAITAOF', '0', '-1', '0'), '-ERR value is out of range, must be positive');
});
