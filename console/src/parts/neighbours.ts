// The queue from within: which page stands before this one, and which after it.
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type InboxItem, inboxQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { type Claims, useClaims } from './claim.tsx';
import type { Shortcut } from './shortcuts.tsx';

interface Neighbours {
  /** As it stands in the queue; undefined: it waits for nobody. */
  readonly here: InboxItem | undefined;
  /** Null: it is the last one. */
  readonly next: InboxItem | null;
  readonly shortcuts: readonly Shortcut[];
  readonly claims: Claims;
  open(item: InboxItem): Promise<void>;
}

export function useNeighbours(id: string): Neighbours {
  const t = useWords();
  const navigate = useNavigate();
  const { data } = useQuery(inboxQuery);
  const pages = (data?.data ?? []).filter(({ kind }) => kind === 'application' || kind === 'proposal');
  const claims = useClaims();
  const at = pages.findIndex((item) => item.id === id);
  const open = ({ kind, id: to }: InboxItem) =>
    navigate({ to: kind === 'application' ? '/staff/applications/$id' : '/staff/proposals/$id', params: { id: to } });
  // What is decided has left the queue: then the next is the first.
  const next = pages[at + 1] ?? null;
  const previous = pages[at - 1] ?? null;
  return {
    here: pages[at],
    next,
    open,
    claims,
    shortcuts: [
      claims.shortcut(() => pages[at]),
      { keys: ['j'], what: t('shortcuts.next'), press: () => (next === null ? false : open(next)) },
      { keys: ['k'], what: t('shortcuts.previous'), press: () => (previous === null ? false : open(previous)) },
      { keys: ['u'], what: t('shortcuts.back'), press: () => navigate({ to: '/staff/inbox' }) },
    ],
  };
}
