/** Addresses as people write them: HOST:PORT, [IPV6]:PORT, PORT alone, or the path of a socket. */

import { Option } from 'commander';
import { usageError } from './exit.js';

export type ServerAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

const PORT_MAX = 65_535;

export function parseAddress(given: string): ServerAddress {
  if (given.startsWith('/') || given.startsWith('./')) return { path: given };
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):([0-9]+)$/.exec(given) ?? /^()()([0-9]+)$/.exec(given);
  const port = Number(parts?.[3]);
  if (parts === null || port < 1 || port > PORT_MAX) {
    throw usageError(`'${given}' is no address: give HOST:PORT, [IPV6]:PORT or a socket's path`);
  }
  return { host: parts[1] || parts[2] || '127.0.0.1', port };
}

export function printAddress(address: ServerAddress): string {
  if ('path' in address) return address.path;
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

/** `--at`, which the commands that talk to a running node share. */
export function addressOption(): Option {
  return new Option('--at <address>', 'server, as HOST:PORT or the path of a socket')
    .argParser(parseAddress)
    .default({ host: '127.0.0.1', port: 6379 }, '127.0.0.1:6379');
}
