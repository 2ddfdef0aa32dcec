/** PEER HELLO and PEER PROVE: how another member introduces itself (docs/protocol-peer.md). */
import {
  type CommandRow,
  HIDDEN,
  NO_AUTH,
  NO_MULTI,
  NO_SCRIPT,
  WHILE_LOADING,
} from '../command.js';

export const peerCommands: readonly CommandRow[] = [
  {
    name: 'peer',
    arity: -2,
    flags: NO_AUTH | NO_MULTI | NO_SCRIPT | HIDDEN | WHILE_LOADING,
    handler: (session, args, reply) => {
      const { ring } = session.server;
      if (ring !== undefined) return ring.door.greet(session, args, reply);
      reply.error('PEERJOINING this node takes part in no ring');
    },
  },
];
