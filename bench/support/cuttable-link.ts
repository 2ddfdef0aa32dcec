/**
 * A TCP relay before a member, which the others take for its address: so that they can be cut off from
 * each other while clients still reach all of them. Who connects tells its id in its greeting.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

const GREETING_ID = /\r\n([0-9a-f]{40})\r\n/;

export class CuttableLink {
  /** Where the others find the member. */
  readonly port: number;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Map<Socket, { other: Socket; from: string }>();
  /** Whether a member may come through. */
  #mayPass: (fromId: string) => boolean = () => true;

  private constructor(server: Server, target: () => number) {
    this.#server = server;
    this.#target = target;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (socket) => this.#relay(socket));
  }

  /** `target`: the port of the member behind it. */
  static open(target: () => number): Promise<CuttableLink> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true });
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(new CuttableLink(server, target)));
    });
  }

  /** From now on; connections of others break off. */
  cut(mayPass: (fromId: string) => boolean): void {
    this.#mayPass = mayPass;
    for (const [socket, { other, from }] of this.#pairs) {
      if (mayPass(from)) continue;
      socket.destroy();
      other.destroy();
    }
  }

  close(): void {
    this.cut(() => false);
    this.#server.close();
  }

  #relay(socket: Socket): void {
    const other = connect({ host: '127.0.0.1', port: this.#target(), noDelay: true });
    const pair = { other, from: '' };
    this.#pairs.set(socket, pair);
    const end = (): void => {
      this.#pairs.delete(socket);
      socket.destroy();
      other.destroy();
    };
    for (const one of [socket, other]) {
      one.on('error', end);
      one.on('close', end);
    }
    socket.once('data', (greeting) => {
      pair.from = GREETING_ID.exec(greeting.toString('latin1'))?.[1] ?? '';
      if (!this.#mayPass(pair.from)) return end();
      other.write(greeting);
      socket.pipe(other);
    });
    other.pipe(socket);
  }
}
