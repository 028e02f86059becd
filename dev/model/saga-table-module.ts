import { FIRST_SITUATION, sagaRows, situationName, type SagaRow, type SagaSituation, type SagaStepRule } from '#domain';

/** A TLA+ identifier: names of situations and inputs have spaces and hyphens. */
const identifier = (name: string): string => name.replaceAll(/[ -]/g, '_');
const text = (value: string): string => `"${identifier(value)}"`;

/** The table of the saga's steps as a TLA+ module, for Saga.tla to extend. */
export function sagaTableModule(rules?: readonly SagaStepRule[]): string {
  const rows = sagaRows(rules);
  const situations = new Map<string, SagaSituation>();
  for (const situation of [FIRST_SITUATION, ...rows.flatMap(({ from, to }) => [from, to])]) {
    situations.set(identifier(situationName(situation)), situation);
  }
  return [
    '----------------------------- MODULE SagaTable -----------------------------',
    '(* Made of libs/domain/fulfilment/fulfilment.table.ts by "npm run model -- --write". Not to be edited. *)',
    'EXTENDS TLC',
    '',
    `FirstSituation == ${text(situationName(FIRST_SITUATION))}`,
    '',
    'Situations == [',
    [...situations].map(([name, situation]) => `  ${name} |-> ${record(situation)}`).join(',\n'),
    ']',
    '',
    'Steps == [',
    [...situations.keys()].map((name) => `  ${name} |-> ${stepsFrom(name, rows)}`).join(',\n'),
    ']',
    '',
    '(* The inputs that change something. *)',
    'Inputs == [',
    [...situations.keys()]
      .map(
        (name) =>
          `  ${name} |-> {${stepsOf(name, rows)
            .map(({ input }) => text(input))
            .join(', ')}}`,
      )
      .join(',\n'),
    ']',
    '',
    '(* What the book says when the operation was done, and what a look-up calls it. *)',
    'Reached == [authorize |-> "authorized", capture |-> "captured", void |-> "voided", refund |-> "refunded"]',
    `FoundAs == [${['none', 'authorized', 'captured', 'declined', 'voided', 'refunded'].map((status) => `${status} |-> "found_${status}"`).join(', ')}]`,
    '=============================================================================',
    '',
  ].join('\n');
}

const record = (situation: SagaSituation): string =>
  `[${Object.entries(situation)
    .map(([key, value]) => `${key} |-> ${text(value)}`)
    .join(', ')}]`;

const stepsOf = (name: string, rows: readonly SagaRow[]): SagaRow[] => rows.filter(({ from }) => identifier(situationName(from)) === name);

function stepsFrom(name: string, rows: readonly SagaRow[]): string {
  const own = stepsOf(name, rows);
  if (own.length === 0) return '[input \\in {} |-> 0]';
  const steps = own.map(
    ({ input, to, effects }) =>
      `\n    ${identifier(input)} |-> [to |-> ${text(situationName(to))}, effects |-> <<${effects.map(text).join(', ')}>>]`,
  );
  return `[${steps.join(',')}]`;
}
