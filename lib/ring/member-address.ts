/** Addresses of members, `host:port` or `[v6]:port`, as views and `--join` have them. */
import { isLoopback } from '../server/protected-mode.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;
const PORT_DEFAULT = 6379;

/** A host without a port listens on 6379; undefined: it is no address. */
export function parseMemberAddress(text: string): HostPort | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:\s[\]]+))(?::([0-9]{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? PORT_DEFAULT);
  return host === undefined || port < 1 || port > PORT_MAX ? undefined : { host, port };
}

export function printMemberAddress({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether it can be reached from this machine only. */
export function isLocalAddress(text: string): boolean {
  const address = parseMemberAddress(text);
  return address !== undefined && (address.host === 'localhost' || isLoopback(address.host));
}
