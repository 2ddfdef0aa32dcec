/** The listening side of peer connections, for tests: greets, then does what a test says. */

import type { Identity } from '../../../discord/peer/handshake.js';
import { type Answer, Listener, NONCE_BYTES } from '../../../discord/peer/handshake.js';
import { Args } from '../../../resp/args.js';
import {
  PROTOCOL_ERROR,
  REQUEST,
  RequestReader,
  requestLimitsDefault,
} from '../../../resp/request-reader.js';
import type { Link, LinkHandler, World } from '../../../world/world.js';

export const PEER_PORT = 6379;

export class PeerServer {
  /** What came behind ECHO, or behind TWICE, which is replied to twice. */
  readonly heard: string[] = [];
  readonly greeted: Listener[] = [];
  connectionCount = 0;
  /** While true replies are kept back. */
  isHolding = false;
  readonly #world: World;
  readonly #identity: Identity;
  #held: (() => void)[] = [];

  constructor(world: World, identity: Identity) {
    this.#world = world;
    this.#identity = identity;
  }

  async listen(): Promise<void> {
    const address = { host: '0.0.0.0', port: PEER_PORT };
    await this.#world.network.listen(address, (link) => this.#accept(link));
  }

  letGo(): void {
    this.isHolding = false;
    for (const reply of this.#held.splice(0)) reply();
  }

  #accept(link: Link): LinkHandler {
    const nonce = Buffer.alloc(NONCE_BYTES);
    this.#world.random.bytes(nonce);
    const listener = new Listener(this.#identity, nonce);
    const reader = new RequestReader(requestLimitsDefault);
    const args = new Args();
    this.connectionCount += 1;
    return {
      data: (buf, bytes) => {
        reader.feed(buf, 0, bytes);
        for (let result = reader.next(args); ; result = reader.next(args)) {
          if (result === PROTOCOL_ERROR) link.destroy();
          if (result !== REQUEST) break;
          const words = Array.from({ length: args.count }, (_, at) => args.string(at));
          this.#handle(link, listener, words);
        }
        reader.keep();
      },
      drained: () => {},
      ended: () => link.end(),
      closed: () => {},
    };
  }

  #handle(link: Link, listener: Listener, words: string[]): void {
    if (words[0] === 'PEER') {
      send(link, replyTo(listener.receive(words)));
      if (listener.isRefused) link.end();
      if (listener.peer !== undefined) this.greeted.push(listener);
      return;
    }
    if (listener.peer === undefined) return send(link, '-NOAUTH greet first\r\n');
    this.heard.push(words[1] ?? '');
    const reply = (): void => send(link, bulk(words[1]!).repeat(words[0] === 'TWICE' ? 2 : 1));
    if (this.isHolding) this.#held.push(reply);
    else reply();
  }
}

/** An answer of the handshake as RESP. */
export function replyTo(answer: Answer): string {
  if ('refusal' in answer) return `-${answer.refusal}\r\n`;
  if ('proof' in answer) return bulk(answer.proof);
  return `*${answer.fields.length}\r\n${answer.fields.map(bulk).join('')}`;
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function send(link: Link, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  link.write(bytes, 0, bytes.length);
}
