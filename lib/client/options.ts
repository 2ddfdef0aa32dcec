/** What `connect` may be told, checked. */
import { parseMemberAddress, printMemberAddress } from '../ring/member-address.js';
import { ClientError } from './client-error.js';

export interface ClientOptions {
  /** Default: none. */
  readonly password?: string;
  /** Database, 0 to 15. Default 0. */
  readonly db?: number;
  /** How long a call may take altogether, ms. Default 5000. */
  readonly timeoutMs?: number;
  /** How long `connect` tries, ms. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** How often the ring is asked for, ms. Default 1000. */
  readonly refreshMs?: number;
}

const DEFAULTS: Required<ClientOptions> = {
  password: '',
  db: 0,
  timeoutMs: 5000,
  connectTimeoutMs: 5000,
  refreshMs: 1000,
};
const ADDRESSES_MAX = 64;
const MS_MAX = 2 ** 31 - 1;

/** Throws a ClientError (ARGUMENT). */
export function checkedOptions(given: ClientOptions): Required<ClientOptions> {
  if (typeof given !== 'object' || given === null) {
    throw wrong(`options: an object is expected, not ${nameOf(given)}`);
  }
  const options = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!(name in DEFAULTS)) {
      throw wrong(`there is no option '${name}': ${Object.keys(DEFAULTS).join(', ')}`);
    }
    if (name === 'password') {
      if (typeof value !== 'string') throw wrong('password: a string is expected');
    } else {
      const least = name === 'db' ? 0 : 1;
      const isRight = Number.isInteger(value) && Number(value) >= least && Number(value) <= MS_MAX;
      if (!isRight) throw wrong(`${name}: an integer from ${least} on is expected`);
    }
    Object.assign(options, { [name]: value });
  }
  return options;
}

/** HOST:PORT, several by commas or in an array; a host alone is at 6379. Throws a ClientError. */
export function checkedAddresses(given: string | readonly string[]): string[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = list.flatMap((text) => {
    if (typeof text === 'string') return text.split(',');
    throw wrong(`'HOST:PORT', or several in an array, is expected, not ${nameOf(text)}`);
  });
  const addresses = texts.map((text) => {
    const address = parseMemberAddress(text.trim());
    if (address === undefined) throw wrong(`'${text}' is no HOST:PORT`);
    return printMemberAddress(address);
  });
  if (addresses.length === 0 || addresses.length > ADDRESSES_MAX) {
    throw wrong(`1 to ${ADDRESSES_MAX} addresses are expected, not ${addresses.length}`);
  }
  return [...new Set(addresses)];
}

function nameOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? 'an array' : `an object (${Object.keys(value).join(', ')})`;
}

function wrong(message: string): ClientError {
  return new ClientError('ARGUMENT', message);
}
