import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadDetector } from '../../src/load/node.ts'
import { testPhoto, tinyModelFolder } from '../tiny-model.ts'

// A software Vulkan driver that Debian's chromium brings: slow, but a real WebGPU device on a machine without a GPU.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'
const LOADER = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1'
const isHere = existsSync(SWIFTSHADER) && existsSync(LOADER)
if (!isHere) console.warn('Skipped: WebGPU needs the packages chromium (its software driver) and libvulkan1 here.')

describe.skipIf(!isHere)('WebGPU', () => {
  beforeAll(() => {
    process.env.VK_ICD_FILENAMES = SWIFTSHADER
  })

  it('gives what the CPU gives: boxes to 0.5 px, scores to 0.005', { timeout: 120_000 }, async () => {
    const folder = await tinyModelFolder()
    const photo = testPhoto(160, 120)
    const results = []
    for (const device of ['cpu', 'webgpu'] as const) {
      const detector = await loadDetector(folder, { device })
      results.push(await detector.detect(photo, { minScore: 0.1 }))
      await detector.dispose()
    }
    const [cpu, webgpu] = results
    expect(webgpu?.device).toEqual({ device: 'webgpu', reason: 'webgpu was asked for.' })
    expect(webgpu?.detections).toHaveLength(cpu?.detections.length ?? 0)
    for (const [i, { label, score, box }] of (cpu?.detections ?? []).entries()) {
      const other = webgpu?.detections[i]
      expect(other?.label).toBe(label)
      expect(Math.abs((other?.score ?? 0) - score)).toBeLessThan(0.005)
      for (const [k, value] of box.entries()) expect(Math.abs((other?.box[k] ?? 0) - value)).toBeLessThan(0.5)
    }
  })
})
