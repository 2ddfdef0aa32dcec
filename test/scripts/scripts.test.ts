/** EVAL, SCRIPT, FUNCTION and FCALL: rows of examples, and what a hostile script can reach. */
import t from 'tap';
import { LocalNode, localClient } from '../support/local.js';

const SHA1 = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db';

t.test('SCRIPT LOAD, EXISTS, EVALSHA, FLUSH', async (t) => {
  const client = await localClient();
  const noScript = '-NOSCRIPT No matching script. Please use EVAL.';
  t.equal(client.send('EVALSHA', SHA1, 0), noScript);
  t.equal(client.send('SCRIPT', 'LOAD', 'return 1'), SHA1);
  t.equal(client.send('EVALSHA', SHA1.toUpperCase(), 0), 1);
  t.equal(client.send('EVALSHA_RO', SHA1, 0), 1);
  t.same(client.send('SCRIPT', 'EXISTS', SHA1, 'x'), [1, 0]);
  t.match(client.send('INFO', 'memory'), /number_of_cached_scripts:1\r/);
  t.equal(
    client.send('SCRIPT', 'FLUSH', 'NOW'),
    '-ERR SCRIPT FLUSH only support SYNC|ASYNC option',
  );
  t.equal(client.send('SCRIPT', 'FLUSH', 'ASYNC'), 'OK');
  t.equal(client.send('EVALSHA', SHA1, 0), noScript);
  t.equal(client.send('EVALSHA', 'short', 0), noScript);
  t.match(
    client.send('SCRIPT', 'LOAD', 'retrn'),
    /^-ERR Error compiling script \(new function\): /,
  );
  t.equal(client.send('SCRIPT', 'DEBUG', 'NO'), 'OK');
  t.match(client.send('SCRIPT', 'DEBUG', 'YES'), /^-ERR the debugger of scripts is not supported/);
});

t.test('keys and arguments', async (t) => {
  const client = await localClient();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  t.same(client.send('EVAL', 'return {KEYS[1], KEYS[2], ARGV[1], #ARGV}', 2, 'a', 'b', 'c'), [
    ...['a', 'b', 'c', 1],
  ]);
  t.equal(client.send('EVAL', 'return ARGV[1]', 0, bytes), bytes.toString('latin1'));
  const set = 'redis.call("set", KEYS[1], ARGV[1]) return redis.call("get", KEYS[1])';
  t.equal(client.send('EVAL', set, 1, bytes, bytes), bytes.toString('latin1'));
  t.equal(client.send('EVAL', 'return 1', -1), "-ERR Number of keys can't be negative");
  const tooMany = "-ERR Number of keys can't be greater than number of args";
  t.equal(client.send('EVAL', 'return 1', 2, 'a'), tooMany);
  t.same(client.send('COMMAND', 'GETKEYS', 'EVAL', 'x', 2, 'a', 'b', 'c'), ['a', 'b']);
});

t.test('rights', async (t) => {
  const client = await localClient();
  const refused = /^-ERR Write commands are not allowed from read-only scripts\. script: /;
  t.match(client.send('EVAL_RO', 'return redis.call("set", "a", "1")', 0), refused);
  const write = '\nreturn redis.call("set", "a", "1")';
  t.match(client.send('EVAL', `#!lua flags=no-writes${write}`, 0), refused);
  t.equal(client.send('EVAL', `#!lua flags=allow-stale,allow-oom${write}`, 0), 'OK');
  const flagged = '-ERR Can not execute a script with write flag using *_ro command.';
  t.equal(client.send('EVAL_RO', `#!lua${write}`, 0), flagged);
  t.equal(
    client.send('EVAL', `#!lua flags=x${write}`, 0),
    '-ERR Unexpected flag in script shebang: x',
  );
  t.equal(client.send('EVAL', `#!js${write}`, 0), '-ERR Unexpected engine in script shebang: #!js');
});

t.test(
  'SELECT in a script is its own; MULTI, MONITOR and statistics see its commands',
  async (t) => {
    const local = await new LocalNode().start();
    const client = local.client();
    const monitor = local.client();
    monitor.send('MONITOR');
    client.send('EVAL', 'redis.call("select", 3) redis.call("set", "a", "1")', 0);
    t.equal(client.send('EXISTS', 'a'), 0);
    client.send('SELECT', 3);
    t.equal(client.send('EXISTS', 'a'), 1);
    const lines = monitor.received().map(String).join('\n');
    t.match(lines, /"EVAL".*\n.*\[3 lua\] "select" "3"\n.*\[3 lua\] "set" "a" "1"/);
    t.match(client.send('INFO', 'commandstats'), /cmdstat_set:calls=1/);
  },
);

t.test('one stamp for a script; a key written again after a removal is there', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const { tree } = local.node.store.databases[0]!;
  client.send('EVAL', 'redis.call("set", "a", "1") redis.call("set", "b", "1")', 0);
  const stampOf = (key: string) => tree.stamp(tree.find(Buffer.from(key), 0, key.length));
  t.equal(stampOf('a'), stampOf('b'));
  const again =
    'redis.call("del", "a") redis.call("flushall") redis.call("set", "a", "2") return redis.call("get", "a")';
  t.equal(client.send('EVAL', again, 0), '2');
  t.equal(client.send('GET', 'a'), '2');
});

t.test('libraries', async (t) => {
  const client = await localClient();
  const code = `#!lua name=lib
local calls = 0
redis.register_function('count', function(keys, args) calls = calls + 1 return {keys[1], args[1], calls} end)
redis.register_function{function_name='read', callback=function() return redis.call('set', 'a', '1') end, flags={'no-writes'}, description='reads'}
`;
  t.equal(client.send('FUNCTION', 'LOAD', code), 'lib');
  t.equal(client.send('FUNCTION', 'LOAD', code), "-ERR Library 'lib' already exists");
  t.same(client.send('FCALL', 'count', 1, 'k', 'v'), ['k', 'v', 1]);
  t.same(client.send('FCALL', 'COUNT', 0), '-ERR Function not found');
  t.match(
    client.send('FCALL_RO', 'read', 0),
    /^-ERR Write commands are not allowed from read-only/,
  );
  t.match(client.send('FCALL_RO', 'count', 0), /^-ERR Can not execute a script with write flag/);
  t.equal(client.send('FUNCTION', 'LOAD', 'REPLACE', code), 'lib');
  t.same(client.send('FCALL', 'count', 1, 'k', 'v'), ['k', 'v', 1], 'replaced');
  t.same(client.send('FUNCTION', 'LIST', 'LIBRARYNAME', 'l*'), [
    [
      ...['library_name', 'lib', 'engine', 'LUA', 'functions'],
      [
        ['name', 'count', 'description', null, 'flags', []],
        ['name', 'read', 'description', 'reads', 'flags', ['no-writes']],
      ],
    ],
  ]);
  const dump = client.sendRaw('FUNCTION', 'DUMP') as Buffer;
  t.equal(client.send('FUNCTION', 'RESTORE', dump), "-ERR Library 'lib' already exists");
  t.equal(client.send('FUNCTION', 'RESTORE', dump, 'REPLACE'), 'OK');
  t.equal(client.send('FUNCTION', 'DELETE', 'lib'), 'OK');
  t.equal(client.send('FUNCTION', 'RESTORE', dump, 'FLUSH'), 'OK');
  t.same(client.send('FCALL', 'count', 1, 'k', 'v'), ['k', 'v', 1], 'restored');
  for (let at = 0; at < dump.length; at += 1) {
    const broken = Buffer.from(dump);
    broken[at]! ^= 0x40;
    const reply = client.send('FUNCTION', 'RESTORE', broken, 'REPLACE');
    if (reply !== '-ERR DUMP payload version or checksum are wrong')
      t.fail(`${at}: ${JSON.stringify(reply)}`);
  }
  t.same(client.send('FCALL', 'count', 1, 'k', 'v'), ['k', 'v', 2], 'as it was');
  t.equal(client.send('FUNCTION', 'FLUSH'), 'OK');
  t.equal(client.send('FCALL', 'count', 0), '-ERR Function not found');
});

t.test('a library that fails changes nothing', async (t) => {
  const client = await localClient();
  const good = "#!lua name=a\nredis.register_function('f', function() return 1 end)";
  client.send('FUNCTION', 'LOAD', good);
  const rows: readonly (readonly [string, RegExp])[] = [
    ['return 1', /^-ERR Missing library metadata$/],
    ['#!lua\n', /^-ERR Library name was not given$/],
    ['#!lua name=b\nreturn 1', /^-ERR No functions registered$/],
    ['#!lua name=b\nx y', /^-ERR Error compiling function: user_function:2: /],
    ['#!lua name=b\nredis.call("get", "a")', /^-ERR Error registering functions: /],
    [
      "#!lua name=b\nredis.register_function('f', function() end)",
      /^-ERR Function f already exists$/,
    ],
    ["#!lua name=a\nredis.register_function('g', 1)", /second argument .* must be a function$/],
  ];
  for (const [code, expected] of rows)
    t.match(client.send('FUNCTION', 'LOAD', 'REPLACE', code), expected);
  t.equal(client.send('FCALL', 'f', 0), 1);
  t.match(client.send('INFO', 'memory'), /number_of_functions:1\r\nnumber_of_libraries:1\r/);
});

const BOMBS: readonly (readonly [name: string, script: string, expected: RegExp])[] = [
  ['a long string', 'return #string.rep("x", 1e9)', /not enough memory/],
  ['growing strings', 'local s = "x" while true do s = s .. s end', /not enough memory/],
  ['tables', 'local t = {} for i = 1, 1e9 do t[i] = {} end', /not enough memory/],
  ['recursion', 'local function f() return f() + 1 end return f()', /stack overflow/],
  ['pcall in pcall', 'local function f() return pcall(f) end return f()', /./],
  [
    'a pattern',
    'return string.find(string.rep("a", 1e5), string.rep("a-", 40) .. "b")',
    /pattern too complex/,
  ],
  [
    'a deep pattern',
    'return string.find(string.rep("a", 1e5), string.rep("a?", 1e5))',
    /pattern too complex/,
  ],
  [
    'deep JSON',
    'local t = {} for i = 1, 1e4 do t = {t} end return cjson.encode(t)',
    /excessive depth/,
  ],
  ['deep code', 'return loadstring("return " .. string.rep("(", 1e4))', /./],
  ['gsub in gsub', 'local function f(c) return (string.gsub(c, ".", f)) end return f("x")', /./],
  ['coroutines', 'local function f() return coroutine.wrap(f)() end return f()', /./],
  [
    'the same long string as often as one likes',
    'local s = string.rep("x", 2e7) local t = {} for i = 1, 100 do t[i] = s end return t',
    /its reply is longer than 268435456 bytes/,
  ],
  [
    'a long reply of a command',
    'redis.call("set", "k", string.rep("x", 2e7)) local t = {} for i = 1, 100 do t[i] = "k" end return redis.call("mget", unpack(t))',
    /reply of a command called from script is longer than 268435456 bytes/,
  ],
  [
    'long code',
    'local f, e = loadstring("return {" .. string.rep("1,", 3e6) .. "}") return e',
    /code of more than 4194304 bytes/,
  ],
  [
    'coroutines that stay',
    'local t = {} for i = 1, 1e7 do t[i] = coroutine.create(function() end) end',
    /not enough memory/,
  ],
  ['an error of no text', 'error({})', /ERR unknown error/],
];

for (const [name, script, expected] of BOMBS) {
  t.test(`a bomb is an error, and the node goes on: ${name}`, async (t) => {
    const client = await localClient();
    client.send('SET', 'a', '1');
    t.match(JSON.stringify(client.send('EVAL', script, 0)), expected);
    t.equal(client.send('EVAL', 'return redis.call("get", "a")', 0), '1');
  });
}

t.test('arguments that the machine cannot hold', async (t) => {
  const client = await localClient();
  client.send(
    'FUNCTION',
    'LOAD',
    '#!lua name=l\nredis.register_function("f", function() return 1 end)',
  );
  const large = Array.from({ length: 3 }, (_, i) => Buffer.alloc(100e6, i));
  for (const command of [
    ['EVAL', 'return 1', 0],
    ['FCALL', 'f', 0],
  ] as const) {
    t.match(
      client.send(...command, ...large),
      /^-ERR Error running script \w+, not enough memory$/,
    );
    t.equal(client.send(...command), 1);
  }
});

t.test('EVAL keeps the last 500 scripts', async (t) => {
  const client = await localClient();
  client.send('SCRIPT', 'LOAD', 'return "kept"');
  for (let n = 0; n < 1200; n += 1) client.send('EVAL', `return ${n}`, 0);
  t.match(client.send('INFO', 'memory'), /number_of_cached_scripts:501\r/);
  t.equal(client.send('EVAL', 'return 0', 0), 0);
});
