import { RingScene, type SceneNode } from '../support/ring-scene.js';

/** Three nodes that own up to h, up to p, and the rest. */
export async function threeNodes(seed: number): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const scene = new RingScene({ seed });
  const positions = ['h', 'p', 'z'];
  const nodes = await scene.form(3, (settings) => {
    settings.position = positions.shift()!;
  });
  return { scene, nodes };
}
