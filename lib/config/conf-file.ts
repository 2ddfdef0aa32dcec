/**
 * The syntax of redis.conf: one directive per line, words with quotes, comments on lines of their
 * own.
 *
 *   # comment
 *   maxmemory 2gb
 *   requirepass "with \"quotes\", \x41 and \n"     single quotes know only \'
 *
 * Invariant: `splitWords(joinWords(words))` gives `words` again.
 */

export interface ConfLine {
  /** From 1. */
  readonly lineNumber: number;
  /** In lower case. */
  readonly name: string;
  readonly words: readonly string[];
}

export interface ConfProblem {
  readonly lineNumber: number;
  readonly text: string;
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['a', '\x07'],
]);

/** The words of a line, or undefined if its quotes are not balanced. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && /\s/.test(line[at]!)) at += 1;
    if (at >= line.length) return words;
    let word = '';
    while (at < line.length && !/\s/.test(line[at]!)) {
      const letter = line[at]!;
      if (letter !== '"' && letter !== "'") {
        word += letter;
        at += 1;
        continue;
      }
      const quoted = letter === '"' ? readDouble(line, at + 1) : readSingle(line, at + 1);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      at = quoted.next;
      // As in Redis, a closing quote ends the word.
      if (at < line.length && !/\s/.test(line[at]!)) return undefined;
    }
    words.push(word);
  }
}

interface Quoted {
  readonly text: string;
  readonly next: number;
}

function readDouble(line: string, from: number): Quoted | undefined {
  let text = '';
  let at = from;
  while (at < line.length) {
    const letter = line[at]!;
    if (letter === '"') return { text, next: at + 1 };
    if (letter !== '\\' || at + 1 >= line.length) {
      text += letter;
      at += 1;
      continue;
    }
    const hex = /^x([0-9a-f]{2})/i.exec(line.slice(at + 1, at + 4));
    if (hex !== null) {
      text += String.fromCharCode(Number.parseInt(hex[1]!, 16));
      at += 4;
    } else {
      text += ESCAPES.get(line[at + 1]!) ?? line[at + 1]!;
      at += 2;
    }
  }
  return undefined;
}

function readSingle(line: string, from: number): Quoted | undefined {
  let text = '';
  let at = from;
  while (at < line.length) {
    if (line[at] === "'") return { text, next: at + 1 };
    if (line[at] === '\\' && line[at + 1] === "'") at += 1;
    text += line[at]!;
    at += 1;
  }
  return undefined;
}

/** Words as one line, quoted where they need it. */
export function joinWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (/^[^\s"'\\#\p{Cc}]+$/u.test(word)) return word;
  let text = '"';
  for (const letter of word) {
    if (letter === '"' || letter === '\\') text += `\\${letter}`;
    else if (letter === '\n') text += '\\n';
    else if (letter === '\r') text += '\\r';
    else if (letter === '\t') text += '\\t';
    else if (letter < ' ') text += `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
    else text += letter;
  }
  return `${text}"`;
}

/** The directives of a file, and the lines that cannot be read. */
export function parseConf(text: string): { lines: ConfLine[]; problems: ConfProblem[] } {
  const lines: ConfLine[] = [];
  const problems: ConfProblem[] = [];
  let lineNumber = 0;
  for (const raw of text.split('\n')) {
    lineNumber += 1;
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const words = splitWords(line);
    const name = words?.[0];
    if (words === undefined) problems.push({ lineNumber, text: 'unbalanced quotes' });
    else if (name !== undefined) {
      lines.push({ lineNumber, name: name.toLowerCase(), words: words.slice(1) });
    }
  }
  return { lines, problems };
}
