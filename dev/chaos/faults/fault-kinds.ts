import type { FaultKind } from './fault.js';
import { processFaults } from './process.faults.js';

export const FAULT_KINDS: readonly FaultKind[] = [...processFaults];
