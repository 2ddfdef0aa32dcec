/** Where settings come from: redis.conf's syntax, variables, flags, and what is said of mistakes. */

import t from 'tap';
import { joinWords, parseConf, splitWords } from '../../lib/config/conf-file.js';
import { loadSettings } from '../../lib/config/load.js';
import { editDistance, nearest } from '../../lib/config/nearest.js';
import { seededRandom, seedOfRun } from '../support/random.js';

t.test('words of a line', (t) => {
  const cases: readonly (readonly [name: string, line: string, words: string[] | undefined])[] = [
    ['plain', '  a  b\tc ', ['a', 'b', 'c']],
    ['nothing', '   ', []],
    ['double quotes', '"a b" "" "\\x41\\n\\t\\\\\\"q"', ['a b', '', 'A\n\t\\"q']],
    ['single quotes', "'a \\n b' 'it\\'s'", ['a \\n b', "it's"]],
    ['quotes within a word', 'a"b c"', ['ab c']],
    ['a hash is a letter', 'a #b', ['a', '#b']],
    ['not closed', '"abc', undefined],
    ['not closed, single', "'abc", undefined],
    ['escaped end', '"abc\\"', undefined],
    ['text after the quote', '"a"b', undefined],
    ['half an escape', '"\\x4"', ['x4']],
  ];
  for (const [name, line, words] of cases) t.strictSame(splitWords(line), words, name);
  t.end();
});

t.test('words survive being written and read', (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const letters = [...'ab "\'\\#\n\r\t\x00\x7fxé{}41'];
  for (let round = 0; round < 2000; round++) {
    const words = Array.from({ length: random.below(4) }, () =>
      Array.from({ length: random.below(6) }, () => random.pick(letters)).join(''),
    );
    const line = joinWords(words);
    if (line.includes('\n')) t.fail(`seed ${seed}: a line break in ${line}`);
    const back = splitWords(line);
    if (JSON.stringify(back) !== JSON.stringify(words)) {
      t.fail(`seed ${seed}: ${JSON.stringify(words)} became ${line}`);
    }
  }
  t.end();
});

t.test('lines, comments and numbers of a file', (t) => {
  const { lines, problems } = parseConf('# c\r\nPort 1\r\n\n  # port 2\nbind a "b"\nx "y\n');
  t.strictSame(lines, [
    { lineNumber: 2, name: 'port', words: ['1'] },
    { lineNumber: 5, name: 'bind', words: ['a', 'b'] },
  ]);
  t.strictSame(problems, [{ lineNumber: 6, text: 'unbalanced quotes' }]);
  t.end();
});

t.test('a flag goes over the environment, over the file, over the default', (t) => {
  const file = { path: 'a.conf', text: 'port 1\nmaxclients 2\ntimeout 3\n' };
  const environment = { DHASH_PORT: '10', DHASH_MAXCLIENTS: '20', HOME: '/x' };
  const { settings, problems } = loadSettings({ file, environment, flags: [['port', '100']] });
  t.strictSame(problems, []);
  t.equal(settings.port, 100);
  t.equal(settings.maxclients, 20);
  t.equal(settings.timeout, 3);
  t.equal(settings.tcpKeepalive, 300);
  t.end();
});

t.test('both names of a setting, lists, memory, what is given in parts', (t) => {
  const text = [
    'bind 127.0.0.1 -::1',
    'loglevel info',
    'maxmemory 1kb',
    'unixsocketperm 700',
    'latency-tracking-info-percentiles 50 99.5',
    'client-output-buffer-limit normal 1mb 2mb 3',
    'client-output-buffer-limit replica 1 2 3',
    'save ""',
    'requirepass "a b"',
    'http-port 0',
  ].join('\n');
  const environment = { DHASH_HOST: '::1,127.0.0.1' };
  const { settings, problems } = loadSettings({ file: { path: 'a', text }, environment });
  t.strictSame(problems, []);
  t.strictSame(settings.bind, ['::1', '127.0.0.1']);
  t.equal(settings.loglevel, 'notice');
  t.equal(settings.maxmemory, 1024);
  t.equal(settings.unixsocketperm, 0o700);
  t.strictSame(settings.latencyTrackingInfoPercentiles, [50, 99.5]);
  t.equal(settings.clientOutputBufferLimit.normal.hardBytes, 1_048_576);
  t.equal(settings.clientOutputBufferLimit.replica.softSeconds, 3);
  t.equal(settings.requirepass, 'a b');
  t.end();
});

t.test('every mistake is named, with where it stands and what was meant', (t) => {
  const text = [
    'maxmemry 1',
    'port x',
    'include other.conf',
    'port 1 # comment',
    'port',
    'appendonly yes',
    'quux-frobnicate 1',
    'bind "a',
  ].join('\n');
  const { problems } = loadSettings({
    file: { path: 'd.conf', text },
    environment: { DHASH_MAXCLIENT: '1', DHASH_TIMEOUT: 'soon' },
    flags: [
      ['write-level', 'two'],
      ['portt', '1'],
      ['http-port', '80'],
      ['appendonly', 'yes'],
    ],
  });
  const noDisk =
    'dhash keeps entries on disk with dir and fsync (appendfsync), not with this: it is yes where ' +
    'dir has been given before, and no without';
  t.strictSame(problems, [
    "d.conf:1: unknown setting 'maxmemry'; did you mean 'maxmemory'?",
    "d.conf:2: port: argument couldn't be parsed into an integer",
    'd.conf:3: include: put everything into one file, or give flags and DHASH_ variables on top of it',
    'd.conf:4: port: one value expected, 3 given; a comment needs a line of its own',
    'd.conf:5: port: the value is missing',
    `d.conf:6: appendonly: ${noDisk}`,
    "d.conf:7: unknown setting 'quux-frobnicate'",
    'd.conf:8: unbalanced quotes',
    'DHASH_MAXCLIENT: no setting has this name; did you mean DHASH_MAXCLIENTS?',
    "DHASH_TIMEOUT: argument couldn't be parsed into an integer",
    "--write-level: level 'two' is not built yet in this version; one, quorum and all are",
    "--portt: unknown setting 'portt'; did you mean 'port'?",
    '--http-port: the HTTP API is not built yet in this version',
    `--appendonly: ${noDisk}`,
  ]);
  t.end();
});

t.test('appendonly is what dir makes it', (t) => {
  const load = (text: string) => loadSettings({ file: { path: 'd.conf', text } });
  const kept = load('dir /data\nappendonly yes\n');
  t.strictSame(kept.problems, []);
  t.strictSame(kept.settings.get('appendonly'), [['appendonly', 'yes']]);
  t.match(kept.settings.set([['appendonly', 'no']]), /with dir and fsync/);
  t.equal(kept.settings.set([['appendonly', 'yes']]), undefined);
  t.match(load('dir /data\nappendonly no\n').problems[0], /appendonly: .* with dir/);
  t.strictSame(load('appendonly no\n').settings.get('appendonly'), [['appendonly', 'no']]);
  t.end();
});

t.test('variables that are not meant for the node', (t) => {
  const { settings, problems } = loadSettings({
    environment: {
      DHASH_PASSWORD: 'x',
      DHASH_SERVICE_HOST: '10.0.0.1',
      DHASH_SERVICE_PORT: '6379',
      DHASH_PORT: 'tcp://10.0.0.1:6379',
      DHASH_PORT_6379_TCP_ADDR: '10.0.0.1',
    },
  });
  t.strictSame(problems, []);
  t.equal(settings.port, 6379);
  t.end();
});

t.test('distances', (t) => {
  const cases = [
    ['', '', 0],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'abcd', 1],
    ['abc', 'xbc', 1],
    ['ca', 'abc', 3],
    ['kitten', 'sitting', 3],
  ] as const;
  for (const [a, b, distance] of cases) {
    t.equal(editDistance(a, b), distance, `${a} ${b}`);
    t.equal(editDistance(b, a), distance, `${b} ${a}`);
  }
  t.equal(nearest('prot', ['port', 'post']), 'port');
  t.equal(nearest('zzzzzz', ['port', 'post']), undefined);
  t.end();
});
