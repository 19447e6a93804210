// What a person types to tell a workflow something, as its details show it. Not `update execute`: it fails on the encrypted answer when all
// is done (D46).

/** Further fields of the input in angle brackets, for the person to fill in. */
export function updateCommand(
  workflowId: string,
  name: string,
  further: Readonly<Record<string, string | number>> = {},
): string {
  const input = JSON.stringify({ actor: '<you>', reason: '<why>', requestId: '<a new UUID>', ...further });
  return `\`temporal workflow update start --workflow-id '${workflowId}' --name ${name} --wait-for-stage accepted --input '${input}'\``;
}

export function pokeCommand(workflowId: string): string {
  return `\`temporal workflow signal --workflow-id '${workflowId}' --name poke\``;
}
