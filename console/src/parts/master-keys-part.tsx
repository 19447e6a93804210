// Master keys: which seals, what still needs an older one, which process has which, and how far a rotation is. The bytes themselves come by files of the
// operator's, and no page has them.
import { Badge, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type MasterKey, type MasterKeys, masterKeysQuery } from '../api/operations-questions.ts';
import { useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { BeginRotation, DestroyMasterKey } from './master-key-acts.tsx';
import { MasterKeyRotation } from './master-key-rotation.tsx';
import { Moment } from './moment.tsx';
import { WideTable } from './wide-table.tsx';

export function MasterKeysPart() {
  const t = useWords();
  const mayRotate = useMay()('master_key.rotate');
  return (
    <section className="part" aria-labelledby="master-keys">
      <h2 id="master-keys">{t('masterKeys.title')}</h2>
      <p className="quiet">{t('masterKeys.lead')}</p>
      <Asked question={useQuery(masterKeysQuery)} height={200}>
        {({ masterKeys, holders, rotation }) => {
          const isOpen = rotation !== null && rotation.endedAt === null;
          return (
            <>
              <ul className="key-slots">
                {masterKeys.map((masterKey) => (
                  <One key={masterKey.version} masterKey={masterKey} holders={holders} />
                ))}
              </ul>
              {rotation === null ? null : (
                <MasterKeyRotation rotation={rotation} holders={holders} mayChange={mayRotate} />
              )}
              {mayRotate && !isOpen ? (
                <div className="acts">
                  <BeginRotation newest={masterKeys[0]?.version ?? 0} />
                </div>
              ) : null}
              <Holders holders={holders} />
            </>
          );
        }}
      </Asked>
    </section>
  );
}

type Holders = MasterKeys['holders'];

const COLOURS = { sealing: 'teal', coming: 'yellow', opening: 'gray', destroyed: 'gray' } as const;

function One({ masterKey, holders }: { readonly masterKey: MasterKey; readonly holders: Holders }) {
  const t = useWords();
  const { version, state, since } = masterKey;
  const having = holders.filter(({ versions }) => versions.includes(version)).length;
  return (
    <li>
      <div className="key-slot-head">
        <span>
          <strong>{t('masterKeys.one', { version })}</strong>{' '}
          <Badge variant="light" color={COLOURS[state]}>
            {t(`masterKeys.state.${state}`)}
          </Badge>{' '}
          <span className="quiet">
            <Moment at={since} />
          </span>
        </span>
        <DestroyMasterKey masterKey={masterKey} />
      </div>
      {state === 'destroyed' ? null : (
        <p className="quiet">
          {t('masterKeys.had', { having, count: holders.length })} · {neededBy()}
        </p>
      )}
    </li>
  );

  function neededBy(): string {
    const { sealedRows, backups } = masterKey;
    if (sealedRows + backups.length === 0) return t('masterKeys.unneeded');
    const rows = t('masterKeys.rows', { count: sealedRows });
    return backups.length === 0 ? rows : `${rows}, ${t('masterKeys.backups', { count: backups.length })}`;
  }
}

function Holders({ holders }: { readonly holders: Holders }) {
  const t = useWords();
  return (
    <details className="holders">
      <summary>{t('masterKeys.holders', { count: holders.length })}</summary>
      <WideTable label={t('masterKeys.processes')} minWidth={420}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('masterKeys.process')}</Table.Th>
            <Table.Th>{t('masterKeys.host')}</Table.Th>
            <Table.Th>{t('masterKeys.versions')}</Table.Th>
            <Table.Th>{t('masterKeys.seen')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {holders.map(({ processId, kind, pid, host, versions, otherBytes, seenAt }) => (
            <Table.Tr key={processId}>
              <Table.Td>
                {t(`masterKeys.kind.${kind}`)} {pid}
              </Table.Td>
              <Table.Td>{host}</Table.Td>
              <Table.Td>
                {versions.join(', ')}
                {otherBytes.length === 0 ? null : (
                  <p className="queue-attention">{t('masterKeys.otherBytes', { versions: otherBytes.join(', ') })}</p>
                )}
              </Table.Td>
              <Table.Td>
                <Moment at={seenAt} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </details>
  );
}
