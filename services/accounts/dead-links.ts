// Why a link of ours opens nothing any more. It is told apart to whoever has the link: that we made it its signature says, so nobody finds out by guessing,
// and who has it learns no more than that he comes late. A code of six digits can be guessed: of a sign-up's one sentence says all (D156).
import { type ErrorCode, TollgateError } from '../../domain/errors.ts';

type DeadLink = 'unknown' | 'used' | 'expired';

const TOLD: { readonly [D in DeadLink]: readonly [code: ErrorCode, what: string] } = {
  unknown: ['link_unknown', 'This is no link of ours. Open it from the mail again: perhaps a part of it is missing.'],
  used: ['link_used', 'This link was used already, or what it was for has changed since.'],
  expired: ['link_expired', 'This link is too old.'],
};

/** again: how to get another one. */
export function deadLink(why: DeadLink, again: string): TollgateError {
  const [code, what] = TOLD[why];
  return new TollgateError(code, { message: `${what} ${again}`, param: 'token' });
}
