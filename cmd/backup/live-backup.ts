/** A backup on its way from a running node. */
import type { BackupFacts } from '../../lib/backup/backup-file.js';
import { ExitError } from '../exit.js';
import { type NodeClient, refused } from '../node-client.js';
import { yieldProcessor } from '../yield-processor.js';

export interface LiveBackup {
  readonly facts: BackupFacts;
  /** Rejects if the node gives up or the connection is lost. */
  readonly chunks: AsyncGenerator<Buffer, void, void>;
}

export async function openBackup(client: NodeClient): Promise<LiveBackup> {
  yieldProcessor();
  const chunks = client.stream('DHASH', 'BACKUP');
  try {
    const first = await chunks.next();
    if (first.done === true) throw new ExitError('the node sent no backup');
    return { facts: JSON.parse(first.value.toString()) as BackupFacts, chunks };
  } catch (error) {
    throw refused(error);
  }
}
