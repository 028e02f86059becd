export * from './outbox-row.js';
