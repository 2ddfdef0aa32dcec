/** A member that loads its folder is alive, and refuses what it is sent. */
import t from 'tap';
import type { SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

t.test('who links to it meanwhile can tell it until when commands may begin', async (t) => {
  const { nodes } = await threeNodes(1, (settings) => {
    settings.dir = '/data';
  });
  const [near, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  const { server } = owner.node;
  // As between the start of a process and the end of its log.
  server.persistence!.isLoading = true;
  server.followDisk();
  const client = await near.client();
  t.match(await client.call('GET', 'x'), /^-LOADING/);
  server.persistence!.isLoading = false;
  server.followDisk();
  t.equal(await client.call('GET', 'x'), null);
  const peers = [...server.sessions.values()].map(({ peer }) => peer);
  const linked = peers.filter((peer) => peer?.channel === 'data' && peer.memberId === near.id);
  t.equal(linked.length, 1);
  t.ok(Number.isFinite(linked[0]!.clock.here(0)), 'its clock is known');
});
