// What becomes of the API keys of somebody who leaves an organization: asked where he has some that could still be used.
import { NativeSelect } from '@mantine/core';
import type { Member } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import type { FieldInput } from './form.tsx';

export const REVOKE = 'revoke' as const;

interface Usable {
  readonly disabledAt: string | null;
  readonly expiresAt: string | null;
}

export function isInUse({ disabledAt, expiresAt }: Usable): boolean {
  return disabledAt === null && (expiresAt === null || Date.parse(expiresAt) > Date.now());
}

/** Who could have them. */
export function colleaguesOf(personId: string, members: readonly Member[]): Member[] {
  return members.filter((one) => one.personId !== personId && one.status === 'active');
}

/** chosen: REVOKE, or the id of a colleague. */
export function keysBody(chosen: string, hasKeys: boolean) {
  if (!hasKeys) return {};
  return { keys: chosen === REVOKE ? REVOKE : { handOver: chosen } };
}

interface KeysOfLeaver {
  readonly input: FieldInput;
  readonly colleagues: readonly Member[];
}

export function KeysOfLeaver({ input, colleagues }: KeysOfLeaver) {
  const t = useWords();
  const choices = [
    { value: REVOKE, label: t('keysLeft.revoke') },
    ...colleagues.map(({ personId, name }) => ({ value: personId, label: t('keysLeft.handOver', { name }) })),
  ];
  return <NativeSelect {...input} label={t('keysLeft.keys')} description={t('keysLeft.more')} data={choices} />;
}
