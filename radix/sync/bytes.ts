/** The fields of frames (resp/binary), with the errors of sync. */
import { BinaryReader } from '../../resp/binary.js';
import { SyncError } from './sync-error.js';

export { ByteWriter } from '../../resp/binary.js';

/** What does not parse throws SYNC_BAD_FRAME. */
export class ByteReader extends BinaryReader {
  protected override fail(what: string): never {
    throw new SyncError('SYNC_BAD_FRAME', what);
  }
}
