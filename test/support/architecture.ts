/**
 * Reads TypeScript sources and says where an import runs against the arrows of the design, or where
 * the core reaches for a clock, a timer, chance or the operating system instead of `World`.
 *
 *   cmd                    6
 *   http  memcached        5
 *   lib                    4
 *   discord  radix  rdb    3
 *   timenet  murmur  resp  2
 *   world                  1
 *
 * Invariant: a folder imports itself and folders of a lower level, never a neighbour.
 * Why our own and not a linter's rule: tools of this kind pass on zero files when they cannot read
 * them, and a green check that looked at nothing is worse than none.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const LEVELS = new Map([
  ['cmd', 6],
  ['http', 5],
  ['memcached', 5],
  ['lib', 4],
  ['discord', 3],
  ['radix', 3],
  ['rdb', 3],
  ['timenet', 2],
  ['murmur', 2],
  ['resp', 2],
  ['world', 1],
]);

/** These may import anything; nothing outside of them imports `test` or `bench`. */
const FREE_FOLDERS = new Set(['test', 'bench', 'scripts']);
const UNIMPORTED_FOLDERS = new Set(['test', 'bench', 'scripts', 'examples']);

const CORE_FOLDERS = new Set(['radix', 'murmur', 'timenet', 'discord', 'lib', 'rdb', 'resp']);
/** Pure: they neither read nor change anything outside of their arguments. */
const CORE_MODULES = new Set(['node:buffer', 'node:util', 'node:assert', 'node:assert/strict']);
/** Of these modules the core may take the named functions, which are pure, and no others. */
const CORE_FUNCTIONS = new Map([
  ['node:crypto', new Set(['createHash', 'createHmac', 'timingSafeEqual'])],
]);
const CORE_PACKAGES = new Set(['denque', 'redis-parser']);
const CORE_FORBIDDEN_GLOBALS = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'process',
  'performance',
  'crypto',
  'fetch',
  'console',
  'globalThis',
]);

interface Found {
  readonly line: number;
  readonly text: string;
}

/** The first folder of a path, or the empty string for a file at the root. */
function folderOf(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** The module that a node imports, whatever the form: import, export from, import(), require(). */
function importedBy(node: ts.Node): ts.StringLiteralLike | undefined {
  let specifier: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    specifier = node.moduleSpecifier;
  } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    specifier = node.argument.literal;
  } else if (ts.isCallExpression(node)) {
    const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
    if (isImport || isRequire) specifier = node.arguments[0];
  }
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier : undefined;
}

/** The names that an import takes, or undefined if it takes the module as a whole. */
function namesImported(node: ts.Node): readonly string[] | undefined {
  if (!ts.isImportDeclaration(node)) return undefined;
  const clause = node.importClause;
  const bindings = clause?.namedBindings;
  if (clause?.name !== undefined || bindings === undefined) return undefined;
  if (!ts.isNamedImports(bindings)) return undefined;
  return bindings.elements.map((each) => (each.propertyName ?? each.name).text);
}

/** What is wrong with an import of `module` in `path`, if anything. */
function importProblem(path: string, module: string, node: ts.Node): string | undefined {
  const from = folderOf(path);
  if (!module.startsWith('.')) return packageProblem(from, module, node);
  const to = folderOf(normalize(join(dirname(path), module)));
  if (from === to || FREE_FOLDERS.has(from)) return undefined;
  if (UNIMPORTED_FOLDERS.has(to)) return `${from} imports ${to}, which nothing may import`;
  if (from === 'examples') return undefined;
  const fromLevel = LEVELS.get(from);
  const toLevel = LEVELS.get(to);
  if (fromLevel === undefined) return `${from || 'the root'} has no level: add it to the picture`;
  if (toLevel === undefined) return `${to || 'the root'} has no level: add it to the picture`;
  if (toLevel > fromLevel) return `${from} imports ${to}: upwards`;
  if (toLevel === fromLevel) return `${from} imports ${to}: a neighbour`;
  return undefined;
}

function packageProblem(from: string, module: string, node: ts.Node): string | undefined {
  if (!CORE_FOLDERS.has(from)) return undefined;
  if (CORE_MODULES.has(module) || CORE_PACKAGES.has(module)) return undefined;
  const pure = CORE_FUNCTIONS.get(module);
  if (pure !== undefined && namesImported(node)?.every((name) => pure.has(name))) return undefined;
  return `${from} imports ${module}: the core reaches the outside through World only`;
}

/** What the core must not call: clocks, chance, timers, the process. */
function impurity(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const name = `${node.expression.text}.${node.name.text}`;
    if (name === 'Date.now' || name === 'Math.random') return name;
  }
  const isDate = (callee: ts.Node): boolean => ts.isIdentifier(callee) && callee.text === 'Date';
  if (ts.isNewExpression(node) && isDate(node.expression) && !node.arguments?.length) {
    return 'new Date()';
  }
  if (ts.isCallExpression(node) && isDate(node.expression)) return 'Date()';
  if (!ts.isIdentifier(node) || !CORE_FORBIDDEN_GLOBALS.has(node.text)) return undefined;
  return isPlainReference(node) ? node.text : undefined;
}

/** Whether an identifier is read as a variable, and is no property, member or type name. */
function isPlainReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isExpression(parent)) return true;
  if (ts.isVariableDeclaration(parent)) return parent.initializer === node;
  if (ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.initializer === node;
  }
  return ts.isStatement(parent) || ts.isShorthandPropertyAssignment(parent);
}

function problemsOfFile(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const isCore = CORE_FOLDERS.has(folderOf(path));
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    const module = importedBy(node);
    if (module !== undefined) {
      const problem = importProblem(path, module.text, node);
      if (problem !== undefined) found.push({ line: lineOf(source, node), text: problem });
    }
    const impure = isCore ? impurity(node) : undefined;
    if (impure !== undefined) {
      found.push({ line: lineOf(source, node), text: `${impure} in the core: use World` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.map(({ line, text: what }) => `${path}:${line}: ${what}`);
}

/** What is wrong in these files (path relative to the root -> text). No files is wrong, too. */
export function architectureProblems(files: ReadonlyMap<string, string>): string[] {
  if (files.size === 0) return ['no file was read'];
  return [...files].flatMap(([path, text]) => problemsOfFile(path, text));
}

/** The folder of the checkout, whether this runs from dist/ or from elsewhere. */
export function checkoutRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'tsconfig.json'))) {
    if (path.dirname(folder) === folder) return process.cwd();
    folder = path.dirname(folder);
  }
  return folder;
}
