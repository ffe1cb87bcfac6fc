// A peer in a process of its own, which takes turns with the others. peer.py says what goes over the lines.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * @param limit milliseconds that loading, or one turn, may take
 * @param environment variables of its own
 * @returns what the peer said of itself, a function for a turn, and one that ends it
 */
export async function startPeer([command, ...args], limit, environment) {
  const env = { ...process.env, ...environment }
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr = `${stderr}${text}`.slice(-10_000)
  })
  // A peer that died is found out by its missing answer.
  child.stdin.on('error', () => {})
  const ended = new Promise((done) => child.once('close', done).once('error', done))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  async function answer() {
    let timer
    const late = new Promise((_, failed) => {
      timer = setTimeout(() => failed(new Error(`no answer in ${limit / 1000} s`)), limit)
    })
    try {
      const { value, done } = await Promise.race([lines.next(), late])
      if (!done) return JSON.parse(value)
      await ended
      throw new Error(reasonOf(stderr))
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    about: await answer(),
    turn(photo) {
      child.stdin.write(`${photo}\n`)
      return answer()
    },
    async end() {
      child.stdin.end()
      const { peakBytes } = await answer()
      child.kill()
      await ended
      return peakBytes
    },
  }
}

/** The line of a stack trace that says what went wrong. */
function reasonOf(stderr) {
  const lines = stderr.trim().split('\n')
  return (lines.findLast((line) => /(Error|Exception|error)\b.*:/.test(line)) ?? lines.at(-1) ?? '')
    .trim()
    .slice(0, 300)
}
