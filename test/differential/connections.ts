/**
 * Several connections of one server, as a script: who does what, and what each of them receives.
 *
 *   a: HELLO 3                 a connection is made when it is first named
 *   a: SUBSCRIBE x; PING       commands after another in one write
 *   b waits: BLPOP k 0         goes on once the server says that b is blocked
 *   b tries: BLPOP k 0         ... or has replied; nothing, if b waits already
 *   b resumes                  ... and that it no longer is
 *   b closes
 *   k expires                  goes on once there is no such key
 *   30 ms pass                 goes on once the server's clock says so
 *
 * `$a` stands for the id of a. After each step every connection that can is asked for a token, so
 * that what it receives belongs to a step and nothing is still on its way. Keys expire only when
 * somebody looks, so that a slow machine does not change what a step shows.
 */

import { type Reply, show } from '../support/reply.js';
import { RespClient } from '../support/resp-client.js';
import { until } from '../support/until.js';

/** What each connection received: replies and RESP3 pushes apart, and the steps in both. */
export type Transcript = Readonly<Record<string, { replies: string[]; pushes: string[] }>>;

interface Peer {
  readonly client: RespClient;
  readonly id: number;
  readonly replies: string[];
  readonly pushes: string[];
  isWaiting: boolean;
  inTransaction: boolean;
}

const LINE = /^(\w+)(?:: (.*)| (waits|tries): (.*)| (resumes|closes|expires|ms pass))$/;

/** Runs a script whose connections begin with `protocol`. */
export async function runScript(
  port: number,
  script: string,
  protocol: 2 | 3,
): Promise<Transcript> {
  const control = await RespClient.connect({ port });
  const run = new Run(control, port, protocol);
  try {
    await control.call('FLUSHALL');
    await control.call('CONFIG', 'SET', 'notify-keyspace-events', '');
    await control.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    const lines = script.split('\n').map((line) => line.trim());
    for (const line of lines) if (line !== '') await run.step(line);
    return run.transcript();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #control: RespClient;
  readonly #port: number;
  readonly #protocol: 2 | 3;
  readonly #peers = new Map<string, Peer>();
  readonly #closed = new Map<string, Peer>();
  #steps = 0;

  constructor(control: RespClient, port: number, protocol: 2 | 3) {
    this.#control = control;
    this.#port = port;
    this.#protocol = protocol;
  }

  transcript(): Transcript {
    const all = [...this.#closed, ...this.#peers];
    return Object.fromEntries(
      all.map(([name, { replies, pushes }]) => [
        name,
        { replies: inOneOrder(replies), pushes: inOneOrder(pushes) },
      ]),
    );
  }

  async close(): Promise<void> {
    for (const { client } of this.#peers.values()) await client.close();
    await this.#control.close();
  }

  async step(line: string): Promise<void> {
    const [, name = '', commands, how, waiting, verb] = LINE.exec(line) ?? [];
    if (verb === 'expires') {
      await until(line, async () => (await this.#control.callPlain('EXISTS', name)) === 0);
    } else if (verb === 'ms pass') {
      const endMs = (await this.#serverMs()) + Number(name);
      await until(line, async () => (await this.#serverMs()) >= endMs);
    } else if (verb === 'closes') {
      await this.#hangUp(name);
    } else if (verb === 'resumes') {
      const peer = await this.#peer(name);
      await until(line, async () => !(await this.#isBlocked(peer)));
    } else if (commands === undefined && waiting === undefined) {
      throw new Error(`not a step: ${line}`);
    } else {
      await this.#send(name, (commands ?? waiting)!, how, line);
    }
    this.#steps += 1;
    await this.#settle(this.#peers.get(name));
  }

  async #send(
    name: string,
    commands: string,
    how: string | undefined,
    line: string,
  ): Promise<void> {
    const peer = await this.#peer(name);
    if (how === 'tries' && peer.isWaiting && (await this.#isBlocked(peer))) return;
    const { socket } = peer.client;
    const { bytesRead } = socket;
    const list = commands.split('; ').map((command) => this.#words(command));
    peer.client.sendRaw(Buffer.concat(list.map(encode)));
    for (const [word] of list) {
      if (/^multi$/i.test(String(word))) peer.inTransaction = true;
      if (/^(exec|discard|reset)$/i.test(String(word))) peer.inTransaction = false;
    }
    if (peer.inTransaction) {
      for (const _ of list) while (this.#keep(peer, await peer.client.read()) === 'push');
    } else if (how !== undefined) {
      const hasReplied = (): boolean => how === 'tries' && socket.bytesRead > bytesRead;
      peer.isWaiting = true;
      await until(line, async () => hasReplied() || (await this.#isBlocked(peer)));
    }
  }

  #words(command: string): Buffer[] {
    return command.split(' ').map((word) => {
      const named = /^\$(\w+)$/.exec(word);
      if (named === null) return Buffer.from(word === '""' ? '' : word, 'latin1');
      const peer = this.#peers.get(named[1]!) ?? this.#closed.get(named[1]!);
      return Buffer.from(String(peer!.id));
    });
  }

  async #peer(name: string): Promise<Peer> {
    const known = this.#peers.get(name);
    if (known !== undefined) return known;
    const client = await RespClient.connect({ port: this.#port });
    if (this.#protocol === 3) await client.call('HELLO', '3');
    const id = Number(await client.callPlain('CLIENT', 'ID'));
    const state = { isWaiting: false, inTransaction: false };
    const peer: Peer = { client, id, replies: [], pushes: [], ...state };
    this.#peers.set(name, peer);
    return peer;
  }

  async #hangUp(name: string): Promise<void> {
    const peer = await this.#peer(name);
    this.#peers.delete(name);
    this.#closed.set(name, peer);
    await peer.client.close();
    await until(`${name} closes`, async () => (await this.#line(peer)) === '');
  }

  async #serverMs(): Promise<number> {
    const [seconds, micros] = (await this.#control.callPlain('TIME')) as [string, string];
    return Number(seconds) * 1000 + Number(micros) / 1000;
  }

  async #line({ id }: Peer): Promise<string> {
    return String(await this.#control.callPlain('CLIENT', 'LIST', 'ID', id)).trim();
  }

  async #isBlocked(peer: Peer): Promise<boolean> {
    return / flags=\w*b/.test(await this.#line(peer));
  }

  /**
   * Reads everything that has been sent to anybody. Who has done the step is asked first, and
   * again at last, for what is sent at the end of a turn may come behind its token.
   */
  async #settle(actor: Peer | undefined): Promise<void> {
    const token = `step-${this.#steps}`;
    const others = [...this.#peers.values()].filter((peer) => peer !== actor);
    if (actor !== undefined && (await this.#canBeAsked(actor))) await this.#ask(actor, 'turn');
    for (const peer of actor === undefined ? others : [actor, ...others]) {
      if (!(await this.#canBeAsked(peer))) continue;
      peer.isWaiting = false;
      await this.#ask(peer, token);
      peer.replies.push(token);
    }
  }

  async #canBeAsked(peer: Peer): Promise<boolean> {
    return !peer.inTransaction && !(peer.isWaiting && (await this.#isBlocked(peer)));
  }

  /** Reads and keeps what comes before a token. */
  async #ask(peer: Peer, token: string): Promise<void> {
    peer.client.send('PING', token);
    for (;;) {
      const reply = await peer.client.read();
      // In RESP2 a subscriber gets an array.
      if (show(reply).replace(/\]$/, '').endsWith(`"${token}"`)) return;
      this.#keep(peer, reply);
    }
  }

  #keep(peer: Peer, reply: Reply): 'reply' | 'push' {
    const kind = reply.mark === '>' ? 'push' : 'reply';
    (kind === 'push' ? peer.pushes : peer.replies).push(textOf(reply));
    return kind;
  }
}

/**
 * Redis tells in the order of a hash table, another one in each run, which patterns a message
 * matches and what a client was subscribed to: such neighbours are sorted.
 */
function inOneOrder(lines: readonly string[]): string[] {
  const sorted: string[] = [];
  for (let from = 0; from < lines.length; ) {
    const kind = kindOf(lines[from]!);
    let to = from + 1;
    while (kind !== '' && to < lines.length && kindOf(lines[to]!) === kind) to += 1;
    const run = lines.slice(from, to);
    // The counts of UNSUBSCRIBE keep their order.
    const names = run.map((line) => line.replace(COUNT, '')).sort();
    sorted.push(...run.map((line, i) => names[i]! + (COUNT.exec(line)?.[0] ?? '')));
    from = to;
  }
  return sorted;
}

const COUNT = / :"\d+"\]$/;

/** Neighbours of one kind may come in any order; '' = it has its place. */
function kindOf(line: string): string {
  const message = /^.\[\$"pmessage" \$"[^"]*" (.*)$/.exec(line);
  if (message !== null) return message[1]!;
  return /^.\[\$"([ps]?unsubscribe)"/.exec(line)?.[1] ?? '';
}

/**
 * Ids and versions differ from server to server, and fields of CLIENT INFO with the machine. Redis
 * writes the null of a FLUSHALL in the protocol of who caches, dhash in that of who hears of it.
 */
function textOf(reply: Reply): string {
  const text = show(reply);
  if (/\bflags=/.test(text)) return text.split(/ |\\n/).filter(isComparable).join(' ');
  return text
    .replace(/(\$"(?:tracking-redir-broken|id|redirect)" ):"[1-9]\d*"/, '$1(id)')
    .replace(/(invalidate" )(?:\$nil|_"")/, '$1null')
    .replace(/(\$"version" )\$"[\d.]+"/, '$1(version)');
}

/** Whether a field of CLIENT INFO says the same everywhere; `redir` does if it is nobody's id. */
function isComparable(field: string): boolean {
  return /^((name|flags|db|[ps]?sub|multi|resp)=|redir=(-1|0)$)/.test(field);
}

function encode(words: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    parts.push(Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
