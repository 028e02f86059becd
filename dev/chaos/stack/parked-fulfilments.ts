import { randomUUID } from 'node:crypto';

/** What a fulfilment is parked with when the gateway has said the contrary of what it said before. */
export const CONTRADICTED = 'gateway-contradiction';

/** Lets every fulfilment that is parked with this code go on, as an operator would; answers how many there were. */
export async function resumeParked(orchestratorUrl: string, code: string): Promise<number> {
  const ids = new Set<string>();
  for (;;) {
    const listed = await fetch(`${orchestratorUrl}/fulfilments/parked`, { signal: AbortSignal.timeout(10_000) });
    if (!listed.ok) throw new Error(`parked fulfilments cannot be listed: ${listed.status}`);
    const { items } = (await listed.json()) as { items: { orderId: string; code: string }[] };
    const fresh = items.filter((item) => item.code === code && !ids.has(item.orderId));
    if (fresh.length === 0) return ids.size;
    for (const { orderId } of fresh) {
      ids.add(orderId);
      const answer = await fetch(`${orchestratorUrl}/fulfilments/${orderId}/retry`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), 'X-Actor': 'olga' },
        body: JSON.stringify({ reason: 'the gateway contradicted itself on purpose' }),
        signal: AbortSignal.timeout(10_000),
      });
      const text = await answer.text();
      // 409: it has gone on meanwhile.
      if (!answer.ok && answer.status !== 409) throw new Error(`fulfilment ${orderId} cannot be let go on: ${answer.status} ${text}`);
    }
  }
}
