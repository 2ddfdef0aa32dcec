/** The ring of most tests of routing. */
import type { Settings } from '../../lib/config/settings.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

/** Three nodes that own up to h, up to p, and the rest. */
export async function threeNodes(
  seed: number,
  change: (settings: Settings) => void = () => {},
): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const scene = new RingScene({ seed });
  const positions = ['h', 'p', 'z'];
  const nodes = await scene.form(3, (settings) => {
    settings.position = positions.shift()!;
    settings.writeLevel = 'one';
    change(settings);
  });
  return { scene, nodes };
}
