import type { Prompt } from '../../contract/session.js';
import { sanitize } from '../../transcript/sanitize.js';
import { asksWords } from '../asks-words.js';

/** Most characters of a summary in a notification. */
const SUMMARY_CHARS = 160;

/** What makes a terminal ring, and one that knows how (OSC 9) notify of a prompt. The agent's text in it can do nothing else. */
export function ringBytes(prompt: Prompt): string {
  const words = `${prompt.id} asks: ${asksWords(prompt).slice(0, SUMMARY_CHARS)}`;
  return `\u0007\u001b]9;filare-agents: ${sanitize(words).replaceAll(/\s+/g, ' ')}\u0007`;
}
