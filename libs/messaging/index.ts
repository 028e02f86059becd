export * from './broker.js';
export * from './cloud-events.codec.js';
export * from './event-message.js';
export * from './poison.js';
export * from './topics.js';
export * from './version-guard.js';
