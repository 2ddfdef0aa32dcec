/** Bytes to a server and back, for what no client would send. */
import { connect } from 'node:net';
import type { RespClient } from './resp-client.js';

/** Sends `bytes` and the end of the stream; resolves with all that came until the server closed. */
export function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('data', (chunk) => chunks.push(chunk));
    // A server may hang up in the middle of what is sent to it: what it said until then counts.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(error);
    });
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    socket.end(bytes);
  });
}

/** Nothing was taken for so long: the server has stopped reading. */
const stuckMs = 400;

/** Writes as much as the server takes: until all is written, it hangs up, or it stops reading. */
export function writeUntilStuck(
  client: RespClient,
  chunk: Buffer,
  chunkCount: number,
): Promise<number> {
  const { socket } = client;
  return new Promise((resolve) => {
    let written = 0;
    let timer = setTimeout(() => resolve(written), stuckMs);
    const finish = (): void => {
      clearTimeout(timer);
      resolve(written);
    };
    const next = (): void => {
      clearTimeout(timer);
      if (written === chunkCount || client.closed) return finish();
      timer = setTimeout(finish, stuckMs);
      written++;
      socket.write(chunk, (error) => (error ? finish() : next()));
    };
    socket.once('close', finish);
    next();
  });
}
