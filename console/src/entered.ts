// What can be seen of an entry without asking the API. It has the last word: whatever passes here may still be refused there.
export const SHORTEST_PASSWORD = 8;
export const LONGEST_PASSWORD = 128;

export function isMailAddress(text: string): boolean {
  return /^[!-?[-~]+@[!-?[-~]+\.[!-?[-~]+$/.test(text.trim());
}

export function isPasswordLongEnough(text: string): boolean {
  return text.length >= SHORTEST_PASSWORD && text.length <= LONGEST_PASSWORD;
}

/** Digits only, however they were grouped. */
export function codeIn(text: string): string {
  return text.replace(/\D/g, '');
}
