/**
 * Random scripts about waiting: clients that block on a few keys, and others who push to them in
 * every way there is. Elements are numbered, so that a transcript shows who was given which. Times
 * are endless: a seed is a transcript.
 */
import type { SeededRandom } from '../support/random.js';

const waiters = ['a', 'b', 'c', 'd'];
/** Who writes: in database 0, where most wait, and in database 1. */
const writers = ['w', 'w', 'w', 'v'];
const keys = ['x', 'x', 'y', 'y', 'z', 't'];

class Scripter {
  readonly #random: SeededRandom;
  #elements = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  line(): string[] {
    const random = this.#random;
    const x = random.float();
    const waiter = random.pick(waiters);
    const writer = random.pick(writers);
    if (x < 0.4) return [`${waiter} tries: ${this.#waiting()}`];
    if (x < 0.43) return [`${waiter} tries: ${this.#writing()}`];
    if (x < 0.45) return [`${waiter} closes`];
    if (x < 0.5) {
      const mode = random.pick(['', '', ' TIMEOUT', ' ERROR']);
      return [`w: CLIENT UNBLOCK $${waiter}${mode}`];
    }
    if (x < 0.58) return this.#transaction(writer);
    if (x < 0.62) return [`${writer}: ${this.#script()}`];
    const count = random.between(1, 3);
    return [`${writer}: ${this.#some(count, () => this.#writing()).join('; ')}`];
  }

  #some<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }

  #key(): string {
    return this.#random.pick(keys);
  }

  #keys(): string[] {
    return this.#some(this.#random.between(1, 3), () => this.#key());
  }

  #end(): string {
    return this.#random.pick(['LEFT', 'RIGHT']);
  }

  #element(): string {
    this.#elements += 1;
    return `e${this.#elements}`;
  }

  #newElements(): string {
    return this.#some(this.#random.pick([1, 1, 2, 4]), () => this.#element()).join(' ');
  }

  #multi(words: readonly string[]): string {
    const given = this.#keys();
    const count = this.#random.pick(['', ' COUNT 1', ' COUNT 2', ' COUNT 9']);
    return `0 ${given.length} ${given.join(' ')} ${this.#random.pick(words)}${count}`;
  }

  #waiting(): string {
    const random = this.#random;
    const pops = (): string => `${this.#keys().join(' ')} 0`;
    return random.pick([
      () => `BLPOP ${pops()}`,
      () => `BRPOP ${pops()}`,
      () => `BLMPOP ${this.#multi(['LEFT', 'RIGHT'])}`,
      () => `BLMOVE ${this.#key()} ${this.#key()} ${this.#end()} ${this.#end()} 0`,
      () => `BLMOVE ${this.#key()} ${this.#key()} ${this.#end()} ${this.#end()} 0`,
      () => `BRPOPLPUSH ${this.#key()} ${this.#key()} 0`,
      () => `BZPOP${random.pick(['MIN', 'MAX'])} ${pops()}`,
      () => `BZMPOP ${this.#multi(['MIN', 'MAX'])}`,
    ])();
  }

  #writing(): string {
    const random = this.#random;
    const push = (): string =>
      `${random.pick(['LPUSH', 'RPUSH'])} ${this.#key()} ${this.#newElements()}`;
    return random.pick([
      ...[push, push, push, push],
      () => `RPUSHX ${this.#key()} ${this.#element()}`,
      () => `ZADD ${this.#key()} 1 ${this.#element()} 2 ${this.#element()}`,
      () => `ZADD t 1 ${this.#element()}`,
      () => `DEL ${this.#keys().join(' ')}`,
      () => `SET ${this.#key()} text`,
      () => `${random.pick(['LPOP', 'RPOP', 'ZPOPMIN'])} ${this.#key()}`,
      () => `LMOVE ${this.#key()} ${this.#key()} ${this.#end()} ${this.#end()}`,
      () => `LMPOP 2 ${this.#key()} ${this.#key()} ${this.#end()} COUNT 2`,
      () => `${random.pick(['RENAME', 'RENAMENX'])} ${this.#key()} ${this.#key()}`,
      () => `COPY ${this.#key()} ${this.#key()}${random.pick(['', ' REPLACE'])}`,
      () => `MOVE ${this.#key()} 1`,
      () => `ZUNIONSTORE ${this.#key()} 2 ${this.#key()} t`,
      () => `LINSERT ${this.#key()} BEFORE e1 ${this.#element()}`,
      () => `LTRIM ${this.#key()} ${random.pick(['0 0', '1 0', '0 -2'])}`,
      () => `EXPIRE ${this.#key()} ${random.pick(['-1', '1000'])}`,
      () => random.pick(['FLUSHDB', 'DBSIZE', 'EXISTS x y z t']),
    ])();
  }

  #transaction(writer: string): string[] {
    const inner = (): string => (this.#random.chance(0.25) ? this.#waiting() : this.#writing());
    const body = this.#some(this.#random.between(1, 4), inner).map((made) => `${writer}: ${made}`);
    return [`${writer}: MULTI`, ...body, `${writer}: EXEC`];
  }

  /** One word as its text, since words are split at spaces. */
  #script(): string {
    const calls = this.#some(this.#random.between(1, 3), () => {
      const words = this.#writing().split(' ');
      return `redis.pcall('${words.join("','")}')`;
    });
    return `EVAL return{${calls.join(',')}} 0`;
  }
}

/** A script for `runScript`. */
export function randomBlockingScript(random: SeededRandom, stepCount: number): string {
  const scripter = new Scripter(random);
  const lines = [
    's: CONFIG SET notify-keyspace-events KEA',
    's: PSUBSCRIBE __key*__:*',
    'v: SELECT 1',
    ...waiters.map((name) => `${name}: PING`),
    'd: SELECT 1',
  ];
  while (lines.length < stepCount) lines.push(...scripter.line());
  lines.push(...waiters.map((name) => `w: CLIENT UNBLOCK $${name}`));
  lines.push('w: LRANGE x 0 -1; LRANGE y 0 -1; LRANGE z 0 -1; ZRANGE t 0 -1');
  return lines.join('\n');
}
