// What the audit log tells in words where it has codes.
import type { Messages, Words } from './messages/language.ts';

/** One that has no words yet is told as it is. */
export function wordOfDeed(action: string, t: Words): string {
  const did = action.replace('.', '_') as keyof Messages['deeds']['did'];
  return t(`deeds.did.${did}`, { defaultValue: action });
}

/** The same of what it was done to. */
export function wordOfTarget(kind: string, t: Words): string {
  return t(`deeds.to.${kind as keyof Messages['deeds']['to']}`, { defaultValue: kind });
}
