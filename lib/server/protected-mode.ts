/** Protected mode: without a password a node serves this machine only. */

export function isLoopback(host: string): boolean {
  const plain = host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host;
  return plain === '::1' || plain.startsWith('127.');
}

export const PROTECTED_MODE_ERROR =
  'DENIED dhash is running in protected mode because protected mode is enabled and no password ' +
  'is set for the default user. In this mode connections are only accepted from the loopback ' +
  'interface. If you want to connect from external computers, you may adopt one of the ' +
  "following solutions: 1) Set a password: start the node with '--requirepass-file FILE', or " +
  "send 'CONFIG SET requirepass PASSWORD' from the same host. 2) Disable protected mode by " +
  "sending 'CONFIG SET protected-mode no' from the loopback interface, but only if the node " +
  'cannot be reached from the internet.';
