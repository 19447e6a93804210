// The words for what happened to a customer. What the API calls by a name that has no words here is shown by that name.
import type { Happening } from '../api/staff-questions.ts';
import { wordOfDeed } from '../deeds.ts';
import { type Messages, useWords } from '../messages/language.ts';

type Group<G extends keyof Messages['timeline']> = keyof Messages['timeline'][G] & string;

export function useTitle({ kind, what }: Happening): string {
  const t = useWords();
  const defaultValue = what;
  switch (kind) {
    case 'payment':
      return t(`timeline.payment.${what as Group<'payment'>}`, { defaultValue });
    case 'attempt':
      return t(`timeline.attempt.${what as Group<'attempt'>}`, { defaultValue });
    case 'refund':
      return t('timeline.refund');
    case 'invoice':
      return t(`timeline.invoice.${what as Group<'invoice'>}`, { defaultValue });
    case 'dunning':
      return t(`timeline.dunning.${what as Group<'dunning'>}`, { defaultValue });
    case 'subscription':
      return t(`timeline.subscription.${what as Group<'subscription'>}`, { defaultValue });
    case 'plan':
      return t('timeline.plan', { plan: what });
    case 'enforcement':
      return t(`timeline.enforcement.${what as Group<'enforcement'>}`, { defaultValue });
    case 'mail':
      return t('timeline.mail', { mail: t(`timeline.mails.${what as Group<'mails'>}`, { defaultValue }) });
    case 'audit':
      return wordOfDeed(what, t);
  }
}

const GOOD = ['paid', 'succeeded', 'handed_over'];
const BAD = ['failed', 'given_up', 'nobody', 'never', 'needs_customer', 'authenticate', 'later', 'duplicate'];

/** Null: there is nothing more to say of it. */
export function useStanding({ kind, state }: Happening): { readonly text: string; readonly color: string } | null {
  const t = useWords();
  if (state === null || kind === 'subscription') return null;
  const color = GOOD.includes(state) ? 'teal' : BAD.includes(state) ? 'yellow' : 'gray';
  return { text: t(`timeline.state.${state as Group<'state'>}`, { defaultValue: state }), color };
}
