/** What is checked of all settings together before a node starts, and secrets read from files. */
import type { Settings } from './settings.js';

/**
 * Reads the files of secrets with `readText` (which throws if it cannot), and adds what is wrong to
 * `problems`.
 */
export function checkStart(
  settings: Settings,
  readText: (path: string, what: string) => string,
  problems: string[],
): void {
  const read = (name: string, file: string, given: string): void => {
    if (file === '') return;
    const secret = readText(file, `the file of ${name}`).split(/\r?\n/, 1)[0] ?? '';
    if (given !== '') problems.push(`${name} and ${name}-file: give one`);
    else if (secret === '') problems.push(`${name}-file: ${file} is empty`);
    else {
      const refused = settings.assign(name, secret);
      if (refused !== undefined) problems.push(`${name}-file: ${refused}`);
    }
  };
  read('requirepass', settings.requirepassFile, settings.requirepass);
  read('cluster-secret', settings.clusterSecretFile, settings.clusterSecret);
  // A password that is set later is not the file's: CONFIG REWRITE then names that password.
  settings.onChange('requirepass', () => {
    settings.requirepassFile = '';
  });
  if (settings.port === 0 && settings.unixsocket === '') {
    problems.push('port 0 and no unixsocket: nothing to listen on');
  }
}
