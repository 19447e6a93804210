// What both sides wrote about something, oldest first, and room for more. Who writes sends a message once, however often he has to try.
import { Textarea } from '@mantine/core';
import { useState } from 'react';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from './form.tsx';
import { Moment } from './moment.tsx';

interface Said {
  readonly side: 'applicant' | 'staff';
  readonly who: string;
  readonly body: string;
  readonly at: string;
}

interface Thread {
  readonly said: readonly Said[];
  readonly ownSide: Said['side'];
  readonly mayWrite: boolean;
  write(body: string, attemptId: string): Promise<unknown>;
  done(): Promise<unknown>;
}

export function Thread({ said, ownSide, mayWrite, write, done }: Thread) {
  const t = useWords();
  return (
    <section className="part" aria-labelledby="thread">
      <h2 id="thread">{t('thread.title')}</h2>
      {said.length === 0 ? <p className="quiet">{t('thread.none')}</p> : null}
      <ol className="thread">
        {said.map(({ side, who, body, at }) => (
          <li key={`${at} ${side}`} data-own={side === ownSide}>
            <p className="quiet">
              {who} · <Moment at={at} />
            </p>
            <p className="said">{body}</p>
          </li>
        ))}
      </ol>
      {mayWrite ? <Writing write={write} done={done} /> : null}
    </section>
  );
}

function Writing({ write, done }: Pick<Thread, 'write' | 'done'>) {
  const t = useWords();
  const [attemptId, setAttemptId] = useState(() => crypto.randomUUID());
  const form = useForm({
    initial: { body: '' },
    check: ({ body }) => ({ body: body.trim() === '' ? t('fields.empty') : null }),
    send: ({ body }) => write(body.trim(), attemptId),
    done: async () => {
      setAttemptId(crypto.randomUUID());
      await done();
      form.clear();
    },
  });
  return (
    <Form form={form} submit={t('thread.send')}>
      <Textarea {...form.input('body')} label={t('thread.message')} rows={3} maxLength={5_000} />
    </Form>
  );
}
