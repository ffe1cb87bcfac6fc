// What the peers in Node share: see peer.py.
//   node <peer>.mjs FOLDER THREADS
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const [folder, threadsText] = process.argv.slice(2)
export const threads = Number(threadsText)

/** Width, height and RGB bytes of each photo. */
export function photos() {
  const files = readdirSync(folder).filter((name) => name.endsWith('.rgb'))
  return files.sort().map((name) => ({ width: 640, height: 480, channels: 3, data: readFileSync(join(folder, name)) }))
}

/** What a backbone alone gets: [1, 3, 800, 1088]. */
export function networkInput() {
  const { buffer, byteOffset, byteLength } = readFileSync(join(folder, 'input.f32'))
  return { dims: [1, 3, 800, 1088], data: new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength)) }
}

/** The kernel's own count on Linux: there getrusage of a process that was just started begins at its parent's peak. */
async function ownPeak() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

/** @param detect from an input to the number of detections, or of feature maps, and where there are stages, their times */
export async function serve(name, version, inputs, detect, { peakBytes = ownPeak, close = async () => {} } = {}) {
  const write = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`)
  write({ name, version })
  for await (const line of createInterface({ input: process.stdin })) {
    const image = inputs[Number(line) % inputs.length]
    const start = performance.now()
    const { found, stages } = await detect(image)
    write({ ms: performance.now() - start, found, stages })
  }
  write({ peakBytes: await peakBytes() })
  await close()
  process.exit()
}
