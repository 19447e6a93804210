// Keys that others let us in by, and under which we seal secrets: how old each is, what is being changed and how far that is, and what a person does
// about it. No page ever shows one.
import { useQuery } from '@tanstack/react-query';
import { inventoriesQuery } from '../api/operations-questions.ts';
import { useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { ChannelKeys } from '../parts/channel-keys.tsx';
import { MasterKeysPart } from '../parts/master-keys-part.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { NothingHere } from './trouble.tsx';

export function StaffKeys() {
  const t = useWords();
  const may = useMay();
  if (!may('channel.read') && !may('master_key.read')) return <NothingHere />;
  return (
    <>
      <PageHeading title={t('channelKeys.title')} lead={t('channelKeys.lead')} />
      {may('channel.read') ? <OfChannels /> : null}
      {may('master_key.read') ? <MasterKeysPart /> : null}
    </>
  );
}

function OfChannels() {
  const t = useWords();
  const question = useQuery(inventoriesQuery);
  return (
    <Asked question={question} height={320}>
      {({ data }) =>
        data.length === 0 ? (
          <div className="part">
            <NothingYet title={t('channelKeys.none')}>{t('channelKeys.noneMore')}</NothingYet>
          </div>
        ) : (
          data.map((inventory) => <ChannelKeys key={inventory.channelId} inventory={inventory} />)
        )
      }
    </Asked>
  );
}
