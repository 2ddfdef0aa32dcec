/** `connect`: a client of a ring, once it knows the ring. */
import { RealWorld } from '../../world/real/real-world.js';
import type { World } from '../../world/world.js';
import { ClientError } from './client-error.js';
import { type ClientOptions, checkedAddresses, checkedOptions } from './options.js';
import { RingClient } from './ring-client.js';

const REFUSALS = ['PEER_REFUSED', 'PEER_PROTOCOL'];

/**
 * Connects to the ring that some nodes belong to: `'10.0.0.7:6379'`, several in an array. Rejects
 * with a ClientError: UNREACHABLE with the last reason, or what all of the nodes refuse (WRONGPASS,
 * NOAUTH, ...), or ARGUMENT.
 */
export async function connect(
  addresses: string | readonly string[],
  given: ClientOptions = {},
  world: World = new RealWorld(),
): Promise<RingClient> {
  const contacts = checkedAddresses(addresses);
  const options = checkedOptions(given);
  const client = new RingClient(world, contacts, options);
  const refused = new Set<string>();
  let last = 'nobody answers';
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer.cancel();
      for (const stop of listening) stop();
    };
    const fail = (code: string, message: string): void => {
      end();
      client.close();
      reject(new ClientError(code, message));
    };
    const timer = world.timers.after(options.connectTimeoutMs, () => {
      const limit = `${options.connectTimeoutMs} ms`;
      fail('UNREACHABLE', `no ring at ${contacts.join(', ')} within ${limit}: ${last}`);
    });
    const listening = [
      client.on('ring', () => {
        end();
        resolve(client);
      }),
      client.on('lost', ({ address, error }) => {
        const { code = '', refusal } = error as { code?: string; refusal?: string };
        last = `${address}: ${error.message}`;
        if (REFUSALS.includes(code)) refused.add(address);
        if (refused.size === contacts.length) fail(refusal ?? 'PROTOCOL', last);
      }),
    ];
  });
}
