/** Bytes as Redis shows them to people (`sdscatrepr`): quoted, with escapes. */

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u0007': '\\a',
  '\b': '\\b',
};

/** `text` has one character per byte. */
export function repr(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~]/g, (character) => {
    return ESCAPES[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}
