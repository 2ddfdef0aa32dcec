/** The commands around scripts, in order, on a real redis-server and here, and what they answer. */
import t, { type Test } from 'tap';
import { show } from '../support/reply.js';
import type { RespClient } from '../support/resp-client.js';
import { startDhash, startRedis } from '../support/server-process.js';

t.setTimeout(120_000);

type Command = readonly (string | number)[];

const SHA1 = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db';
const LIBRARY = `#!lua name=lib
local calls = 0
local function count(keys, args) calls = calls + 1 return {keys[1] or 'none', args[1] or 'none', calls} end
redis.register_function('count', count)
redis.register_function{
  function_name = 'read', callback = function(keys) return redis.call('get', keys[1]) end,
  flags = {'no-writes'}, description = 'reads a key',
}
redis.register_function{function_name = 'write', callback = function(keys, args)
  return redis.call('set', keys[1], args[1])
end, flags = {'allow-oom', 'allow-stale'}}
`;

/** Libraries that cannot be loaded. */
const BAD_LIBRARIES = [
  ...['return 1', '#!lua', '#!lua\n', '#!lua name=\nx', '#!lua name=a name=b\n', '#!lua x=1\n'],
  ...['#!js name=a\n', '#!lua name=a-b\n', '#!lua name=a\nreturn 1', '#!lua name=a\nx y'],
  '#!lua name=a\nerror("no")',
  '#!lua name=a\nerror({err = "ERR mine"})',
  '#!lua name=a\nx = 1',
  '#!lua name=a\nreturn y',
  '#!lua name=a\nredis.call("get", "a")',
  '#!lua name=a\nredis.setresp(3)',
  '#!lua name=a\nredis.x = 1',
  '#!lua name=a\nlocal json = cjson',
  '#!lua name=a\nlocal x = redis.REPL_ALL',
  '#!lua name=a\nlocal x = redis.LOG_DEBUG + redis.REDIS_VERSION_NUM',
  '#!lua name=a\n_G.x = 1',
  '#!lua name=a\nredis.log(redis.LOG_WARNING)',
  ...[
    ...['', '"f"', '1, 2', '"f", 1', '"a b", function() end', '{}', '"f", function() end, 3'],
    ...['{function_name = "f"}', '{callback = function() end}', '{function_name = 1}'],
    ...['{function_name = "f", callback = 1}', '{function_name = "f", flags = 1}'],
    '{function_name = "f", callback = function() end, flags = {"nosuch"}}',
    '{function_name = "f", callback = function() end, description = 1}',
    '{function_name = "f", callback = function() end, other = 1}',
    '{[1] = 2}',
  ].map((given) => `#!lua name=a\nredis.register_function(${given})`),
  '#!lua name=a\nredis.register_function("f", print)',
  '#!lua name=a\nredis.register_function("count", function() end)',
  '#!lua name=a\nlocal f = function() end redis.register_function("f", f) redis.register_function("f", f)',
];

const functionCommands: readonly Command[] = [
  ['FUNCTION', 'LIST'],
  ['FUNCTION', 'LOAD', LIBRARY],
  ['FUNCTION', 'LOAD', LIBRARY],
  ['FUNCTION', 'LOAD', 'REPLACE', LIBRARY],
  ['FUNCTION', 'LOAD', 'NOSUCH', LIBRARY],
  ['FUNCTION', 'LOAD', 'REPLACE'],
  ['FCALL', 'count', 0],
  ['FCALL', 'count', 1, 'k', 'v'],
  ['FCALL', 'nosuch', 0],
  ['FCALL', 'count', 'x'],
  ['FCALL', 'count', -1],
  ['FCALL', 'count', 2, 'k'],
  ['FCALL', 'count'],
  ['FCALL_RO', 'count', 0],
  ['FCALL_RO', 'read', 1, 'k'],
  ['FCALL', 'write', 1, 'k', 'v'],
  ['FCALL_RO', 'write', 1, 'k', 'v'],
  ['FCALL_RO', 'read', 1, 'k'],
  ['FCALL', 'read', 0],
  ['FUNCTION', 'STATS'],
  ['FUNCTION', 'KILL'],
  ['FUNCTION', 'LIST', 'WITHCODE', 'LIBRARYNAME', 'nosuch*'],
  ['FUNCTION', 'LIST', 'LIBRARYNAME'],
  ['FUNCTION', 'LIST', 'NOSUCH'],
  ['FUNCTION', 'LIST', 'WITHCODE', 'WITHCODE'],
  ['FUNCTION', 'DELETE', 'nosuch'],
  ['FUNCTION', 'FLUSH', 'NOSUCH'],
  ['FUNCTION', 'RESTORE', 'garbage'],
  ['FUNCTION', 'RESTORE', 'garbage', 'NOSUCH'],
  ['FUNCTION', 'NOSUCH'],
  ['FUNCTION'],
  ...BAD_LIBRARIES.flatMap((code): Command[] => [
    ['FUNCTION', 'LOAD', code],
    ['FUNCTION', 'DELETE', 'a'],
  ]),
  ['FCALL', 'count', 0],
  ['MULTI'],
  ['FCALL', 'count', 0],
  ['FUNCTION', 'DELETE', 'lib'],
  ['EXEC'],
  ['FCALL', 'count', 0],
  ['FUNCTION', 'FLUSH', 'ASYNC'],
];

const scriptCommands: readonly Command[] = [
  ['SCRIPT', 'LOAD', 'return 1'],
  ['SCRIPT', 'LOAD', 'x y'],
  ['SCRIPT', 'EXISTS', SHA1, 'x', SHA1.toUpperCase()],
  ['EVALSHA', SHA1.toUpperCase(), 0],
  ['EVALSHA', 'x', 0],
  ['EVALSHA_RO', SHA1, 0],
  ['SCRIPT', 'FLUSH', 'NOSUCH'],
  ['SCRIPT', 'FLUSH'],
  ['EVALSHA', SHA1, 0],
  ['SCRIPT', 'KILL'],
  ['SCRIPT', 'DEBUG', 'NO'],
  ['SCRIPT', 'DEBUG', 'NOSUCH'],
  ['SCRIPT', 'NOSUCH'],
  ['SCRIPT'],
  ['SCRIPT', 'EXISTS'],
  ['EVAL', 'return 1'],
  ['EVAL', 'return 1', 'x'],
  ['EVAL', 'return 1', -1],
  ['EVAL', 'return 1', 1],
  ['EVAL', 'return {#KEYS, #ARGV, KEYS[1], ARGV[1]}', 1, 'k', 'a', 'b'],
  ['EVAL_RO', 'return redis.call("set", KEYS[1], "1")', 1, 'k'],
  ['EVAL_RO', 'return redis.pcall("set", KEYS[1], "1")', 1, 'k'],
  ['EVAL', '#!lua flags=no-writes\nreturn redis.call("set", KEYS[1], "1")', 1, 'k'],
  ['EVAL', '#!lua flags=no-writes\nreturn redis.call("get", KEYS[1])', 1, 'k'],
  ['EVAL_RO', '#!lua flags=no-writes\nreturn redis.call("get", KEYS[1])', 1, 'k'],
  ['EVAL_RO', '#!lua\nreturn 1', 0],
  ['EVAL', '#!lua\nreturn 1', 0],
  ['EVAL', '#!lua', 0],
  ['EVAL', '#!lua flags=\nreturn 1', 0],
  ['EVAL', '#!lua flags=no-writes,nosuch\nreturn 1', 0],
  ['EVAL', '#!lua flags=no-writes,allow-oom,allow-stale,no-cluster\nreturn 1', 0],
  ['EVAL', '#!lua other=1\nreturn 1', 0],
  ['EVAL', '#!js\nreturn 1', 0],
  ['EVAL', '#!lua\n\nerror("line 3")', 0],
  ['SCRIPT', 'LOAD', '#!lua flags=nosuch\nreturn 1'],
];

const transactionCommands: readonly Command[] = [
  ['MULTI'],
  ['EVAL', 'return redis.call("set", KEYS[1], "1")', 1, 'k'],
  ['EVAL', 'return redis.call("incr", KEYS[1])', 1, 'k'],
  ['EVAL', 'error("no")', 0],
  ['EVALSHA', SHA1, 0],
  ['SCRIPT', 'LOAD', 'return 1'],
  ['EVALSHA', SHA1, 0],
  ['GET', 'k'],
  ['EXEC'],
  ['MULTI'],
  ['EVAL', 'return 1'],
  ['EXEC'],
  ['WATCH', 'k'],
  ['EVAL', 'return redis.call("get", KEYS[1])', 1, 'k'],
  ['MULTI'],
  ['PING'],
  ['EXEC'],
  ['WATCH', 'k'],
  ['EVAL', 'return redis.call("set", KEYS[1], "2")', 1, 'k'],
  ['MULTI'],
  ['PING'],
  ['EXEC'],
  ['WATCH', 'k'],
  ['EVAL', 'redis.call("select", 1) return redis.call("set", KEYS[1], "2")', 1, 'k'],
  ['MULTI'],
  ['PING'],
  ['EXEC'],
  ['EVAL', 'return redis.pcall("watch", "k")', 0],
  ['EVAL', 'return redis.pcall("exec")', 0],
  ['CONFIG', 'SET', 'maxmemory', '1'],
  ['EVAL', 'return redis.call("set", KEYS[1], "1")', 1, 'k'],
  ['EVAL', 'return redis.pcall("set", KEYS[1], "1")', 1, 'k'],
  ['EVAL', 'return redis.call("get", KEYS[1])', 1, 'k'],
  ['EVAL', '#!lua\nreturn redis.call("get", KEYS[1])', 1, 'k'],
  ['EVAL', '#!lua flags=no-writes\nreturn redis.call("get", KEYS[1])', 1, 'k'],
  ['EVAL', '#!lua flags=allow-oom\nreturn redis.call("set", KEYS[1], "3")', 1, 'k'],
  ['EVAL', 'redis.call("del", KEYS[1]) return redis.call("set", KEYS[1], "4")', 1, 'k'],
  ['FUNCTION', 'LOAD', LIBRARY],
  ['CONFIG', 'SET', 'maxmemory', '0'],
];

interface Pair {
  readonly redis: RespClient;
  readonly dhash: RespClient;
}

async function pair(t: Test): Promise<Pair> {
  const servers = await Promise.all([startRedis(), startDhash()]);
  const [redis, dhash] = await Promise.all(servers.map((server) => server.connect()));
  t.teardown(() => Promise.all(servers.map((server) => server.stop())));
  return { redis: redis!, dhash: dhash! };
}

async function say(client: RespClient, command: Command): Promise<string> {
  return show(await client.call(...command.map(String)));
}

for (const protocol of ['2', '3']) {
  for (const [name, commands] of [
    ['scripts', scriptCommands],
    ['functions', functionCommands],
    ['transactions', transactionCommands],
  ] as const) {
    t.test(`${name}, RESP${protocol}`, async (t) => {
      const { redis, dhash } = await pair(t);
      await Promise.all([redis.call('HELLO', protocol), dhash.call('HELLO', protocol)]);
      for (const command of commands) {
        t.equal(await say(dhash, command), await say(redis, command), JSON.stringify(command));
      }
    });
  }
}

/** The flag `noscript` of all commands that both know, subcommands included. */
const REFUSED = `local refused = {}
local function look(name, arity, words)
  local args = {}
  for i = 1, math.abs(arity) - #words do args[i] = '1' end
  for i = #words, 1, -1 do table.insert(args, 1, words[i]) end
  local reply = redis.pcall(unpack(args))
  if type(reply) == 'table' and reply.err then refused[#refused + 1] = name .. ': ' .. reply.err end
end
for _, full in ipairs(ARGV) do
  local info = redis.call('command', 'info', full)[1]
  local words = {}
  for word in string.gmatch(full, '[^|]+') do words[#words + 1] = word end
  local isRefused = false
  for _, flag in ipairs(info[3]) do if flag.ok == 'noscript' then isRefused = true end end
  if isRefused then look(full, info[2], words) end
end
return refused`;

t.test('commands that scripts may not call', async (t) => {
  const { redis, dhash } = await pair(t);
  const known: Set<string>[] = [];
  for (const client of [redis, dhash]) {
    const names = new Set<string>();
    for (const info of (await client.callPlain('COMMAND')) as unknown[][]) {
      const subcommands = (info[9] ?? []) as unknown[][];
      if (subcommands.length === 0) names.add(String(info[0]));
      for (const subcommand of subcommands) names.add(String(subcommand[0]));
    }
    known.push(names);
  }
  const shared = [...known[0]!].filter((name) => known[1]!.has(name)).sort();
  const expected = await say(redis, ['EVAL', REFUSED, 0, ...shared]);
  t.match(expected, 'multi: ERR This Redis command is not allowed from script');
  t.equal(await say(dhash, ['EVAL', REFUSED, 0, ...shared]), expected);
});

t.test('FUNCTION DUMP and RESTORE, from one to the other and back', async (t) => {
  const { redis, dhash } = await pair(t);
  const second = '#!lua name=z\nredis.register_function("z", function() end)';
  for (const code of [LIBRARY, second]) await redis.call('FUNCTION', 'LOAD', code);
  const { bytes: fromRedis } = await redis.call('FUNCTION', 'DUMP');
  t.equal(await dhash.callPlain('FUNCTION', 'RESTORE', fromRedis!), 'OK');
  t.equal(await say(dhash, ['FCALL', 'count', 0]), await say(redis, ['FCALL', 'count', 0]));
  const { bytes: fromDhash } = await dhash.call('FUNCTION', 'DUMP');
  t.equal(await redis.callPlain('FUNCTION', 'RESTORE', fromDhash!, 'FLUSH'), 'OK');
  t.equal(await say(redis, ['FCALL', 'z', 0]), await say(dhash, ['FCALL', 'z', 0]));
});
