/** Slow scripts: nobody runs in between, who waits is told, and what ends them. */
import t from 'tap';
import { LocalNode } from '../support/local.js';

const FOREVER = 'while true do end';
const BUSY =
  '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
const KILLED =
  /^-ERR Script killed by user with SCRIPT KILL\.\.\. script: \w{40}, on @user_script:1\.$/;

/** A node whose clock goes on a little with every look at it. */
async function slowNode(busyMs: number, lookMs = 0.1): Promise<LocalNode> {
  const local = new LocalNode((settings) => {
    settings.busyReplyThreshold = busyMs;
  });
  local.world.lookMs = lookMs;
  return local.start();
}

const SLOW: readonly (readonly [string, string])[] = [
  ['a loop', FOREVER],
  ['within pcall', `while true do pcall(function() ${FOREVER} end) end`],
  ['within xpcall', `xpcall(function() ${FOREVER} end, function() end)`],
  ['within a coroutine', `coroutine.wrap(function() ${FOREVER} end)()`],
  [
    'nested',
    `pcall(function() coroutine.wrap(function() pcall(function() ${FOREVER} end) end)() end)`,
  ],
  ['commands', 'while true do redis.call("get", "a") end'],
  ['a sort', 'table.sort({3, 1, 2, 5, 4}, function(a, b) while true do end end)'],
];

for (const [name, script] of SLOW) {
  t.test(`${name}: others wait, then hear of it, then kill it`, async (t) => {
    const local = await slowNode(100);
    const [caller, other] = [local.client(), local.client()];
    caller.post('EVAL', script, 0);
    other.post('GET', 'a');
    t.same(other.received(), [], 'held back at first');
    for (let turn = 0; turn < 1000 && !local.node.server.scripts.runner.isBusy; turn += 1) {
      local.world.turn();
    }
    t.same(other.received(), [BUSY]);
    t.equal(other.send('SET', 'a', '1'), BUSY);
    t.equal(other.send('FUNCTION', 'KILL'), BUSY);
    t.equal(other.send('FUNCTION', 'STATS'), BUSY);
    t.equal(other.send('SCRIPT', 'KILL'), 'OK');
    local.world.turn();
    const [reply] = caller.received();
    t.match(reply, KILLED);
    t.equal(other.send('GET', 'a'), null);
    t.equal(caller.send('EVAL', 'return 1', 0), 1, 'the machine goes on');
    t.equal(other.send('SCRIPT', 'KILL'), '-NOTBUSY No scripts in execution right now.');
  });
}

const COUNT = 'local n = 0 while n < 3e6 do n = n + 1 end return n';

t.test('a script is one step for others, however many turns it takes', async (t) => {
  const local = await slowNode(1e9);
  const [caller, other] = [local.client(), local.client()];
  caller.send('SET', 'expires', 'x', 'PX', '5');
  caller.post('EVAL', `redis.call("set", "a", "1") ${COUNT}`, 0);
  other.post('GET', 'a');
  local.world.nowMs += 50;
  caller.post('GET', 'expires');
  t.ok(local.node.server.scripts.runner.running !== undefined, 'it is suspended');
  t.same(other.received(), []);
  for (let turn = 0; turn < 1000; turn += 1) local.world.turn();
  t.same(other.received(), ['1']);
  t.same(caller.received(), [3e6, null]);
});

t.test('what has written cannot be killed', async (t) => {
  const local = await slowNode(10);
  const [caller, other] = [local.client(), local.client()];
  caller.post('EVAL', `redis.call("set", "a", "1") ${COUNT}`, 0);
  while (!local.node.server.scripts.runner.isBusy) local.world.turn();
  for (const container of ['SCRIPT', 'FUNCTION']) {
    t.match(other.send(container, 'KILL'), /^-UNKILLABLE Sorry the script already executed write/);
  }
  for (let turn = 0; turn < 1000; turn += 1) local.world.turn();
  t.same(caller.received(), [3e6]);
});

t.test('within MULTI the rest follows, and nobody comes between', async (t) => {
  const local = await slowNode(1e9);
  const [caller, other] = [local.client(), local.client()];
  caller.send('MULTI');
  caller.send('SET', 'a', '1');
  caller.send('EVAL', COUNT, 0);
  caller.send('EVAL', COUNT, 0);
  caller.send('INCR', 'a');
  caller.post('EXEC');
  other.post('INCR', 'a');
  t.same(other.received(), []);
  for (let turn = 0; turn < 2000; turn += 1) local.world.turn();
  t.same(caller.received(), [['OK', 3e6, 3e6, 2]]);
  t.same(other.received(), [3]);
});

t.test('a client that leaves: its script ends all the same, and the others go on', async (t) => {
  const local = await slowNode(1e9);
  const [caller, other] = [local.client(), local.client()];
  caller.post(
    'EVAL',
    `local s = 0 ${COUNT.replace('return n', '')} redis.call("set", "a", "done")`,
    0,
  );
  caller.link.end();
  other.post('GET', 'a');
  for (let turn = 0; turn < 1000; turn += 1) local.world.turn();
  t.same(other.received(), ['done']);
});

t.test('where Lua cannot let go, there is an end', async (t) => {
  const local = await slowNode(1e9);
  const script = `return setmetatable({}, {__index = function() ${FOREVER} end}).x`;
  t.match(local.client().send('EVAL', script, 0), /Script ended: over 500 ms within a metamethod/);
});

t.test('a function: FUNCTION KILL', async (t) => {
  const local = await slowNode(10);
  const [caller, other] = [local.client(), local.client()];
  caller.send(
    'FUNCTION',
    'LOAD',
    `#!lua name=l\nredis.register_function("f", function() ${FOREVER} end)`,
  );
  caller.post('FCALL', 'f', 0);
  while (!local.node.server.scripts.runner.isBusy) local.world.turn();
  const busy =
    '-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.';
  t.equal(other.send('GET', 'a'), busy);
  t.equal(other.send('SCRIPT', 'KILL'), busy);
  t.match(other.send('FUNCTION', 'STATS'), ['running_script', ['name', 'f']]);
  t.equal(other.send('FUNCTION', 'KILL'), 'OK');
  local.world.turn();
  t.match(caller.received()[0], /^-ERR Script killed by user .* script: f, on @user_function:2\.$/);
});

t.test('code of a library has its time, too', async (t) => {
  const local = await slowNode(10);
  const reply = local.client().send('FUNCTION', 'LOAD', `#!lua name=l\n${FOREVER}`);
  t.match(reply, /^-ERR Error registering functions: .*FUNCTION LOAD timeout/);
});

const LONG_CALLS: readonly (readonly [name: string, script: string])[] = [
  ['cjson.encode', 'local t = {} for i = 1, 30 do t = {t, t} end return cjson.encode(t)'],
  ['cjson.decode', 'return cjson.decode("[" .. string.rep("1,", 2e6) .. "1]")'],
  ['cmsgpack.pack', 'local t = {} for i = 1, 15 do t = {t, t, t, t} end return cmsgpack.pack(t)'],
  ['cmsgpack.unpack', 'return cmsgpack.unpack("\\221" .. string.rep("\\255\\255\\1", 1e6))'],
  ['string.gsub', 'return #string.gsub(string.rep("x", 1e6), ".", string.rep("%0", 100))'],
  ['string.find', 'return string.find(string.rep("a", 1e6), ".-b")'],
  ['string.format', 'return #string.format("%q", string.rep("\\n", 2e7))'],
];

for (const [name, script] of LONG_CALLS) {
  t.test(`a call of a library that takes long has its end: ${name}`, async (t) => {
    const local = await slowNode(1e9, 50);
    const client = local.client();
    client.post('EVAL', script, 0);
    const { runner } = local.node.server.scripts;
    for (let turn = 0; turn < 1000 && runner.running !== undefined; turn += 1) local.world.turn();
    const [reply] = client.received();
    t.match(reply, /^-ERR user_script:1: Script ended: over 500 ms within .* library/);
    t.equal(client.send('EVAL', 'return 1', 0), 1);
  });
}

t.test('a reply that takes long to write has its end', async (t) => {
  const local = await slowNode(1e9, 50);
  const client = local.client();
  const nested = 'local t = {} for i = 1, 30 do t = {t, t} end return t';
  t.match(client.send('EVAL', nested, 0), /its reply takes longer than 500 ms to write$/);
  t.equal(client.send('EVAL', 'return 1', 0), 1);
});

t.test('busy-reply-threshold 0: others wait, however long it takes', async (t) => {
  const local = await slowNode(0);
  const [caller, other] = [local.client(), local.client()];
  caller.post('EVAL', COUNT, 0);
  other.post('GET', 'a');
  t.ok(local.node.server.scripts.runner.running !== undefined);
  for (let turn = 0; turn < 1000; turn += 1) local.world.turn();
  t.same(caller.received(), [3e6]);
  t.same(other.received(), [null], 'and no -BUSY before');
});

t.test('a client that leaves within EXEC: the rest of it is done all the same', async (t) => {
  const local = await slowNode(1e9);
  const [caller, other] = [local.client(), local.client()];
  caller.send('MULTI');
  for (let i = 0; i < 3; i += 1)
    caller.send('EVAL', `${COUNT.replace('return n', '')} redis.call("incr", "a")`, 0);
  caller.post('EXEC');
  caller.link.end();
  other.post('GET', 'a');
  for (let turn = 0; turn < 3000; turn += 1) local.world.turn();
  t.same(other.received(), ['3']);
});
