// Keys with what each may never pass, and the switch that takes one out of use.
import { Badge, Table } from '@mantine/core';
import { type ApiKey, useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { mayEnableKeys, mayMakeKeys, roleIn } from '../rights.ts';
import { KeyChange } from './key-change.tsx';
import { KeyFrozen } from './key-frozen.tsx';
import { KeyRoll, type OfKey } from './key-roll.tsx';
import { KeyRotation } from './key-rotation.tsx';
import { KeySwitch } from './key-switch.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { WideTable } from './wide-table.tsx';

export function KeyTable({ orgId, apiKeys }: { readonly orgId: string; readonly apiKeys: readonly ApiKey[] }) {
  const t = useWords();
  const role = roleIn(useMe(), orgId);
  return (
    <WideTable label={t('keys.title')} minWidth={640}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('keys.name')}</Table.Th>
          <Table.Th>{t('keys.secret')}</Table.Th>
          <Table.Th>{t('keys.bounds')}</Table.Th>
          <Table.Th>{t('keys.made')}</Table.Th>
          <Table.Th>
            <span className="only-heard">{t('keys.actions')}</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {apiKeys.map((apiKey) => (
          <Table.Tr key={apiKey.id} data-off={apiKey.disabledAt !== null}>
            <Table.Td className="key-name">
              {apiKey.name} <KeyState apiKey={apiKey} />
              <KeyNotes orgId={orgId} apiKey={apiKey} />
            </Table.Td>
            <Table.Td>
              <code className="key-shape">
                {apiKey.prefix}…{apiKey.lastFour}
              </code>
            </Table.Td>
            <Table.Td>
              <Bounds apiKey={apiKey} />
            </Table.Td>
            <Table.Td>
              <Moment at={apiKey.createdAt} />
            </Table.Td>
            <Table.Td className="row-actions">
              {mayMakeKeys(role) && mayBeRolled(apiKey) ? <KeyRoll orgId={orgId} apiKey={apiKey} /> : null}
              {mayMakeKeys(role) ? <KeyChange orgId={orgId} apiKey={apiKey} /> : null}
              {(apiKey.disabledAt === null ? mayMakeKeys(role) : mayEnableKeys(role)) ? (
                <KeySwitch orgId={orgId} apiKey={apiKey} />
              ) : null}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

export function KeyState({ apiKey }: { readonly apiKey: ApiKey }) {
  const t = useWords();
  if (apiKey.disabledAt !== null) return <Badge color="gray">{t('keys.disabled')}</Badge>;
  if (hasExpired(apiKey)) return <Badge color="gray">{t('keys.expired')}</Badge>;
  return apiKey.frozen === null ? null : <Badge color="red">{t('keys.frozen')}</Badge>;
}

/** What is out of use is put back first, and what is being rolled ends first, unless it was found elsewhere. */
function mayBeRolled(apiKey: ApiKey): boolean {
  const { disabledAt, rotation, frozen } = apiKey;
  return disabledAt === null && !hasExpired(apiKey) && (rotation === null || frozen !== null);
}

function hasExpired({ expiresAt }: ApiKey): boolean {
  return expiresAt !== null && Date.parse(expiresAt) < Date.now();
}

function KeyNotes({ orgId, apiKey }: OfKey) {
  const role = roleIn(useMe(), orgId);
  const { frozen, rotation } = apiKey;
  return (
    <>
      {frozen === null ? null : (
        <KeyFrozen orgId={orgId} apiKey={apiKey} frozen={frozen} mayUnfreeze={mayEnableKeys(role)} />
      )}
      {rotation === null ? null : (
        <KeyRotation orgId={orgId} apiKey={apiKey} rotation={rotation} mayChange={mayMakeKeys(role)} />
      )}
    </>
  );
}

/** Each on a line of its own; none at all is said, since it is a choice. */
function Bounds({ apiKey }: { readonly apiKey: ApiKey }) {
  const t = useWords();
  const { caps, allowedModels, allowedAddresses, expiresAt } = apiKey;
  const rates = (['requestsPerMinute', 'tokensPerMinute', 'concurrentRequests'] as const).flatMap((name) => {
    const count = apiKey[name];
    return count === null ? [] : [<li key={name}>{t(`keys.has.${name}`, { count })}</li>];
  });
  const lines = [
    ...caps.map(({ period, amountNano }) => (
      <li key={period}>
        <Money nano={amountNano} /> {t(`keys.per.${period}`)}
      </li>
    )),
    ...rates,
    ...(allowedModels === null
      ? []
      : [
          <li key="models">
            {t('keys.has.models', { count: allowedModels.length, models: allowedModels.join(', ') })}
          </li>,
        ]),
    ...(allowedAddresses === null
      ? []
      : [<li key="addresses">{t('keys.has.addresses', { addresses: allowedAddresses.join(', ') })}</li>]),
    ...(expiresAt === null
      ? []
      : [
          <li key="expiry">
            {t('keys.has.expiry')} <Moment at={expiresAt} />
          </li>,
        ]),
  ];
  return lines.length === 0 ? (
    <span className="quiet">{t('keys.unbounded')}</span>
  ) : (
    <ul className="bounds">{lines}</ul>
  );
}
