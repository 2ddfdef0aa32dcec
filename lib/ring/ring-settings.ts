/**
 * What the settings say of the ring, checked: a node that could not be a member as it was told
 * does not start, and says what to do about it.
 */
import { REPLICAS_MAX } from '../../discord/ring/view.js';
import { listenAddresses } from '../config/addresses.js';
import type { Settings } from '../config/settings.js';
import { isLocalAddress, parseMemberAddress, printMemberAddress } from './member-address.js';

/** N of a ring that is told nothing. */
export const REPLICAS_DEFAULT = 3;
/** Members to ask that `--join` may name. */
export const CONTACTS_MAX = 64;

/** The node cannot be a member of a ring in the way that it was told. For people. */
export class RingStartError extends Error {
  readonly code = 'RING_START';
}

export interface RingSettings {
  /** Empty: none, and members on this machine only. */
  readonly secret: Buffer;
  /** Where other members reach this one, host:port. */
  readonly address: string;
  /** 0: 3 in a new ring, otherwise as many as the ring keeps. */
  readonly replicas: number;
  readonly position: Buffer | undefined;
  /** Whom to ask; empty: nobody, this node begins a ring. */
  readonly contacts: readonly string[];
}

/** Throws a RingStartError. */
export function ringSettingsOf(settings: Settings): RingSettings {
  const address = addressOf(settings);
  const contacts = contactsOf(settings.join, address);
  const secret = Buffer.from(settings.clusterSecret);
  const { replicas } = settings;
  if (replicas > REPLICAS_MAX) throw new RingStartError(`replicas: at most ${REPLICAS_MAX}`);
  if (settings.requirepass !== '' && secret.length === 0 && contacts.length > 0) {
    throw new RingStartError(
      'join: a node with a password forms a ring only with a --cluster-secret',
    );
  }
  const far = [...contacts, address].find((one) => !isLocalAddress(one));
  if (secret.length === 0 && contacts.length > 0 && far !== undefined) {
    throw new RingStartError(
      `join: without --cluster-secret a ring forms on one machine only, and ${far} may be another`,
    );
  }
  const farContact = contacts.find((one) => !isLocalAddress(one));
  if (farContact !== undefined && isLocalAddress(address)) {
    throw new RingStartError(
      `join: ${farContact} could not reach this node at ${address}; ` +
        'say where it can: --announce HOST:PORT',
    );
  }
  return { secret, address, replicas, position: positionOf(settings.position), contacts };
}

/** The announced address, or the first that it listens on. */
function addressOf({ announce, bind, port, join }: Settings): string {
  if (announce !== '') {
    const announced = parseMemberAddress(announce);
    if (announced !== undefined) return printMemberAddress(announced);
    throw new RingStartError(`announce: '${announce}' is no address: give HOST:PORT`);
  }
  if (port === 0 && join.length > 0) {
    throw new RingStartError('join: members reach each other by TCP, and port is 0');
  }
  const [first] = listenAddresses(bind);
  const host = first === undefined || isAnyHost(first.host) ? '127.0.0.1' : first.host;
  return printMemberAddress({ host, port });
}

function isAnyHost(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function contactsOf(join: readonly string[], own: string): string[] {
  const contacts: string[] = [];
  for (const text of join.flatMap((word) => word.split(','))) {
    if (text === '') continue;
    const address = parseMemberAddress(text);
    if (address === undefined) throw new RingStartError(`join: '${text}' is no HOST:PORT`);
    const contact = printMemberAddress(address);
    if (!contacts.includes(contact)) contacts.push(contact);
  }
  if (contacts.length > CONTACTS_MAX) {
    throw new RingStartError(`join: ${contacts.length} addresses, at most ${CONTACTS_MAX}`);
  }
  const others = contacts.filter((contact) => contact !== own);
  if (contacts.length > 0 && others.length === 0) {
    throw new RingStartError(`join: ${own} is this node itself; name another member`);
  }
  return others;
}

/** Text as it stands, or bytes in hex behind 0x. */
function positionOf(text: string): Buffer | undefined {
  if (text === '') return undefined;
  const hex = /^0x((?:[0-9a-fA-F]{2})*)$/.exec(text)?.[1];
  return hex === undefined ? Buffer.from(text) : Buffer.from(hex, 'hex');
}
