import t from 'tap';
import { globMatches, literalPrefix } from '../../lib/glob.js';

const matches = (pattern: string, text: string) => {
  const bytes = Buffer.from(text, 'latin1');
  return globMatches(Buffer.from(pattern, 'latin1'), bytes, 0, bytes.length);
};

t.test('patterns as in Redis', async (t) => {
  const rows: [pattern: string, text: string, found: boolean][] = [
    ['', '', true],
    ['', 'a', false],
    ['*', '', false],
    ['**', '', false],
    ['*', 'anything', true],
    ['a*', 'abc', true],
    ['*c', 'abc', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbb', false],
    ['a**c', 'ac', true],
    ['*a*b*', 'xxayybzz', true],
    ['?', 'a', true],
    ['?', '', false],
    ['h?llo', 'hello', true],
    ['h[ae]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['h[^e]llo', 'hallo', true],
    ['h[a-c]llo', 'hbllo', true],
    ['h[c-a]llo', 'hbllo', true],
    ['h[a-', 'hb', false],
    ['h[b', 'hb', true],
    ['h[', 'h', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['[\\]]', ']', true],
    ['\xff*', '\xffa', true],
  ];
  for (const [pattern, text, found] of rows) {
    t.equal(matches(pattern, text), found, `${pattern} on ${text}`);
  }
});

t.test('a hostile pattern ends', async (t) => {
  t.equal(matches(`${'a*'.repeat(60)}b`, 'a'.repeat(20_000)), false);
});

t.test('what a match begins with', async (t) => {
  const rows: [pattern: string, prefix: string][] = [
    ['user:*', 'user:'],
    ['*', ''],
    ['user:\\*x?', 'user:*x'],
    ['a[bc]', 'a'],
    ['plain', 'plain'],
  ];
  for (const [pattern, prefix] of rows) {
    t.equal(literalPrefix(Buffer.from(pattern)).toString(), prefix, pattern);
  }
});
