/**
 * What a scan has found: as bulks in chunks, not as objects, since there may be millions. Written
 * while the scan goes on, and moved to the reply once it is known how many there are.
 */
import type { ChunkPool } from '../../resp/chunk-pool.js';
import { ReplyWriter } from '../../resp/reply-writer.js';

/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

export class FoundItems {
  /** Where they are written as they will stand in the reply; each counts itself in `count`. */
  readonly body: ReplyWriter;
  count = 0;

  constructor(pool: ChunkPool, protocol: 2 | 3) {
    this.body = new ReplyWriter(pool);
    this.body.protocol = protocol;
  }

  /** Moves them to the reply until the deadline; true once all have moved. */
  moveTo(reply: ReplyWriter, isLate: () => boolean): boolean {
    while (!this.#moveSome(reply)) {
      if (isLate() || reply.pendingBytes > PENDING_BYTES_MAX) return false;
    }
    this.release();
    return true;
  }

  release(): void {
    this.body.release();
  }

  #moveSome(reply: ReplyWriter): boolean {
    this.body.flush({
      write(buf, from, to) {
        reply.raw(buf, from, to);
        return false;
      },
    });
    this.body.drained();
    return this.body.pendingBytes === 0;
  }
}
