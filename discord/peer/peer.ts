/**
 * Another member, as seen from this one: a connection for each channel, so that neither data nor
 * transfers delay a ping, and no write that waits for replicas the acknowledgement of another one.
 * The control connection is kept up; the others are made when first used.
 */
import type { Address, World } from '../../world/world.js';
import { PeerConnection } from './connection.js';
import { memberGreeting } from './greeting.js';
import { CHANNELS, type Channel, type Identity, type PeerName } from './handshake.js';
import type { PeerError } from './peer-error.js';
import type { Done, PeerRequest, PipelineLimits } from './pipeline.js';

const MIB = 1024 * 1024;

const LIMITS: Record<Channel, PipelineLimits> = {
  control: {
    waitingMax: 256,
    waitingBytesMax: 4 * MIB,
    inFlightMax: 256,
    inFlightBytesMax: 4 * MIB,
    stallMaxMs: 5000,
  },
  data: {
    waitingMax: 4096,
    waitingBytesMax: 32 * MIB,
    inFlightMax: 1024,
    inFlightBytesMax: 16 * MIB,
    stallMaxMs: 10_000,
  },
  replica: {
    waitingMax: 1024,
    waitingBytesMax: 32 * MIB,
    inFlightMax: 1024,
    inFlightBytesMax: 16 * MIB,
    stallMaxMs: 10_000,
  },
  bulk: {
    waitingMax: 64,
    waitingBytesMax: 8 * MIB,
    inFlightMax: 64,
    inFlightBytesMax: 8 * MIB,
    stallMaxMs: 30_000,
  },
};

export interface PeerOptions {
  readonly memberId?: string | undefined;
}

export interface PeerEvents {
  opened(channel: Channel, memberId: string): void;
  lost(channel: Channel, error: PeerError): void;
  room(channel: Channel): void;
}

export class Peer {
  readonly #connections: Record<Channel, PeerConnection<PeerName>>;

  constructor(
    { world, address, identity }: { world: World; address: Address; identity: () => Identity },
    options: PeerOptions,
    events: PeerEvents,
  ) {
    const make = (channel: Channel): PeerConnection<PeerName> => {
      const greeting = memberGreeting(world, identity, { ...options, channel });
      return new PeerConnection(
        { world, address, greeting },
        { limits: LIMITS[channel] },
        {
          opened: ({ memberId }) => events.opened(channel, memberId),
          lost: (error) => events.lost(channel, error),
          room: () => events.room(channel),
        },
      );
    };
    this.#connections = {
      control: make('control'),
      data: make('data'),
      replica: make('replica'),
      bulk: make('bulk'),
    };
    this.#connections.control.start();
  }

  /** As PeerConnection.request; opens the channel if this is its first use. */
  request(
    channel: Channel,
    words: readonly (string | Buffer)[],
    timeoutMs: number,
    done: Done,
  ): PeerRequest | PeerError {
    const connection = this.#connections[channel];
    connection.start();
    return connection.request(words, timeoutMs, done);
  }

  /** It was heard of: connections that pause before their next attempt make it now. */
  retry(): void {
    for (const channel of CHANNELS) this.#connections[channel].retry();
  }

  isOpen(channel: Channel): boolean {
    return this.#connections[channel].state === 'open';
  }

  /** What is under way there still ends; connections that are lost are not made again. */
  retire(): void {
    for (const channel of CHANNELS) this.#connections[channel].retire();
  }

  close(): void {
    for (const channel of CHANNELS) this.#connections[channel].close();
  }
}
