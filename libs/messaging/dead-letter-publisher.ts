import type { BatchProducer, SendVerdict } from './broker.js';
import { deadLetterMessage, withoutValue, type DeadLetter } from './dead-letter.js';
import type { OutgoingMessage } from './event-message.js';

/** Copies dead letters to the dead-letter topic; throws unless every copy was acknowledged. */
export class DeadLetterPublisher {
  constructor(
    private readonly groupId: string,
    private readonly producer: () => Promise<BatchProducer>,
  ) {}

  async publish(letters: readonly DeadLetter[]): Promise<void> {
    let messages = letters.map((letter) => deadLetterMessage(letter, this.groupId));
    // Each round ends a rejection for good, so this ends.
    while (messages.length > 0) {
      const verdicts = await (await this.producer()).send(messages);
      messages = messages.flatMap((message, index) => this.remaining(message, verdicts[index] as SendVerdict));
    }
  }

  private remaining(message: OutgoingMessage, verdict: SendVerdict): OutgoingMessage[] {
    switch (verdict.outcome) {
      case 'acknowledged':
        return [];
      case 'held-back':
        return [message];
      case 'rejected':
        if (message.value === null) throw new Error(`the dead-letter topic refuses a message without value: ${verdict.reason}`);
        return [withoutValue(message)];
      case 'failed':
        throw verdict.error;
    }
  }
}
