// The dialog in which a change of a key is begun or decided on. It stays while somebody writes in it, also when what he came for is done by somebody else,
// or by itself: then it says so, and what he sends is refused where it means another thing by now.
import { useQuery } from '@tanstack/react-query';
import { type KeyRotation, keyRotationQuery } from '../api/operations-questions.ts';
import { useWords } from '../messages/language.ts';
import { BeginChange, nameOfKey, type OfSlot } from './channel-key-acts.tsx';
import { DecideOnKey, type KeyChoice } from './channel-key-decisions.tsx';
import { Dialog } from './dialog.tsx';

/** With what he saw when he began. */
export type KeyDeed = { readonly of: OfSlot } & (
  | { readonly verb: 'rotate' | 'emergency'; readonly rotation: null }
  | { readonly verb: KeyChoice; readonly rotation: KeyRotation }
);

interface KeyDialog {
  /** Null: nobody does anything. */
  readonly deed: KeyDeed | null;
  /** Whether a change may be begun now. */
  readonly mayBegin: boolean;
  close(): void;
}

export function KeyDialog({ deed, mayBegin, close }: KeyDialog) {
  const t = useWords();
  const title = deed === null ? '' : t(`channelKeys.${deed.verb}.title`, { name: nameOfKey(deed.of) });
  return (
    <Dialog opened={deed !== null} close={close} title={title}>
      {deed === null ? null : <Doing deed={deed} mayBegin={mayBegin} close={close} />}
    </Dialog>
  );
}

function Doing({ deed, mayBegin, close }: KeyDialog & { readonly deed: KeyDeed }) {
  const t = useWords();
  const { of, rotation: seen } = deed;
  const { data: now } = useQuery({ ...keyRotationQuery(seen?.id ?? ''), enabled: seen !== null });
  const isAsSeen = seen === null ? mayBegin : now === undefined || (now.stage === seen.stage && offers(now, deed.verb));
  const asked = { meanwhile: isAsSeen ? null : t('channelKeys.wentOn'), close };
  if (deed.rotation === null) return <BeginChange {...of} {...asked} how={deed.verb} />;
  return <DecideOnKey {...asked} choice={deed.verb} rotation={deed.rotation} of={of} />;
}

function offers({ choices }: KeyRotation, verb: KeyDeed['verb']): boolean {
  return choices.some((choice) => choice === verb);
}
