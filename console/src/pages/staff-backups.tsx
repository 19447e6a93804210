// Backups: how old the newest is that proved itself, which days have one, what goes on, and why one failed. A backup that was not restored is none.
import { Alert, Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type Backup, backupsQuery, drillsQuery, goesOn } from '../api/operations-questions.ts';
import { useMay } from '../api/staff-questions.ts';
import { newestProven } from '../backup-days.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { BackupCalendar } from '../parts/backup-calendar.tsx';
import { Drills } from '../parts/drills.tsx';
import { Moment } from '../parts/moment.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Progress } from '../parts/progress.tsx';
import { NothingHere } from './trouble.tsx';

/** A night is missing then: the alert of deploy/prometheus/alerts.yml says the same. */
const LATE_MS = 26 * 3_600_000;

export function StaffBackups() {
  return useMay()('backup.read') ? <OfUs /> : <NothingHere />;
}

function OfUs() {
  const t = useWords();
  const backups = useQuery(backupsQuery);
  return (
    <>
      <PageHeading
        title={t('backups.title')}
        lead={t('backups.lead')}
        actions={<AskFor backups={backups.data?.data} />}
      />
      <Asked question={backups} height={420}>
        {({ data }) => (
          <>
            <Newest backups={data} />
            <UnderWay backups={data} />
            <BackupCalendar backups={data} />
          </>
        )}
      </Asked>
      <Drills />
    </>
  );
}

/** Neither changes what is, nor takes long to ask for: it is done at once. */
function AskFor({ backups = [] }: { readonly backups: readonly Backup[] | undefined }) {
  const t = useWords();
  const mayAsk = useMay()('backup.take');
  const backup = useOneMore('/api/v1/backups');
  const drill = useOneMore('/api/v1/restore-checks');
  if (!mayAsk) return null;
  return (
    <>
      <ProblemNote thrown={backup.error ?? drill.error} />
      <Button size="xs" loading={backup.isPending} onClick={() => backup.mutate()}>
        {t('backups.now')}
      </Button>
      {newestProven(backups) === null ? null : (
        <Button size="xs" variant="default" loading={drill.isPending} onClick={() => drill.mutate()}>
          {t('backups.drillNow')}
        </Button>
      )}
    </>
  );
}

function useOneMore(path: '/api/v1/backups' | '/api/v1/restore-checks') {
  const queries = useQueryClient();
  // One for all tries, until one has answered: what was asked for by a try whose answer was lost is not asked for twice.
  const [attemptId, setAttemptId] = useState(() => crypto.randomUUID());
  return useMutation({
    mutationFn: () => told<unknown>(api.POST(path, { params: { header: { 'Idempotency-Key': attemptId } }, body: {} })),
    onSuccess: () => setAttemptId(crypto.randomUUID()),
    onSettled: () => Promise.all([queries.invalidateQueries(backupsQuery), queries.invalidateQueries(drillsQuery)]),
  });
}

function Newest({ backups }: { readonly backups: readonly Backup[] }) {
  const t = useWords();
  const takenAt = newestProven(backups)?.takenAt ?? null;
  if (takenAt === null) {
    return (
      <Alert color="red" role="alert" className="note">
        {t('backups.none')}
      </Alert>
    );
  }
  const isLate = Date.now() - Date.parse(takenAt) > LATE_MS;
  return (
    <Alert color={isLate ? 'red' : 'teal'} role={isLate ? 'alert' : 'status'} className="note">
      {t('backups.newest')} <Moment at={takenAt} />
      {isLate ? <p>{t('backups.late')}</p> : null}
    </Alert>
  );
}

const STEPS = ['dumping', 'verifying', 'pruning'] as const;

function UnderWay({ backups }: { readonly backups: readonly Backup[] }) {
  const t = useWords();
  const drills = useQuery(drillsQuery).data?.data ?? [];
  const [taken, tried] = [backups.filter(goesOn), drills.filter(goesOn)];
  if (taken.length + tried.length === 0) return null;
  return (
    <section className="part" aria-labelledby="under-way">
      <h2 id="under-way">{t('backups.underWay')}</h2>
      <div className="key-slots" role="status">
        {taken.map(({ name, stage }) => {
          const step = STEPS.find((one) => one === stage) ?? 'dumping';
          return (
            <Progress
              key={name}
              label={`${name}: ${t(`backups.step.${step}`)}`}
              value={STEPS.indexOf(step)}
              max={STEPS.length}
            />
          );
        })}
        {tried.map(({ name, backup }) => (
          <Progress key={name} label={`${name}: ${t('backups.restoring', { backup })}`} value={null} max={1} />
        ))}
      </div>
    </section>
  );
}
