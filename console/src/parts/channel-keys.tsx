// The keys of one channel, place by place, and who makes them at its provider.
import { Badge } from '@mantine/core';
import { useState } from 'react';
import type { KeyInventory, KeySlot } from '../api/operations-questions.ts';
import { useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { ActButton } from './act.tsx';
import { nameOfKey, type OfSlot, SetAdminKey, SetPolicy } from './channel-key-acts.tsx';
import { type KeyDeed, KeyDialog } from './channel-key-dialog.tsx';
import { ChannelKeyRotation } from './channel-key-rotation.tsx';
import { Fact } from './fact.tsx';
import { Moment } from './moment.tsx';

export function ChannelKeys({ inventory }: { readonly inventory: KeyInventory }) {
  const t = useWords();
  const { channelId, channelName, channelStatus, hasKeyApi, adminKeyLastFour, slots } = inventory;
  const mayChange = useMay()('channel.change');
  const isChanging = slots.some(isOpen);
  return (
    <section className="part" aria-labelledby={`channel-${channelId}`}>
      <h2 id={`channel-${channelId}`}>
        {channelName}{' '}
        {channelStatus === 'enabled' ? null : (
          <Badge color="gray" variant="light">
            {t(`channelKeys.channel.${channelStatus}`)}
          </Badge>
        )}
      </h2>
      <div className="made-by">
        <p className="quiet">{t(`channelKeys.madeBy.${madeBy()}`, { lastFour: adminKeyLastFour })}</p>
        {hasKeyApi && mayChange ? <SetAdminKey inventory={inventory} /> : null}
      </div>
      <ul className="key-slots">
        {slots.map((slot) => (
          <Slot key={slot.id} of={{ inventory, slot }} mayChange={mayChange} mayBegin={mayChange && !isChanging} />
        ))}
      </ul>
    </section>
  );

  function madeBy() {
    if (adminKeyLastFour !== null) return 'us';
    return hasKeyApi ? 'usSoon' : 'people';
  }
}

function isOpen({ rotationId, rotationEndedAt }: KeySlot): boolean {
  return rotationId !== null && rotationEndedAt === null;
}

interface OneSlot {
  readonly of: OfSlot;
  readonly mayChange: boolean;
  /** Of a channel one at a time. */
  readonly mayBegin: boolean;
}

function Slot({ of, mayChange, mayBegin }: OneSlot) {
  const t = useWords();
  const { keyId, lastFour, keyedAt, ageDays, rotateAfterDays, nextRunAt, rotationId } = of.slot;
  const mayBeginHere = mayBegin && keyId !== null;
  // Here, since the buttons come and go with what becomes of the change, and what somebody writes does not.
  const [deed, setDeed] = useState<KeyDeed | null>(null);
  return (
    <li>
      <div className="key-slot-head">
        {keyId === null ? (
          <span className="quiet">{t('channelKeys.noKey')}</span>
        ) : (
          <code className="key-shape">…{lastFour}</code>
        )}
        <span className="acts">
          {mayBeginHere ? <Begin of={of} begin={setDeed} /> : null}
          {mayChange ? <SetPolicy {...of} /> : null}
        </span>
      </div>
      <dl className="slot-facts">
        <Fact name={t('channelKeys.age')}>
          {t('channelKeys.days', { count: ageDays })} · <Moment at={keyedAt} />
        </Fact>
        <Fact name={t('channelKeys.policy')}>
          {rotateAfterDays === null ? t('channelKeys.onlyAsked') : t('channelKeys.every', { count: rotateAfterDays })}
        </Fact>
        <Fact name={t('channelKeys.nextRun')}>
          {nextRunAt === null ? t('channelKeys.noRun') : <Moment at={nextRunAt} />}
        </Fact>
        <Fact name={t('channelKeys.lastRun')}>
          <LastRun slot={of.slot} />
        </Fact>
      </dl>
      {rotationId !== null && isOpen(of.slot) ? (
        <ChannelKeyRotation
          rotationId={rotationId}
          of={of}
          mayChange={mayChange}
          decide={(verb, rotation) => setDeed({ of, verb, rotation })}
        />
      ) : null}
      <KeyDialog deed={deed} mayBegin={mayBeginHere} close={() => setDeed(null)} />
    </li>
  );
}

function Begin({ of, begin }: { readonly of: OfSlot; begin(deed: KeyDeed): void }) {
  const t = useWords();
  return (['rotate', 'emergency'] as const).map((how) => {
    const verb = t(`channelKeys.${how}.verb`);
    const name = `${verb}: ${nameOfKey(of)}`;
    return <ActButton key={how} verb={verb} name={name} ask={() => begin({ of, verb: how, rotation: null })} />;
  });
}

function LastRun({ slot }: { readonly slot: KeySlot }) {
  const t = useWords();
  const { rotationId, rotationStage, rotationEndedAt, rotationWhy } = slot;
  if (rotationId === null) return t('channelKeys.never');
  if (rotationEndedAt === null) return t('channelKeys.now');
  const became = rotationStage === 'completed' ? 'completed' : (rotationWhy ?? 'asked');
  return (
    <>
      {t(`channelKeys.ended.${became}`)} · <Moment at={rotationEndedAt} />
    </>
  );
}
