/**
 * What a node says of its ring, as `dhash status --json` would print it. Who asks again and again asks
 * so: a program that starts for each question would take the processor from the nodes.
 */
import { NodeClient } from '../../cmd/node-client.js';
import { askStatus, type RingStatus } from '../../cmd/ring-reply.js';
import type { ServerProcess } from './server-process.js';

/** Undefined while it is no member, or cannot answer. */
export async function ringStatusOf(node: ServerProcess): Promise<RingStatus | undefined> {
  let client: NodeClient | undefined;
  try {
    client = await NodeClient.open({ host: node.host, port: node.port });
    return await askStatus(client);
  } catch {
    return undefined;
  } finally {
    client?.close();
  }
}
