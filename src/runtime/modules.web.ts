import { unexpected } from '../errors.ts'
import type { RuntimeModules } from './web.ts'

/**
 * Where onnxruntime-web is, found on the page, because an import map does not reach into workers.
 * @param folder address of its `dist` folder, or undefined for what the page's import map says; with neither, a bundler has
 * put it into the worker.
 * @throws VertebraError `INVALID_ARGUMENT` for what is no URL.
 */
export function runtimeModules(folder: string | URL | undefined): RuntimeModules {
  if (folder === undefined) return { wasm: mapped('onnxruntime-web/wasm'), gpu: mapped('onnxruntime-web/webgpu') }
  if (!URL.canParse(folder, document.baseURI)) throw unexpected('runtimeUrl', 'the URL of a folder', folder)
  const base = new URL(folder, document.baseURI).href.replace(/\/?$/, '/')
  return { wasm: `${base}ort.wasm.bundle.min.mjs`, gpu: `${base}ort.webgpu.bundle.min.mjs` }
}

function mapped(name: string): string | undefined {
  try {
    // Without an import map a bare name cannot be resolved, and bundlers take the function away.
    return import.meta.resolve?.(name)
  } catch {
    return undefined
  }
}
