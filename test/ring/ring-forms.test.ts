/** Whole nodes that become one ring and change it, in virtual time. */
import t, { type Test } from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

const SEED = Number(process.env.SEED ?? 1);
const MINUTE_MS = 60_000;

/** Two answer each other's questions, and nobody has been refused. */
function checkRing(t: Test, nodes: readonly SceneNode[]): void {
  for (const { links, refusals } of nodes) {
    t.ok(links.isReady);
    t.ok(links.selfIndex >= 0);
    t.strictSame(refusals, []);
    for (const other of nodes) t.ok(links.isAlive(other.id));
  }
}

void t.test(`a node alone is a ring of one, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [node] = await scene.form(1);
  t.ok(node!.links.isReady);
  t.equal(node!.links.selfIndex, 0);
  t.equal(node!.links.responsibility.view.replicas, 3);
  t.equal(node!.links.options.contacts.length, 0);
});

void t.test(`ten nodes that start at once make one ring, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const nodes = await scene.form(10);
  checkRing(t, nodes);
  const clusters = new Set(nodes.map(({ links }) => links.view!.clusterId));
  t.equal(clusters.size, 1);
  const origins = new Set(nodes[3]!.links.view!.members.map(({ origin }) => origin));
  t.equal(origins.size, 10, 'each has an origin of its own');
  const failed = nodes.flatMap(({ warnings }) => warnings.filter((text) => /failed/.test(text)));
  t.strictSame(failed, [], 'nobody trips over what comes before he knows of a view');
});

void t.test(`nodes that start before the one that they join, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const first = scene.add();
  const early = [await scene.join(first), await scene.join(first)];
  await scene.sim.runFor(20_000);
  t.notOk(early[0]!.links.isReady);
  const client = await early[0]!.client();
  for (const words of [
    ['GET', 'k'],
    ['PUBLISH', 'news', 'x'],
    ['SPUBLISH', 'n', 'x'],
    ['WATCH', 'k'],
  ]) {
    t.match(await client.call(...words), /^-CLUSTERDOWN this node joins a ring/);
  }
  await first.start();
  t.ok(await scene.settled([first, ...early], MINUTE_MS));
  t.notMatch(await client.call('GET', 'k'), /CLUSTERDOWN/);
  checkRing(t, [first, ...early]);
});

void t.test(
  `a newcomer that cannot be reached does not keep the ring busy, SEED=${SEED}`,
  async (t) => {
    for (const size of [1, 3]) {
      const scene = new RingScene({ seed: SEED, fills: false });
      const nodes = await scene.form(size);
      const before = nodes[0]!.links.view!.epoch;
      const late = await scene.join(nodes[0]!);
      const hosts = nodes.map(({ host }) => host);
      t.ok(await scene.sim.runUntil(() => nodes[0]!.links.view!.next !== undefined, MINUTE_MS));
      scene.sim.partition(hosts, [late.host]);
      const isRolledBack = () => nodes[0]!.links.view!.next === undefined;
      t.ok(await scene.sim.runUntil(isRolledBack, MINUTE_MS), 'rolled back');
      // It was dead when the ring last heard of it, and asks again.
      scene.sim.heal();
      t.ok(await scene.settled([...nodes, late], MINUTE_MS));
      t.ok(nodes[0]!.links.view!.epoch <= before + 6, 'without many attempts');
    }
  },
);

void t.test(`a position that is given, and one that is taken, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const first = await scene
    .add((settings) => {
      settings.position = 'm';
    })
    .start();
  const second = await scene.join(first, (settings) => {
    settings.position = '0x7a00';
  });
  t.ok(await scene.settled([first, second]));
  const positions = first.links.view!.members.map(({ position }) => position.toString('latin1'));
  t.strictSame(positions, ['m', 'z\0']);
  const third = await scene.join(first, (settings) => {
    settings.position = 'm';
  });
  await scene.sim.runFor(20_000);
  t.match(third.refusals[0], /another member has this position/);
});

void t.test(`other replicas than the ring's are refused, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first] = await scene.form(2, (settings) => {
    settings.replicas = 2;
  });
  t.equal(first!.links.view!.replicas, 2);
  const other = await scene.join(first!, (settings) => {
    settings.replicas = 5;
  });
  await scene.sim.runFor(20_000);
  t.match(other.refusals[0], /the ring keeps 2 replicas, not 5/);
  t.equal(first!.links.view!.members.length, 2);
});

void t.test(`who leaves is gone at once, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first, second, third] = await scene.form(3);
  await scene.sim.finish(second!.node.shutdown(), MINUTE_MS);
  t.ok(await scene.settled([first!, third!], MINUTE_MS));
  checkRing(t, [first!, third!]);
  await scene.sim.finish(third!.node.shutdown(), MINUTE_MS);
  t.ok(await scene.settled([first!], MINUTE_MS));
  await scene.sim.finish(first!.node.shutdown(), MINUTE_MS);
});

void t.test(`a stop does not wait for a ring that is lost, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first, second] = await scene.form(2);
  first!.host.crash('power');
  const beganMs = scene.sim.nowMs;
  await scene.sim.finish(second!.node.shutdown(), 2 * MINUTE_MS);
  const tookMs = scene.sim.nowMs - beganMs;
  t.ok(tookMs >= 30_000 && tookMs < 32_000, `it took ${tookMs} ms`);
  t.match(second!.warnings.join(), /stopping without having left/);
});

void t.test(
  `the dead are evicted, and what comes back is another member, SEED=${SEED}`,
  async (t) => {
    const scene = new RingScene({ seed: SEED });
    const nodes = await scene.form(4);
    const [, , dead] = nodes;
    const others = nodes.filter((node) => node !== dead);
    const idBefore = dead!.id;
    dead!.host.crash('process');
    const isSeen = () => others.every(({ links }) => !links.isAlive(idBefore));
    t.ok(await scene.sim.runUntil(isSeen, MINUTE_MS), 'seen dead');
    t.equal(others[0]!.links.view!.members.length, 4, 'and a member still');
    t.ok(await scene.settled(others, 2 * MINUTE_MS), 'evicted');
    await dead!.start();
    t.not(dead!.id, idBefore);
    t.ok(await scene.settled(nodes, MINUTE_MS), 'in the ring again');
  },
);

void t.test(`a paused member that was evicted enters anew, empty, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const nodes = await scene.form(5);
  const [, sleeper] = nodes;
  const idBefore = sleeper!.id;
  sleeper!.host.pause();
  const others = nodes.filter((node) => node !== sleeper);
  t.ok(await scene.settled(others, 3 * MINUTE_MS), 'evicted');
  sleeper!.host.resume();
  const { verifier } = sleeper!.node.server.loops!;
  const underWay: Promise<unknown>[] = [];
  for (let second = 0; second < 60 && sleeper!.links.isReady; second += 1) {
    underWay.push(verifier.verify());
    await scene.sim.runFor(1000);
  }
  t.ok(await scene.settled(nodes, 2 * MINUTE_MS), 'and back');
  t.ok((await Promise.all(underWay)).length > 0, 'what was under way comes to an end');
  t.not(sleeper!.id, idBefore);
  t.match(sleeper!.warnings.join(), /the ring has removed this member/);
});

void t.test(`with a folder it comes back as itself, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({
    seed: SEED,
    settings: (settings) => {
      settings.dir = '/data';
    },
  });
  const nodes = await scene.form(3);
  const ids = nodes.map(({ id }) => id);
  const { clusterId, epoch } = nodes[0]!.links.view!;
  for (const node of nodes) {
    node.host.crash('power');
    await scene.sim.runFor(1000);
    await node.start();
    await scene.sim.runFor(5000);
  }
  for (const node of nodes) node.host.crash('power');
  await scene.sim.runFor(1000);
  for (const node of nodes) await node.start();
  t.ok(await scene.settled(nodes, MINUTE_MS));
  t.strictSame(
    nodes.map(({ id }) => id),
    ids,
  );
  t.equal(nodes[0]!.links.view!.clusterId, clusterId);
  t.equal(nodes[0]!.links.view!.epoch, epoch, 'nothing has changed');
});

void t.test(`a folder of another member, and one that has left, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({
    seed: SEED,
    settings: (settings) => {
      settings.dir = '/data';
    },
  });
  const [first, second] = await scene.form(2);
  const moved = second!.start((settings) => {
    settings.announce = 'elsewhere:1';
  });
  await t.rejects(scene.sim.finish(moved), /the folder belongs to the member at node-1:6379/);
  await second!.start();
  t.ok(await scene.settled([first!, second!], MINUTE_MS));
  await scene.sim.finish(second!.node.leave(), MINUTE_MS);
  const back = second!.start((settings) => {
    settings.join = [];
  });
  await t.rejects(scene.sim.finish(back), /the folder's member has left ring/);
  await second!.start();
  t.ok(await scene.settled([first!, second!], MINUTE_MS), 'with --join it is a new member');
});

void t.test(`a folder of another ring is refused, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const keep = (settings: { dir: string }) => {
    settings.dir = '/data';
  };
  const [first, second] = await scene.form(2, keep);
  const [other] = await scene.form(1);
  await scene.sim.finish(second!.node.leave(), MINUTE_MS);
  t.ok(await scene.settled([first!], MINUTE_MS));
  await first!.start((settings) => {
    settings.join = [other!.address];
  });
  await scene.sim.runFor(20_000);
  t.match(first!.refusals[0], /PEERCLUSTER/);
  await second!.start((settings) => {
    settings.join = [other!.address];
  });
  t.ok(await scene.settled([other!, second!], MINUTE_MS), 'who has left one may enter another');
});

void t.test(`a wrong secret is refused, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const [first] = await scene.form(1);
  const stranger = await scene.join(first!, (settings) => {
    settings.clusterSecret = 'wrong';
  });
  await scene.sim.runFor(20_000);
  t.match(stranger.refusals[0], /PEERPROOF/);
  t.equal(first!.links.view!.members.length, 1);
});

void t.test(`a clock beyond the bound is told loudly, SEED=${SEED}`, async (t) => {
  const scene = new RingScene({ seed: SEED });
  const nodes = await scene.form(3);
  await scene.sim.runFor(10_000);
  t.notOk(nodes.some(({ links }) => links.isSkewed));
  nodes[1]!.host.clockControl.jumpWall(-5000);
  await scene.sim.runFor(10_000);
  t.strictSame(
    nodes.map(({ links }) => links.isSkewed),
    [false, true, false],
  );
  t.match(nodes[1]!.warnings.join(), /the clock of this machine is wrong/);
  nodes[1]!.host.clockControl.jumpWall(5000);
  await scene.sim.runFor(10_000);
  t.strictSame(
    nodes.map(({ links }) => links.isSkewed),
    [false, false, false],
  );
});

void t.test(`one seed, one story, SEED=${SEED}`, async (t) => {
  const hashes: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    const scene = new RingScene({ seed: SEED });
    scene.sim.setConditions({ lossChance: 0.1, delayMaxMs: 20 });
    await scene.form(4);
    await scene.sim.runFor(10_000);
    hashes.push(scene.sim.traceHash());
  }
  t.equal(hashes[0], hashes[1]);
});

void t.test(
  `a newcomer crashes before it hears that it is in the ring, SEED=${SEED}`,
  async (t) => {
    const scene = new RingScene({ seed: SEED, fills: false });
    const keeps = (settings: Settings): void => {
      settings.dir = '/data';
      settings.fsync = 'always';
    };
    const nodes = await scene.form(3);
    const late = await scene.join(nodes[0]!, keeps);
    const { door } = late.links;
    door.serve({
      name: 'VOTE',
      channel: 'control',
      handler: (_session, _args, reply) => reply.ok(),
    });
    const isIn = () => nodes[0]!.links.view?.next?.members.length === 4;
    t.ok(await scene.sim.runUntil(isIn, MINUTE_MS));
    const client = await nodes[0]!.client();
    // Whichever ranges it will hold.
    for (let first = 0; first < 256; first += 8) {
      client.send('AT', 'one', 'SET', Buffer.from([first]), 'value');
    }
    await scene.sim.runFor(500);
    t.notOk(late.links.isReady);
    late.host.crash('process');
    await late.start();
    t.ok(await scene.sim.runUntil(() => late.links.selfIndex >= 0, 2 * MINUTE_MS));
    t.strictSame(late.refusals, []);
  },
);
