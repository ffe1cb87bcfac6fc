import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

// Downloaded models are kept apart from the user's own.
const env = { XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), 'vertebra-cache-')) }

const config: ViteUserConfig = defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, pool: 'forks', env },
})

export default config
