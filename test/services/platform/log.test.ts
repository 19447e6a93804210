// No credential reaches a log line, whichever statement is added later.
import { expect, test } from '@jest/globals';
import { createLog } from '../../../services/platform/log.ts';

const API_KEY = `sk-tg-${'aB3'.repeat(16)}x`;
const CREDENTIALS = {
  customer: API_KEY,
  upstream: 'sk-proj-AbC_123-def456',
  anthropic: 'sk-ant-api03-AbCdEf',
  demo: 'demo-8f3a5c9d7e1b2a4c6d8e',
  password: 'p4ss:w0rd@x',
};

function linesOf(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ name: 'test', level: 'trace' }, { write: (line) => void lines.push(line) }));
  for (const line of lines) JSON.parse(line);
  return lines.join('');
}

test('no credential reaches a line, wherever in the call it stands', () => {
  const url = `postgres://gateway:${CREDENTIALS.password}@db:5432/gate`;
  const output = linesOf((log) => {
    const socket = `postgres:///gate?host=/run/postgresql&user=gateway&password=${CREDENTIALS.password}`;
    const known = Object.values(CREDENTIALS).slice(0, 4);
    const mailServer = `smtps://tollgate:${CREDENTIALS.password}@mail.example:465`;
    for (const credential of [...known, `Bearer ${CREDENTIALS.demo}`, url, socket, mailServer]) {
      log.info(`refused ${credential} at the door`);
      log.info('refused %s at the door', credential);
      log.info({ deep: { er: { still: [credential] } } }, 'refused');
      log.error({ err: new Error(`cannot use ${credential}`) });
      log.error(new Error(`outer`, { cause: new Error(credential) }));
    }
  });

  for (const credential of Object.values(CREDENTIALS)) expect(output).not.toContain(credential);
  expect(output).toContain('postgres://gateway:[redacted]@db:5432/gate');
});

test('fields that hold secrets are redacted whatever they contain', () => {
  const output = linesOf((log) => {
    log.info({ authorization: 'opaque-1', req: { headers: { 'x-api-key': 'opaque-2', cookie: 'opaque-3' } } });
    log.info({ channel: { credential: 'opaque-4', sealed: { data: 'opaque-5' } }, password: 'opaque-6' });
  });

  expect(output).not.toContain('opaque');
});

test('what people need to find a request stays readable', () => {
  const output = linesOf((log) =>
    log.info({ requestId: 'req_1', model: 'demo-reasoner' }, 'task-force demo-provider up'),
  );

  expect(output).toContain('"model":"demo-reasoner"');
  expect(output).toContain('task-force demo-provider up');
});

test('a line break in a message cannot forge a second line', () => {
  expect(
    linesOf((log) => log.info('one\n{"level":60,"msg":"two"}'))
      .trim()
      .split('\n'),
  ).toHaveLength(1);
});
