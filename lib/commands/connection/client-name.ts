/** Names that clients give themselves: printable ASCII without blanks, so that CLIENT LIST parses. */

export const BAD_CLIENT_NAME =
  'ERR Client names cannot contain spaces, newlines or special characters.';

export function isClientName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}
