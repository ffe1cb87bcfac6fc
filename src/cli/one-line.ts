import { printable } from './text-table.ts'

/** Far above any message of ours; a name in a stranger's file may have megabytes. */
const LONGEST = 2000

/** A message for a terminal: one line, not endless, without the characters that could steer it. */
export function oneLine(message: string): string {
  const cut = message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message
  return printable(cut.replace(/\s*\n\s*/g, ' '))
}
