/** INFO: sections in Redis's order, whatever the order in which they are asked for. */
import type { Server } from '../server.js';
import { dhashLines } from './dhash-section.js';
import { loopLines } from './loops-section.js';
import { persistenceLines } from './persistence-section.js';
import { ringLines, timenetLines } from './ring-section.js';
import type { InfoSection } from './section.js';
import { clientLines, cpuLines, memoryLines, serverLines } from './server-section.js';
import { clusterLines, keyspaceLines, replicationLines } from './state-section.js';
import { commandLines, errorLines, latencyLines, statsLines } from './stats-section.js';

const SECTIONS: readonly InfoSection[] = [
  { name: 'server', title: 'Server', isDefault: true, lines: serverLines },
  { name: 'clients', title: 'Clients', isDefault: true, lines: clientLines },
  { name: 'memory', title: 'Memory', isDefault: true, lines: memoryLines },
  { name: 'persistence', title: 'Persistence', isDefault: true, lines: persistenceLines },
  { name: 'stats', title: 'Stats', isDefault: true, lines: statsLines },
  { name: 'replication', title: 'Replication', isDefault: true, lines: replicationLines },
  { name: 'cpu', title: 'CPU', isDefault: true, lines: cpuLines },
  { name: 'modules', title: 'Modules', isDefault: true, lines: () => [] },
  { name: 'commandstats', title: 'Commandstats', isDefault: false, lines: commandLines },
  { name: 'errorstats', title: 'Errorstats', isDefault: true, lines: errorLines },
  { name: 'latencystats', title: 'Latencystats', isDefault: false, lines: latencyLines },
  { name: 'cluster', title: 'Cluster', isDefault: true, lines: clusterLines },
  { name: 'keyspace', title: 'Keyspace', isDefault: true, lines: keyspaceLines },
  { name: 'ring', title: 'Ring', isDefault: true, lines: ringLines },
  { name: 'timenet', title: 'Timenet', isDefault: true, lines: timenetLines },
  { name: 'dhash', title: 'dhash', isDefault: true, lines: dhashLines },
  { name: 'loops', title: 'Loops', isDefault: true, lines: loopLines },
];

/** The text of the sections asked for, in any case; unknown names are passed over. */
export function infoText(server: Server, asked: readonly string[]): string {
  const names = new Set(asked.map((name) => name.toLowerCase()));
  const wantsAll = names.has('all') || names.has('everything');
  const wantsDefault = names.size === 0 || names.has('default');
  const parts: string[] = [];
  for (const section of SECTIONS) {
    const isWanted = wantsAll || names.has(section.name) || (wantsDefault && section.isDefault);
    if (!isWanted) continue;
    let text = `# ${section.title}\r\n`;
    for (const [name, value] of section.lines(server)) text += `${name}:${value}\r\n`;
    parts.push(text);
  }
  return parts.join('\r\n');
}
