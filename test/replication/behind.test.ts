/** A replica that refuses batches, as one that loads its folder does. */
import t from 'tap';
import { threeNodes } from '../routing/three-nodes.js';

t.test('the log tells of it once, until it takes some again', async (t) => {
  const { nodes, scene } = await threeNodes(1);
  const [near, other] = nodes;
  const client = await near!.client();
  const { server } = other!.node;
  const told = () => near!.warnings.filter((text) => text.includes('fallen behind')).length;
  for (const times of [1, 2]) {
    server.replication!.intake.newApplier = () => {
      throw Object.assign(new Error('a test refuses it'), { code: 'TEST' });
    };
    server.replication!.intake.forget(near!.id);
    for (let n = 0; n < 20; n += 1) await client.call('SET', `a${n}`, 'v');
    await scene.sim.runFor(100);
    t.equal(told(), times);
    Reflect.deleteProperty(server.replication!.intake, 'newApplier');
    await client.call('SET', 'a', 'v');
    await scene.sim.runFor(100);
  }
});
