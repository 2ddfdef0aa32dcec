/**
 * A proxy before a server that spoils some replies, to prove that the differential test notices.
 * It is wrong in one way at a time, as an engineer would be, not at random.
 */
import { connect, createServer, type Server } from 'node:net';

export interface Flaw {
  readonly name: string;
  /** Replaces this text in what the server says... */
  readonly from: RegExp;
  readonly to: string;
}

export const flaws: readonly Flaw[] = [
  { name: 'an error text', from: /ERR syntax error/g, to: 'ERR syntax' },
  { name: 'a type', from: /^_\r\n/gm, to: '$-1\r\n' },
  // DBSIZE answers small numbers after few steps only.
  { name: 'a number', from: /^:2\r\n/gm, to: ':3\r\n' },
  { name: 'a missing reply', from: /\+QUEUED\r\n/g, to: '' },
  { name: 'an encoding', from: /embstr/g, to: 'rawstr' },
];

export function startBrokenProxy(flaw: Flaw, port: number): Promise<Server> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      client.write(chunk.toString('latin1').replace(flaw.from, flaw.to), 'latin1');
    });
    upstream.on('close', () => client.end());
    client.on('close', () => upstream.destroy());
    client.on('error', () => {});
    upstream.on('error', () => {});
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
