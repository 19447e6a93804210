// What was done in the organization, newest first, as far as its log tells it; whoever wants all of it downloads it.
import { Button, NativeSelect, Table } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type AuditEntry, auditQuery, membersQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { wordOfDeed, wordOfTarget } from '../deeds.ts';
import { useWords } from '../messages/language.ts';
import { folded, nameIn } from '../repeated-deeds.ts';
import { readsAudit, roleIn } from '../rights.ts';
import { Moment } from './moment.tsx';
import { PagedPart } from './paged-part.tsx';
import { WideTable } from './wide-table.tsx';

const OURS = 'tollgate';

export function AuditPart({ orgId }: { readonly orgId: string }) {
  return readsAudit(roleIn(useMe(), orgId)) ? <Log orgId={orgId} /> : null;
}

function Log({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const [actor, setActor] = useState('');
  const question = useInfiniteQuery(auditQuery(orgId, actor));
  const names = useNames(orgId);
  return (
    <>
      <PagedPart
        id="audit"
        title={t('audit.title')}
        lead={t('audit.lead')}
        question={question}
        height={220}
        none={{ title: t('audit.none'), more: t('audit.noneMore') }}
      >
        {(entries) => <AuditTable entries={entries} names={names} />}
      </PagedPart>
      <div className="part audit-acts">
        <NativeSelect
          label={t('audit.who')}
          value={actor}
          onChange={({ currentTarget }) => setActor(currentTarget.value)}
          data={[{ value: '', label: t('audit.everybody') }, ...[...names].map(([value, label]) => ({ value, label }))]}
        />
        {(['csv', 'ndjson'] as const).map((format) => (
          <Button key={format} variant="default" component="a" href={exportOf(orgId, actor, format)} download>
            {t(`audit.export.${format}`)}
          </Button>
        ))}
      </div>
    </>
  );
}

/** By actor. Who has left is told by no name any more. */
function useNames(orgId: string): ReadonlyMap<string, string> {
  const t = useWords();
  const { data: members = [] } = useQuery(membersQuery(orgId));
  return new Map([
    ...members.map(({ personId, name }) => [`person:${personId}`, name] as const),
    [OURS, t('audit.ours')] as const,
  ]);
}

function exportOf(orgId: string, actor: string, format: string): string {
  const query = new URLSearchParams({ format, ...(actor === '' ? {} : { actor }) });
  return `/api/v1/organizations/${orgId}/audit/export?${query}`;
}

interface Named {
  readonly names: ReadonlyMap<string, string>;
}

interface AuditTable extends Named {
  readonly entries: readonly AuditEntry[];
}

function AuditTable({ entries, names }: AuditTable) {
  const t = useWords();
  return (
    <WideTable label={t('audit.title')} minWidth={640}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('billing.when')}</Table.Th>
          <Table.Th>{t('audit.who')}</Table.Th>
          <Table.Th>{t('audit.what')}</Table.Th>
          <Table.Th>{t('audit.from')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {folded(entries).map(({ deed, times, since }) => (
          <Table.Tr key={deed.id}>
            <Table.Td>
              <Moment at={deed.at} />
            </Table.Td>
            <Table.Td>{names.get(deed.actor) ?? t('audit.former')}</Table.Td>
            <Table.Td>
              {wordOfDeed(deed.action, t)}
              <span className="line-of">
                {wordOfTarget(deed.targetKind, t)} <Target entry={deed} names={names} />
              </span>
              {times === 1 ? null : (
                <span className="line-of">
                  {t('audit.times', { count: times })} <Moment at={since} />
                </span>
              )}
              {deed.reason}
            </Table.Td>
            <Table.Td>{deed.clientAddress}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

/** By the name that it had then, if the log tells one. */
function Target({ entry: { targetKind, targetId, after }, names }: { readonly entry: AuditEntry } & Named) {
  const [, personId] = targetKind === 'membership' ? targetId.split(':') : [];
  const name = personId === undefined ? nameIn(after) : names.get(`person:${personId}`);
  return name === undefined ? <code>{targetId}</code> : name;
}
