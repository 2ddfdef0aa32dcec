import t from 'tap';
import { localClient } from '../support/local.js';

t.test('COUNT, LIST, INFO', async (t) => {
  const client = await localClient();
  const names = client.send('COMMAND', 'LIST') as string[];
  t.equal(client.send('COMMAND', 'COUNT'), names.length);
  t.equal((client.send('COMMAND') as unknown[]).length, names.length);
  t.ok(names.includes('get') && names.includes('krange') && names.includes('xadd'));
  t.notOk(names.includes('replicaof'), 'what is always refused is not told of');
  t.same(client.send('COMMAND', 'INFO', 'GET', 'nope'), [
    [
      'get',
      2,
      ['readonly', 'fast'],
      1,
      1,
      1,
      ['@read', '@string', '@fast'],
      [],
      [
        [
          'flags',
          ['RO', 'access'],
          'begin_search',
          ['type', 'index', 'spec', ['index', 1]],
          'find_keys',
          ['type', 'range', 'spec', ['lastkey', 0, 'keystep', 1, 'limit', 0]],
        ],
      ],
      [],
    ],
    null,
  ]);
  t.match(client.send('COMMAND', 'INFO', 'config|get'), [['config|get', -3]]);
});

t.test('LIST FILTERBY', async (t) => {
  const client = await localClient();
  const list = (...args: string[]) => client.send('COMMAND', 'LIST', ...args);
  t.same((list('FILTERBY', 'PATTERN', 'KN*') as string[]).sort(), ['knext', 'knth']);
  t.ok((list('filterby', 'aclcat', 'bitmap') as string[]).includes('setbit'));
  t.same(list('FILTERBY', 'ACLCAT', 'nope'), []);
  t.same(list('FILTERBY', 'MODULE', 'x'), []);
  t.equal(list('FILTERBY', 'x', 'y'), '-ERR syntax error');
  t.equal(list('x'), '-ERR syntax error');
});

t.test('DOCS', async (t) => {
  const client = await localClient();
  t.match(client.send('COMMAND', 'DOCS', 'get', 'nope'), [
    'get',
    ['summary', 'Get the value of a key', 'since', '1.0.0', 'group', 'string'],
  ]);
  const all = client.send('COMMAND', 'DOCS') as unknown[];
  t.equal(all.length, 2 * (client.send('COMMAND', 'COUNT') as number));
});

t.test('GETKEYS', async (t) => {
  const client = await localClient();
  const keys = (...args: string[]) => client.send('COMMAND', 'GETKEYS', ...args);
  t.same(keys('GET', 'a'), ['a']);
  t.same(keys('MSET', 'a', '1', 'b', '2'), ['a', 'b']);
  t.same(keys('BITOP', 'AND', 'd', 'a', 'b'), ['d', 'a', 'b']);
  t.same(keys('OBJECT', 'FREQ', 'k'), ['k']);
  t.same(keys('MEMORY', 'USAGE', 'k'), ['k']);
  t.equal(keys('PING', 'a'), '-ERR The command has no key arguments');
  t.equal(keys('KRANGE', '-', '+'), '-ERR The command has no key arguments');
  t.equal(keys('NOPE', 'a'), '-ERR Invalid command specified');
  t.equal(keys('SET', 'a'), '-ERR Invalid number of arguments specified for command');
  t.same(client.send('COMMAND', 'GETKEYSANDFLAGS', 'SET', 'a', 'b'), [['a', ['OW', 'update']]]);
  t.same(client.send('COMMAND', 'GETKEYSANDFLAGS', 'SET', 'a', 'b', 'GET'), [
    ['a', ['RW', 'access', 'update']],
  ]);
});
