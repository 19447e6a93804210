// A command that a page shows, run as a shell would run it, on a machine that need not have curl.

/** Which its request is answered. */
export async function statusOfCommand(command: string): Promise<number> {
  const [, url = ''] = /^curl (\S+) /.exec(command) ?? [];
  const headers = [...command.matchAll(/-H '([^:]+): ([^']+)'/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const [, body = ''] = /-d '([^']+)'$/.exec(command) ?? [];
  const answer = await fetch(url, { method: 'POST', headers: Object.fromEntries(headers), body });
  await answer.text();
  return answer.status;
}
