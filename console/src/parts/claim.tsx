// Who has in hand what waits: said beside it, and taken or given back by a button or by `c`. It holds nobody off.
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { Problem } from '../api/problem.ts';
import { useMe } from '../api/questions.ts';
import { type InboxItem, inboxQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Moment } from './moment.tsx';
import { useNames } from './names.ts';
import { problemText } from './problem-note.tsx';
import type { Shortcut } from './shortcuts.tsx';

export interface Claims {
  /** Why it did not come to that, and who was there before; null: it did. */
  readonly late: string | null;
  /** Takes it, or gives back what is his. */
  turn(item: InboxItem): void;
  /** undefined: the key does nothing. */
  shortcut(find: () => InboxItem | undefined): Shortcut;
}

export function useClaims(): Claims {
  const t = useWords();
  const me = useMe();
  const nameOf = useNames();
  const queries = useQueryClient();
  const { data } = useQuery(inboxQuery);
  const { mutate, error, variables } = useMutation({
    mutationFn: (item: InboxItem) => sent(item, me.id),
    onSettled: () => queries.invalidateQueries(inboxQuery),
  });
  const shortcut: Claims['shortcut'] = (find) => ({
    keys: ['c'],
    what: t('claim.turn'),
    press() {
      const item = find();
      return item === undefined ? false : mutate(item);
    },
  });
  return { late: error === null ? null : whyNot(), turn: mutate, shortcut };

  function whyNot(): string {
    if (!(error instanceof Problem) || (error.status !== 409 && error.status !== 404)) return problemText(error, t);
    const now = data?.data.find(({ kind, id }) => kind === variables?.kind && id === variables.id);
    if (now === undefined) return t('claim.gone');
    return now.claim === null ? t('claim.lapsed') : t('claim.late', { name: nameOf(now.claim.by) });
  }
}

function sent({ kind, id, claim }: InboxItem, personId: string) {
  const asked = { params: { path: { kind, id } }, body: {} };
  return told(
    claim?.by === personId
      ? api.POST('/api/v1/inbox/{kind}/{id}/give-back', asked)
      : api.POST('/api/v1/inbox/{kind}/{id}/claim', asked),
  );
}

interface ClaimButton {
  readonly item: InboxItem;
  /** For whom several stand on a page. */
  readonly name: string;
  turn(item: InboxItem): void;
}

/** What another one has he is not asked for; whoever decides it all the same does so where it is decided. */
export function ClaimButton({ item, name, turn }: ClaimButton) {
  const t = useWords();
  const me = useMe();
  const isOwn = item.claim?.by === me.id;
  if (item.claim !== null && !isOwn) return null;
  const verb = isOwn ? t('claim.giveBack') : t('claim.take');
  return (
    <Button variant="default" size="xs" aria-label={`${verb}: ${name}`} onClick={() => turn(item)}>
      {verb}
    </Button>
  );
}

export function Claimed({ item: { claim } }: { readonly item: Pick<InboxItem, 'claim'> }) {
  const t = useWords();
  const nameOf = useNames();
  if (claim === null) return null;
  return (
    <span className="queue-claim">
      {t('claim.has', { name: nameOf(claim.by) })} <Moment at={claim.at} />
    </span>
  );
}
