// The command for the first request, for a terminal; or it is sent from here, as it stands, by whoever has none at hand. Then what refuses it is told
// here as well: the gateway writes down no request that it did not let in.
import { Alert, Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { bodyOfFirstRequest, firstModelQuery, sendFirstRequest } from '../api/first-request.ts';
import { Problem } from '../api/problem.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { CopyButton } from './copy-button.tsx';
import { WarningIcon } from './icons.tsx';
import { problemText } from './problem-note.tsx';
import { BASE_URL } from './shown-once.tsx';

export function FirstCommand({ secret }: { readonly secret: string }) {
  const question = useQuery(firstModelQuery(secret));
  return (
    <Asked question={question} height={150}>
      {(modelId) => <Command secret={secret} modelId={modelId} />}
    </Asked>
  );
}

function Command({ secret, modelId }: { readonly secret: string; readonly modelId: string }) {
  const t = useWords();
  const sending = useMutation({ mutationFn: () => sendFirstRequest(secret, modelId) });
  const command = commandOf(secret, modelId);
  return (
    <>
      <pre className="command">
        <code data-testid="command">{command}</code>
      </pre>
      <div className="form-end">
        <CopyButton text={command} label={t('start.copy')} />
        <Button variant="default" size="xs" loading={sending.isPending} onClick={() => sending.mutate()}>
          {t('start.sendHere')}
        </Button>
      </div>
      <Refused thrown={sending.error} />
    </>
  );
}

function commandOf(secret: string, modelId: string): string {
  return [
    `curl ${BASE_URL}/chat/completions \\`,
    `  -H 'authorization: Bearer ${secret}' \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d '${bodyOfFirstRequest(modelId)}'`,
  ].join('\n');
}

/** And what a terminal would have shown. */
function Refused({ thrown }: { readonly thrown: unknown }) {
  const t = useWords();
  if (thrown === null) return null;
  return (
    <Alert color="red" role="alert" icon={<WarningIcon />} title={t('start.refused')} className="refused">
      <div className="problem">
        <p>{problemText(thrown, t)}</p>
        {thrown instanceof Problem ? <p className="quiet">{thrown.message}</p> : null}
      </div>
    </Alert>
  );
}
