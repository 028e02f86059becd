import { freePorts } from '../../dev/ports.js';
import type { BenchContext } from '../harness/bench-context.js';

/** A contender that is a server, in its own process. Answers its address. */
export async function startServer(context: BenchContext, name: string, module: string, settings: object): Promise<string> {
  const [port = 0] = await freePorts(1);
  await context.contender(name, module, { ...settings, port });
  return `http://127.0.0.1:${port}`;
}
