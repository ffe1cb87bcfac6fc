import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command line as a person would, and collects what it says. */
export function runCli(
  args: readonly string[],
  { cwd, input, interruptAt, deaf }: { cwd?: string; input?: Uint8Array; interruptAt?: string; deaf?: boolean } = {},
): Promise<CliResult> {
  if (!existsSync(CLI)) throw new Error('The command line is not built: run "npm run build" first.')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { cwd })
    // Nobody reads what it prints, as when `head` has seen enough.
    if (deaf) child.stdout.destroy()
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (interruptAt !== undefined && stdout.includes(interruptAt)) child.kill('SIGINT')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    // Whoever interrupts is at a terminal, which never ends.
    if (interruptAt === undefined) child.stdin.end(input ?? '')
  })
}
