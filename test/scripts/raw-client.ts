/** Replies as bytes, so that two servers can be compared to the byte. */
import { connect } from 'node:net';
import { encode } from '../support/local.js';

/** What no script of a test replies. */
const MARK = '@@end of the reply@@';

export interface RawClient {
  /** The bytes of the reply, as latin1; rejects if the server hangs up. */
  send(...parts: (string | number | Buffer)[]): Promise<string>;
  close(): void;
}

export function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  let settle: ((error?: Error) => void) | undefined;
  const end = `$${MARK.length}\r\n${MARK}\r\n`;
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (text.endsWith(end)) settle?.();
  });
  socket.on('error', () => {});
  socket.on('close', () => settle?.(new Error(`closed after ${text.slice(0, 100)}`)));
  const client: RawClient = {
    send(...parts) {
      text = '';
      return new Promise((resolve, reject) => {
        settle = (error) => {
          if (error === undefined) resolve(text.slice(0, -end.length));
          else reject(error);
        };
        socket.write(Buffer.concat([encode(parts), encode(['ECHO', MARK])]));
      });
    },
    close: () => socket.destroy(),
  };
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => resolve(client));
  });
}
