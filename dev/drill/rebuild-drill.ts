import { setTimeout as delay } from 'node:timers/promises';
import { readStackFile } from '../stack-file.js';
import type { StackCommands } from './stack-commands.js';

/** One question of each kind a dashboard asks; together they read every projection. */
const QUESTIONS = [
  '/orders?limit=20',
  '/stock?limit=20',
  '/customers?limit=20',
  '/products?limit=20',
  '/overview',
  '/fulfilments?limit=20',
];
/** Between two questions: enough of them to meet every swap, few enough to leave the machine to the replay. */
const PAUSE_MS = 20;

/**
 * Rebuilds every projection again and again while a replay runs and dashboards go on asking. No query may fail, every rebuilt table must
 * equal the live one, and every invariant must hold at the end.
 */
export async function rebuildDrill(commands: StackCommands): Promise<boolean> {
  const asked = new Questions(readStackFile().urls.queryApi);
  const over = new AbortController();
  const replay = commands.replay(16).finally(() => over.abort());
  const asking = asked.until(over.signal);
  let rounds = 0;
  let equal = true;
  const rebuilding = (async () => {
    do {
      rounds += 1;
      equal = (await commands.rebuildAll()) && equal;
    } while (!over.signal.aborted);
  })();
  await Promise.all([replay, asking, rebuilding]);
  process.stdout.write(
    `${rounds} rounds of rebuilds while a replay ran: tables ${equal ? 'equal' : 'DIFFER'}; ${asked.answered} queries answered, ${asked.failures.length} failed\n`,
  );
  asked.failures.slice(0, 10).forEach((failure) => process.stdout.write(`  ${failure}\n`));
  return (await commands.verify()) && equal && asked.failures.length === 0;
}

class Questions {
  answered = 0;
  readonly failures: string[] = [];

  constructor(private readonly queryApi: string) {}

  async until(over: AbortSignal): Promise<void> {
    for (let index = 0; !over.aborted; index += 1) {
      await this.ask(QUESTIONS[index % QUESTIONS.length] as string);
      await delay(PAUSE_MS);
    }
  }

  private async ask(question: string): Promise<void> {
    try {
      const response = await fetch(`${this.queryApi}${question}`, { signal: AbortSignal.timeout(10_000) });
      const body = await response.text();
      if (response.ok) this.answered += 1;
      else this.failures.push(`${question}: ${response.status} ${body.slice(0, 200)}`);
    } catch (error) {
      this.failures.push(`${question}: ${(error as Error).message}`);
    }
  }
}
