/** What `bind` (or `--host`) means to a network: redis.conf writes addresses in its own way. */

export interface ListenAddress {
  readonly host: string;
  /** Given with a leading '-': it is no error if the machine lacks this address. */
  readonly isOptional: boolean;
}

/** `*` is every IPv4 address, `::*` every IPv6 address, a leading `-` makes one optional. */
export function listenAddresses(bind: readonly string[]): ListenAddress[] {
  return bind.map((written) => {
    const isOptional = written.startsWith('-') && written.length > 1;
    const name = isOptional ? written.slice(1) : written;
    if (name === '*') return { host: '0.0.0.0', isOptional };
    if (name === '::*') return { host: '::', isOptional };
    const bracketed = /^\[(.*)\]$/.exec(name);
    return { host: bracketed?.[1] ?? name, isOptional };
  });
}
