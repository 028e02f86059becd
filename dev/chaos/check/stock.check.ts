import type { ClientEffects } from './client-effects.js';
import type { HistoryDigest } from './history-digest.js';
import type { StockFacts } from './store-facts.js';
import { number, Violations, type Judgement } from './violations.js';

/**
 * I8 as the client sees it: of every SKU the store took in and corrected exactly what clients were told it did (and what they were told
 * nothing of, if it is there); of the last pieces that many wanted at once exactly the pieces were sold.
 */
export function checkStockOfClients(history: HistoryDigest, effects: ClientEffects, stock: Iterable<StockFacts>): Judgement {
  const violations = new Violations();
  const wanted = new Map<string, { received: number; adjusted: number }>();
  const wanting = new Map<string, number>();
  for (const { asked, accepted, key } of history.stories.values()) {
    if (asked.intent === 'place-order') {
      if (accepted !== undefined) wanting.set(asked.lines, (wanting.get(asked.lines) ?? 0) + 1);
      continue;
    }
    if (asked.intent === 'cancel-order' || (accepted === undefined && !effects.byKey.has(key))) continue;
    const sums = wanted.get(asked.sku) ?? { received: 0, adjusted: 0 };
    sums[asked.intent === 'receive-stock' ? 'received' : 'adjusted'] += asked.pieces;
    wanted.set(asked.sku, sums);
  }
  const known = new Map([...stock].map((each) => [each.sku, each]));
  for (const [sku, { received, adjusted }] of wanted) {
    const facts = known.get(sku);
    if (facts?.received !== received || facts.adjusted !== adjusted) {
      violations.add(
        `of ${sku} clients had ${received} taken in and ${adjusted} adjusted, the store says ${facts?.received} and ${facts?.adjusted}`,
        [`stock-${sku}`],
        lookAt(sku),
      );
    }
  }
  const counted = { skus: wanted.size, scenarios: 0, soldToTheLast: 0 };
  for (const { sku } of history.lastPieces) {
    const received = wanted.get(sku)?.received ?? 0;
    const buyers = [...wanting].reduce((sum, [lines, orders]) => (lines.startsWith(`${sku}×1@`) ? sum + orders : sum), 0);
    if (received === 0 || buyers === 0) continue;
    counted.scenarios += 1;
    const facts = known.get(sku);
    const sold = (facts?.shipped ?? 0) - (facts?.returned ?? 0);
    counted.soldToTheLast += sold;
    if (sold !== Math.min(received, buyers)) {
      violations.add(`${buyers} clients wanted ${received} pieces of ${sku}, and ${sold} were sold`, [`stock-${sku}`], lookAt(sku));
    }
  }
  return {
    checked: `${number(counted.skus)} SKUs as clients filled them; ${number(counted.scenarios)} times the last pieces: ${number(counted.soldToTheLast)} sold`,
    counted,
    violations,
  };
}

const lookAt = (sku: string): string => `SELECT * FROM tidemark.events WHERE stream_id = 'stock-${sku}' ORDER BY version`;
