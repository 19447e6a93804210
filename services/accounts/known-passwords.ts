// Passwords that everybody knows: whoever guesses begins with these, so nobody takes one of them (R-LOG-1). The list comes with a package that is kept
// up to date, 18,000 of the most used of published breaches that are long enough to be taken, and nobody is asked over the network.
import { dictionary } from '@zxcvbn-ts/language-common';
import { TollgateError } from '../../domain/errors.ts';
import { SHORTEST_PASSWORD } from './passwords.ts';

const KNOWN = new Set(dictionary['passwords-common'].filter((known) => known.length >= SHORTEST_PASSWORD));

/** `field`: where it was typed. @throws TollgateError known_password, however it is capitalized */
export function refuseKnown(password: string, field: 'password' | 'newPassword'): void {
  if (!KNOWN.has(password.toLowerCase())) return;
  throw new TollgateError('known_password', {
    message:
      'This password is one of those that are guessed first. Choose another one: four words that have nothing to do with each other do well.',
    param: field,
  });
}
